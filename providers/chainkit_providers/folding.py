"""What the folds of all wires share: reading events, and telling a stream that broke from one that ended.

A fold of a wire says four things: what to do with an event, whether the end came, the text so far, and the
body that an unstreamed answer would have had, which is then decoded as one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from pydantic_core import from_json

from chainkit.errors import ReplyMalformed, StreamBroken
from chainkit_providers.payload import Json, malformed, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply

P = ParamSpec("P")
T = TypeVar("T")
_SHAPES = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading raises where an answer has not the shape of its wire."""


def shaped(wire: str) -> Callable[[Callable[Concatenate[Any, P], T]], Callable[Concatenate[Any, P], T]]:
    """A decoder that raises ReplyMalformed for a body of another shape."""

    def around(decode: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
        def run(body: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return decode(body, *args, **kwargs)
            except _SHAPES as error:
                raise malformed(wire, body, f"place for what it holds ({error!r})") from error

        run.__doc__ = decode.__doc__
        return run

    return around


class Folding(ABC):
    """A fold of one streamed answer."""

    __slots__ = ()
    vendor: str

    def feed(self, event: str, data: bytes) -> tuple[Piece, ...] | list[Piece]:
        """One event. Raises the fault that the stream tells, or ReplyMalformed."""
        if data[:6] == b"[DONE]":
            self._done()
            return ()
        try:
            told = from_json(data)
        except ValueError:
            told = parse_event(data)
        try:
            return self._take(event, told)
        except _SHAPES as error:
            raise ReplyMalformed(
                f"{self.vendor} streamed an event of another shape ({error!r}): {data[:200]!r}"
            ) from error

    def finish(self) -> Reply:
        """The whole reply. Raises StreamBroken, with the text so far, where the stream's end did not come."""
        if not self._ended():
            broken = StreamBroken(f"the stream of {self.vendor} ended before its end")
            broken.partial = self._text()
            raise broken
        try:
            body = self._body()
        except _SHAPES as error:
            raise ReplyMalformed(f"{self.vendor} streamed parts that make no whole ({error!r})") from error
        reply = self._decode(body)
        reply.raw = None
        return reply

    def _done(self) -> None:  # noqa: B027 - most wires have no end mark
        """The end mark that some wires have."""

    @abstractmethod
    def _take(self, event: str, told: Json) -> tuple[Piece, ...] | list[Piece]: ...

    @abstractmethod
    def _ended(self) -> bool: ...

    @abstractmethod
    def _text(self) -> str: ...

    @abstractmethod
    def _body(self) -> Json: ...

    @abstractmethod
    def _decode(self, body: Json) -> Reply: ...

"""What a consumer of a stream takes from the events of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chainkit.run.events import Completed, PartialOutput, TextDelta
from chainkit.run.io.stream import Listener

Out_co = TypeVar("Out_co", covariant=True)


@dataclass(frozen=True)
class Partial(Generic[Out_co]):
    """A piece of a value that is still growing; each one replaces the one before.

    `data` is what has arrived, as plain JSON; `value` the valid object, in the last piece only.
    """

    data: Any
    value: Out_co | None = None


def pieces() -> Listener:
    """Pieces of the chain's own output: text, or partial values."""
    return Listener(_piece, _last_pieces, every=False, restart=False)


def everything() -> Listener:
    """Every event."""
    return Listener(lambda event: event, lambda done, _: [done], every=True, restart=True)


def _piece(event: Any) -> Any:
    if type(event) is TextDelta:
        return event.text if event.shown else None
    if type(event) is PartialOutput and event.shown:
        return Partial[Any](event.data)
    return None


def _last_pieces(done: Completed[Any], any_shown: bool) -> list[Any]:
    """What is still due at the end: all of it where nothing came in pieces; the valid value of a partial."""
    value = done.value
    text = value if isinstance(value, str) else getattr(value, "text", None) if done.reply is not None else None
    if text is None:
        return [Partial(_plain(value), value)]
    return [] if any_shown or not text else [text]


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else value

"""What comes back from an HTTP provider: whole, in pieces, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionFailed,
    ProviderError,
    ReplyMalformed,
    StreamBroken,
)
from chainkit.models.json_bytes import parsed
from chainkit.models.pieces import TextPiece
from chainkit.models.sse import SseParser

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.models.access import Access
    from chainkit.models.http import HttpProvider
    from chainkit.models.provider import Fold
    from chainkit.run.call import Call
    from chainkit.run.carriers.wire import HttpResponse

_SHOWN = 200
"""Characters that are shown of an answer nobody can read."""


async def whole(row: HttpProvider, found: Access, wire: Any, response: HttpResponse, request: Any, call: Call) -> Any:
    """An answer that came all at once."""
    body = await response.read()
    if call.emit is not None and body[:5] == b"data:":
        return await streamed(wire, _Read(body), request, call)
    if request.kind == "chat":
        reply: Any = wire.decode(_read(row, found, body))
    else:
        reply = wire.decode(body if wire.answer == "bytes" else _read(row, found, body), request)
    if call.emit is not None and reply.text:
        # Asked for a stream, and given all at once.
        await call.emit(TextPiece(reply.text))
    return reply


async def streamed(wire: Any, response: HttpResponse | _Read, request: Any, call: Call) -> Any:
    """An answer that comes in pieces, each shown as it comes."""
    fold, parser, emit = wire.fold(request), getattr(wire, "framing", SseParser)(), call.emit
    assert emit is not None
    feed, chunk, show = parser.feed, response.chunk, fold.feed
    while data := await _next(chunk, fold):
        for event, payload in feed(data):
            for piece in show(event, payload):
                await emit(piece)
    for piece in last(parser, show):
        await emit(piece)
    return fold.finish()


async def _next(chunk: Callable[[], Awaitable[bytes]], fold: Fold) -> bytes:
    try:
        return await chunk()
    except ConnectionFailed as error:
        broken = StreamBroken(error.message, code=error.code)
        broken.partial = _arrived(fold)
        raise broken from error


def _read(row: HttpProvider, found: Access, body: bytes) -> Any:
    try:
        return parsed(body)
    except ValueError:
        shown = found.scrub(body[: _SHOWN * 4].decode("utf-8", "replace"))[:_SHOWN]
        msg = f"{row.name} answered something that is no JSON: {shown!r}"
        raise ReplyMalformed(msg, cure="check base_url: this may not be the provider's API") from None


async def refused(row: HttpProvider, found: Access, wire: Any, response: HttpResponse) -> ProviderError:
    """The error behind an answer that is none."""
    status = response.status
    if 300 <= status < 400:
        to = response.headers.get("location", "nowhere")
        msg = f"{row.name} at {found.shown} answered {status}: a redirect to {to}, which is not followed"
        return BadRequest(msg, cure="set base_url to where the API is", status=status)
    error: ProviderError = wire.error(status, response.headers, await response.read())
    _rewrite(error, found.scrub(error.message))
    if found.withheld is not None and isinstance(error, AuthenticationError):
        error.cure = (
            f"pass api_key=: the key in {found.withheld} is sent to {row.name}'s own hosts only, "
            f"and base_url leads to {found.shown}"
        )
    return error


class _Read:
    """A stream that was read already: some services send one under the name of JSON."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def chunk(self) -> bytes:
        body, self._body = self._body, b""
        return body


def _arrived(fold: Fold) -> str:
    """The text that a stream had when its connection went."""
    try:
        return fold.finish().text
    except StreamBroken as told:
        return told.partial
    except ProviderError:
        return ""


def last(parser: SseParser, show: Callable[[str, bytes], Any]) -> list[Any]:
    """The pieces of an event without its blank line: some servers end so. Half an event shows nothing."""
    try:
        return [piece for event, payload in parser.rest() for piece in show(event, payload)]
    except ReplyMalformed:
        return []


def is_json(response: HttpResponse) -> bool:
    """Whether an answer says that it is JSON, and not a stream."""
    return response.headers.get("content-type", "")[:16].lower() == "application/json"


def _rewrite(error: ProviderError, message: str) -> None:
    if message != error.message:
        error.message = message
        error.args = (message,)

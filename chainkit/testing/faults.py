"""What a `FaultServer` does with a request: an answer in the request's own wire format, and what spoils it.

A behaviour turns what was asked into what is told. `answer("Hello")` is a good one, `status(429, after=1)`
a refusal; the others take a good one and spoil it: `drip(answer("Hello"), 0.01)`, `cut(answer(), after=40)`.
They nest: `reset(crlf(answer()), after=9)`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, Literal, TypeAlias

from chainkit.messages import ToolCall
from chainkit.testing.wire_bodies import USAGE, AnyShape, Finish, Said, body, events, known, refusal
from chainkit.usage import Usage

FOREVER = float("inf")
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, as the server saw it. Secrets in `headers` are masked; `json` is None where there is none."""

    method: str
    path: str
    headers: Mapping[str, str]
    json: Any
    connection: int
    shape: AnyShape
    streamed: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What goes back: a status, headers and writes, and how they go.

    `before` is in seconds before the first byte, `every` between two bytes of the body. After `hold` bytes
    of the body nothing more comes, after `cut` bytes the connection ends: by FIN, or by RST with `reset`.
    `leave` closes the connection after a whole answer without having said so.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    writes: tuple[bytes, ...] = ()
    before: float = 0.0
    every: float | None = None
    hold: int | None = None
    cut: int | None = None
    reset: bool = False
    leave: bool = False
    streamed: bool = False


Behaviour: TypeAlias = Callable[[Seen], Told]


def answer(
    text: str = "ok",
    *,
    calls: Sequence[ToolCall] = (),
    finish: Finish = "stop",
    usage: Usage | None = USAGE,
) -> Behaviour:
    """A good answer, streamed where that was asked for."""
    return saying(Said(text, tuple(calls), finish, usage))


def saying(said: Said) -> Behaviour:
    """The same of a `Said`."""

    def tell(seen: Seen) -> Told:
        if seen.streamed:
            shape = known(seen.shape)
            writes = tuple(shape.written(e) for e in events(shape, said))
            return Told(headers={"content-type": shape.stream_type}, writes=writes, streamed=True)
        return raw(json.dumps(body(seen.shape, said), ensure_ascii=False))(seen)

    return tell


def raw(
    content: str | bytes, *, kind: str = _JSON, status: int = 200, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Any bytes, with any status and headers."""
    data = content.encode() if isinstance(content, str) else content
    return lambda _: Told(status, {"content-type": kind, **(headers or {})}, (data,) if data else ())


def status(
    code: int,
    message: str = "the loopback server refuses",
    *,
    after: float | str | None = None,
    form: Literal["seconds", "date", "ms"] = "seconds",
    word: str | None = None,
) -> Behaviour:
    """A refusal; `after` seconds are told as `Retry-After` in seconds or as a date, or as `retry-after-ms`.

    A string is sent as it is. `word` is the vendor's own code for it.
    """

    def tell(seen: Seen) -> Told:
        content = json.dumps(refusal(seen.shape, code, message, word))
        return raw(content, status=code, headers=_retry_after(after, form))(seen)

    return tell


def _retry_after(after: float | str | None, form: str) -> dict[str, str]:
    if after is None:
        return {}
    if isinstance(after, str):
        return {"retry-after": after}
    if form == "ms":
        return {"retry-after-ms": f"{after * 1000:g}"}
    if form == "date":
        import time

        return {"retry-after": formatdate(time.time() + after, usegmt=True)}
    return {"retry-after": f"{after:g}"}


def redirect(to: str, code: int = 307) -> Behaviour:
    """A redirect."""
    return raw(b"", status=code, headers={"location": to})


# Slow and broken connections.


def _changed(inner: Behaviour, **changes: Any) -> Behaviour:
    return lambda seen: replace(inner(seen), **changes)


def stall(inner: Behaviour | None = None, *, seconds: float = FOREVER, after: int | None = None) -> Behaviour:
    """Nothing for so many seconds before the headers, or nothing more after so many bytes of the body."""
    inner = inner or answer()
    return _changed(inner, before=seconds) if after is None else _changed(inner, hold=after)


def drip(inner: Behaviour | None = None, every: float = 0.01) -> Behaviour:
    """One byte of the body every so many seconds."""
    return _changed(inner or answer(), every=every)


def cut(inner: Behaviour | None = None, *, after: int = 0) -> Behaviour:
    """The connection is closed after so many bytes of the body; -1: before the headers."""
    return _changed(inner or answer(), cut=after)


def reset(inner: Behaviour | None = None, *, after: int = 0) -> Behaviour:
    """The connection is reset after so many bytes of the body; -1: before the headers."""
    return _changed(inner or answer(), cut=after, reset=True)


def cut_after_event(count: int, inner: Behaviour | None = None) -> Behaviour:
    """The connection is closed after so many writes: of a stream, events."""
    inner = inner or answer()

    def tell(seen: Seen) -> Told:
        told = inner(seen)
        return replace(told, cut=sum(map(len, told.writes[:count])))

    return tell


def leave(inner: Behaviour | None = None) -> Behaviour:
    """A whole answer, then the kept connection is closed: the next request finds it dead."""
    return _changed(inner or answer(), leave=True)


# Broken content.


def bad_json() -> Behaviour:
    """What is no JSON, under its name; in a stream, one event of it."""
    return _content(b"{'not': json}", "{'not': json}")


def truncated_json(inner: Behaviour | None = None) -> Behaviour:
    """JSON that ends in the middle, in an answer whose length is as told."""
    inner = inner or answer()

    def tell(seen: Seen) -> Told:
        told = inner(seen)
        last = told.writes[-1] if not told.streamed else told.writes[0]
        return replace(told, writes=(last[: len(last) // 2],))

    return tell


def _content(whole: bytes, *stream: str) -> Behaviour:
    def tell(seen: Seen) -> Told:
        if seen.streamed:
            shape = known(seen.shape)
            writes = tuple(shape.as_told(data) for data in stream)
            return Told(headers={"content-type": shape.stream_type}, writes=writes, streamed=True)
        return raw(whole)(seen)

    return tell


def empty_body(code: int = 200) -> Behaviour:
    """No body at all."""
    return raw(b"", status=code)


def empty_stream() -> Behaviour:
    """A stream without an event."""
    return _content(b"")


def wrong_type(inner: Behaviour | None = None, kind: str = "text/plain") -> Behaviour:
    """A good answer under another content type."""
    inner = inner or answer()

    def tell(seen: Seen) -> Told:
        told = inner(seen)
        return replace(told, headers={**told.headers, "content-type": kind})

    return tell


def web_page(code: int = 200) -> Behaviour:
    """A page of some proxy, in place of an answer."""
    return raw("<html><body>Bad gateway</body></html>", kind="text/html", status=code)


def error_in_stream(after: int = 2, inner: Behaviour | None = None, message: str = "overloaded") -> Behaviour:
    """An error object inside a stream of status 200, after so many events. Unstreamed it is a 503."""
    inner = inner or answer()

    def tell(seen: Seen) -> Told:
        if not seen.streamed:
            return status(503, message)(seen)
        told = inner(seen)
        shape = known(seen.shape)
        return replace(told, writes=(*told.writes[:after], shape.written(shape.error_event(message))))

    return tell


def gzipped(inner: Behaviour | None = None) -> Behaviour:
    """The body compressed, with its header."""
    inner = inner or answer()

    def tell(seen: Seen) -> Told:
        told = inner(seen)
        packed = gzip.compress(b"".join(told.writes), mtime=0)
        return replace(told, writes=(packed,), headers={**told.headers, "content-encoding": "gzip"})

    return tell


# Odd streams that are still right.


def _rewritten(inner: Behaviour | None, rewrite: Callable[[tuple[bytes, ...]], Sequence[bytes]]) -> Behaviour:
    inner = inner or answer()

    def tell(seen: Seen) -> Told:
        told = inner(seen)
        lines = told.streamed and known(seen.shape).lines
        return replace(told, writes=tuple(rewrite(told.writes))) if lines else told

    return tell


def comments(inner: Behaviour | None = None) -> Behaviour:
    """Comments and blank lines between the events, as proxies send them to keep a line open."""
    inner = inner or answer()

    def tell(seen: Seen) -> Told:
        told, shape = inner(seen), known(seen.shape)
        return replace(told, writes=tuple(shape.commented(w) for w in told.writes)) if told.streamed else told

    return tell


def crlf(inner: Behaviour | None = None) -> Behaviour:
    """Lines that end in CRLF, each CR and LF in a write of its own."""

    def rewrite(writes: tuple[bytes, ...]) -> list[bytes]:
        return [p for w in writes for p in _around(w.replace(b"\n", b"\r\n"))]

    return _rewritten(inner, rewrite)


def _around(data: bytes) -> list[bytes]:
    parts = data.split(b"\r\n")
    return [p for part in parts[:-1] for p in (part + b"\r", b"\n")] + [parts[-1]]


def no_last_blank_line(inner: Behaviour | None = None) -> Behaviour:
    """A stream whose last event is not ended by its blank line."""
    return _rewritten(inner, lambda writes: [*writes[:-1], writes[-1].rstrip(b"\n")])


def split_characters(inner: Behaviour | None = None) -> Behaviour:
    """Writes that end inside of every character of more than one byte."""

    def rewrite(writes: tuple[bytes, ...]) -> list[bytes]:
        return [p for w in writes for p in _inside(w)]

    return _rewritten(inner, rewrite)


def _inside(data: bytes) -> list[bytes]:
    cuts = [i for i, byte in enumerate(data) if byte & 0xC0 == 0x80]
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]

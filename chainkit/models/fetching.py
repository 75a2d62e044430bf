"""Fetching what a URL in a message leads to, where the provider cannot open it itself.

A fetch passes the gate as a call of kind "fetch" and has its own row in the ledger. Only http and https, only public
addresses or hosts that the run names (`Run(private_hosts=[...])`); redirects are followed by hand, each judged anew;
size and time are bounded, and nothing compressed is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin, urlsplit
from weakref import WeakKeyDictionary

from chainkit.errors import BadRequest, ConnectionFailed, DeadlineExceeded, EgressBlocked, RateLimited, ServerError
from chainkit.messages import Media, Message, Messages
from chainkit.models.media import kind_of, media_type_of, of_bytes, plain_type, with_data
from chainkit.models.task import CONCURRENCY, TaskReply, TaskRequest
from chainkit.run.call import Call, Tries
from chainkit.run.carriers.guarded import reached
from chainkit.run.carriers.target import target
from chainkit.run.carriers.wire import HttpRequest
from chainkit.run.gate import through
from chainkit.usage import FREE

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.run.carriers.target import Target
    from chainkit.run.carriers.wire import HttpResponse
    from chainkit.run.frame import Frame
    from chainkit.run.run import Run
    from chainkit.usage import Cost, Usage

MOST_BYTES = 50 * 1024 * 1024
"""What one URL may hold. No vendor takes more within a message."""
SECONDS = 60.0
"""How long one fetch may take, where the run ends no sooner."""
_REDIRECTS = 5
_ATTEMPTS = 3
_KEPT = 64 * 1024 * 1024
"""Bytes that one run keeps of what its URLs held: a re-ask or an agent's next turn sends them again."""
_FETCHED: WeakKeyDictionary[Run, dict[tuple[str, str], Media]] = WeakKeyDictionary()


@dataclass(slots=True)
class FetchRequest(TaskRequest):
    """A part that stands elsewhere."""

    kind = "fetch"
    media_part: Media = field(default_factory=lambda: Media("document", "application/octet-stream", url=""))


@dataclass(slots=True)
class Fetched(TaskReply):
    """The part with its bytes."""

    media: Media = field(default_factory=lambda: Media("document", "application/octet-stream", data=b""))


def unopened(request: Any, fetches: frozenset[str]) -> list[Media]:
    """The parts of a request that stand elsewhere, but for the kinds that the vendor opens itself."""
    return [p for p in _parts(request) if p.url is not None and p.kind not in fetches]


async def opened(request: Any, parts: list[Media], frame: Frame, path: str) -> Any:
    """The request with what the URLs of those parts hold. Raises EgressBlocked, BadRequest, ConnectionFailed."""
    each = list(dict.fromkeys(parts))
    jobs = [_job(part, path) for part in each]
    found = [await jobs[0](frame)] if len(jobs) == 1 else await frame.gather(jobs, concurrency=CONCURRENCY)
    by_part = dict(zip(each, found, strict=True))
    return _with(request, lambda part: by_part.get(part, part))


def pretended(request: Any, parts: list[Media]) -> Any:
    """The request as if those parts had been fetched: for looking at it without sending anything."""
    shown = {p: Media(p.kind, _USUAL[p.kind], data=f"what {p.url} holds".encode(), name=p.name) for p in parts}
    return _with(request, lambda part: shown.get(part, part))


_USUAL = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "document": "application/pdf"}


def _parts(request: Any) -> list[Media]:
    if request.kind == "chat":
        return [p for m in request.messages for p in m.parts if type(p) is Media]
    held: list[Any] = [getattr(request, name) for name in getattr(request, "media", ())]
    return [p for one in held for p in _listed(one) if isinstance(p, Media)]


def _listed(held: Any) -> tuple[Any, ...]:
    return cast("tuple[Any, ...]", held) if isinstance(held, tuple) else (held,)


def _with(request: Any, change: Callable[[Media], Media]) -> Any:
    if request.kind == "chat":
        return request.with_messages(Messages(_turn(m, change) for m in request.messages))
    new = {name: _changed(getattr(request, name), change) for name in request.media}
    return replace(request, **new)


def _turn(turn: Message, change: Callable[[Media], Media]) -> Message:
    if not any(type(p) is Media for p in turn.parts):
        return turn
    return replace(turn, parts=tuple(change(p) if isinstance(p, Media) else p for p in turn.parts))


def _changed(held: Any, change: Callable[[Media], Media]) -> Any:
    if isinstance(held, tuple):
        return tuple(_changed(one, change) for one in _listed(held))
    return change(held) if isinstance(held, Media) else held


def _job(part: Media, path: str) -> Callable[[Frame], Any]:
    return lambda frame: fetched(part, frame, path)


async def fetched(part: Media, frame: Frame, path: str) -> Media:
    """A part with the bytes that its URL leads to. Raises EgressBlocked, BadRequest, ConnectionFailed."""
    assert part.url is not None
    if part.url.startswith("data:"):
        return with_data(part)
    kept, key = _FETCHED.setdefault(frame.run, {}), (part.url, part.kind)
    if key in kept:
        return kept[key]
    aim = _aimed(part.url)
    request = FetchRequest("", media_part=part)
    call = Call(
        frame,
        Tries(frame.attempts or _ATTEMPTS),
        kind="fetch",
        provider="web",
        model=aim.host,
        path=f"{frame.prefix}{path} > fetch",
        request=request,
        send=_send,
        price=_free,
    )
    call.bound = lambda: (0, FREE)
    call.hashed = lambda: _hash(part)
    reply: Fetched = await through(call)
    if sum(len(m.data or b"") for m in (*kept.values(), reply.media)) <= _KEPT:
        kept[key] = reply.media
    return reply.media


def _free(_: Usage) -> Cost:
    return FREE


def _hash(part: Media) -> str:
    import hashlib

    return hashlib.sha256(f"fetch {part.kind} {part.url}".encode()).hexdigest()[:32]


async def _send(call: Call) -> Fetched:
    part: Media = call.request.media_part
    until = call.io.now() + SECONDS
    until = until if call.until is None else min(until, call.until)
    try:
        return await call.io.within(until, _followed(part, call, until))
    except DeadlineExceeded:
        if call.until is not None and call.io.now() >= call.until:
            raise
        msg = f"{_shown(part.url or '')} was not here after {SECONDS:g} s"
        raise ConnectionFailed(msg, code="timeout") from None


async def _followed(part: Media, call: Call, until: float) -> Fetched:
    url = part.url or ""
    for _ in range(_REDIRECTS + 1):
        said, data = await _asked(url, part, call, until)
        if data is not None:
            return Fetched(media=_part(part, said, data))
        url = urljoin(url, said)
    raise BadRequest(f"{_shown(part.url or '')} leads on and on: more than {_REDIRECTS} redirects")


async def _asked(url: str, part: Media, call: Call, until: float) -> tuple[str, bytes | None]:
    """(content type, bytes) - or (where to, None) for a redirect."""
    aim = _aimed(url)
    # A streamed request asks for nothing compressed.
    request = HttpRequest("GET", url, {"accept": "*/*", "user-agent": "chainkit"}, stream=True)
    response, close = await reached(request, aim, call.io, call.run.private_hosts, until)
    whole = False
    try:
        if response.status in (301, 302, 303, 307, 308) and "location" in response.headers:
            return response.headers["location"], None
        _accepted(url, response)
        data = await _body(url, response)
        whole = True
        return response.headers.get("content-type", ""), data
    finally:
        await response.close(whole)
        close()


def _aimed(url: str) -> Target:
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https"):
        msg = f"a URL is fetched by http or https, and this is {parts.scheme or 'none'}:; nothing was sent"
        raise EgressBlocked(msg, cure="give the bytes, or a pathlib.Path where a file is meant")
    if parts.username is not None or parts.password is not None:
        raise EgressBlocked("a URL that is fetched may hold no password; nothing was sent")
    return target(url)


def _accepted(url: str, response: HttpResponse) -> None:
    status = response.status
    if not 200 <= status < 300:
        kind = RateLimited if status == 429 else ServerError if status >= 500 else BadRequest
        raise kind(f"{_shown(url)} answered {status}", status=status)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise BadRequest(f"{_shown(url)} is compressed ({encoding[:20]}), which was not asked for and is not unpacked")
    said = response.headers.get("content-length", "")
    if said.isdigit() and int(said) > MOST_BYTES:
        raise _too_large(url)


async def _body(url: str, response: HttpResponse) -> bytes:
    held: list[bytes] = []
    size = 0
    while data := await response.chunk():
        size += len(data)
        if size > MOST_BYTES:
            raise _too_large(url)
        held.append(data)
    return b"".join(held)


def _too_large(url: str) -> BadRequest:
    return BadRequest(f"{_shown(url)} holds more than {MOST_BYTES >> 20} MB, the most that is fetched")


def _part(part: Media, said: str, data: bytes) -> Media:
    """The bytes as the kind of part that is wanted: by their beginning, else by what the server says."""
    found = media_type_of(data) or plain_type(said)
    heard = part.kind == "audio" and found in ("video/webm", "video/mp4")
    generic = found in ("", "application/octet-stream", "binary/octet-stream")
    if (not generic and kind_of(found) != part.kind and not heard) or not data:
        what = f"{len(data)} bytes of {found or 'no type'}"
        raise BadRequest(f"{_shown(part.url or '')} holds {what}, and {part.kind} is wanted there")
    guess = None if part.media_type.endswith("/*") else part.media_type
    return of_bytes(data, part.kind, "the message", said=guess if generic else said, name=part.name)


def _shown(url: str) -> str:
    """A URL without what may be secret in it."""
    return url.partition("?")[0].partition("#")[0][:120]

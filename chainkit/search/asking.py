"""One request for a page, through the gate as a call of kind "fetch", with its own row in the ledger.

Only http and https, only public addresses or hosts that the run names (`Run(private_hosts=[...])`), each judged anew
and connected to at the very address that was judged; no password in a URL, no cookies, no odd ports; size bounded.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chainkit.errors import (
    BadRequest,
    EgressBlocked,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
)
from chainkit.models.task import TaskReply, TaskRequest
from chainkit.retrieval.loading.unread import shown
from chainkit.run.call import Call, Tries
from chainkit.run.carriers.guarded import named, reached
from chainkit.run.carriers.target import target
from chainkit.run.carriers.wire import HttpRequest
from chainkit.run.gate import through
from chainkit.usage import FREE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.run.carriers.target import Target
    from chainkit.run.carriers.wire import HttpResponse
    from chainkit.run.frame import Frame
    from chainkit.usage import Cost, Usage

_MOVED = frozenset({301, 302, 303, 307, 308})
_KINDS: dict[int, type[ProviderError]] = {401: PermissionDenied, 403: PermissionDenied, 429: RateLimited}


@dataclass(slots=True)
class PageRequest(TaskRequest):
    """What is asked of a server. With `lenient_status` a refusal (4xx) is an answer like any other."""

    kind = "fetch"
    url: str = ""
    most: int = 10_000_000
    user_agent: str = "chainkit"
    ports: tuple[int, ...] | None = None
    compressed: bool = False
    whole: bool = True
    lenient_status: bool = False


@dataclass(slots=True)
class Answered(TaskReply):
    """What a server answered: the page, or where it has `moved` to."""

    url: str = ""
    status: int = 200
    content_type: str = ""
    charset: str | None = None
    moved: str | None = None
    data: bytes = field(default=b"", repr=False)


def aimed(url: str) -> Target:
    """Where a URL leads. Raises EgressBlocked for what is never opened, BadRequest for what is no URL."""
    try:
        parts = urlsplit(url)
        scheme, secret = parts.scheme.lower(), parts.username is not None or parts.password is not None
    except ValueError as error:
        raise BadRequest(f"{shown(url)[:80]!r} is no URL: {error}") from None
    if scheme not in ("http", "https"):
        msg = f"a page is fetched by http or https, and this is {scheme[:20] or 'none'}:; nothing was sent"
        raise EgressBlocked(msg, cure="for a file on this machine use load(path)")
    if secret:
        raise EgressBlocked("a URL that is fetched may hold no user name or password; nothing was sent")
    return target(url)


async def asked(request: PageRequest, frame: Frame, path: str, attempts: int, send: Any = None) -> Answered:
    """The answer to a request, of whoever `send` is. Raises EgressBlocked, ConnectionFailed, and errors by the status."""
    aim = aimed(request.url)
    call = Call(
        frame,
        Tries(frame.attempts or attempts),
        kind="fetch",
        provider="web",
        model=aim.host,
        path=f"{frame.prefix}{path}",
        request=request,
        send=send or _send,
        price=_free,
    )
    call.limits = frame.limits
    call.bound = lambda: (0, FREE)
    call.hashed = lambda: hashlib.sha256(f"page {request.url}".encode("utf-8", "replace")).hexdigest()[:32]
    return await through(call)


def _free(_: Usage) -> Cost:
    return FREE


async def _send(call: Call) -> Answered:
    request: PageRequest = call.request
    aim = aimed(request.url)
    if request.ports is not None and aim.port not in request.ports and not named(aim, call.run.private_hosts):
        cure = f"where you trust it: fetch(ports=[..., {aim.port}])"
        raise EgressBlocked(f"{aim.where} is no port of the web, and is not asked; nothing was sent", cure=cure)
    headers = {"accept": "text/html, application/pdf, text/*;q=0.9, */*;q=0.5", "user-agent": request.user_agent}
    # A streamed request asks for nothing compressed.
    sent = HttpRequest("GET", request.url, headers, stream=not request.compressed)
    response, close = await reached(sent, aim, call.io, call.run.private_hosts, call.until)
    whole = False
    try:
        if response.status in _MOVED and "location" in response.headers:
            return Answered(url=request.url, status=response.status, moved=response.headers["location"])
        _accepted(request, response)
        data = await _body(request, response)
        whole = request.whole
        return _answered(request, response, data)
    finally:
        await response.close(whole)
        close()


def _accepted(request: PageRequest, response: HttpResponse) -> None:
    status = response.status
    if not 200 <= status < 300 and not (request.lenient_status and 400 <= status < 500 and status != 429):
        kind = _KINDS.get(status) or (ServerError if status >= 500 else BadRequest)
        error = kind(f"{shown(request.url)} answered {status}", status=status)
        error.retry_after = _retry_after(response.headers)
        raise error
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity") and not request.compressed:
        msg = f"{shown(request.url)} is compressed ({encoding[:20]}), which was not asked for and is not unpacked"
        raise BadRequest(msg, cure="fetch(compressed=True) unpacks gzip, within max_bytes")
    said = response.headers.get("content-length", "")
    if request.whole and said.isdigit() and int(said) > request.most:
        raise _too_large(request)


async def _body(request: PageRequest, response: HttpResponse) -> bytes:
    held: list[bytes] = []
    size = 0
    while data := await response.chunk():
        size += len(data)
        held.append(data)
        if size > request.most:
            if request.whole:
                raise _too_large(request)
            break
    return b"".join(held)[: request.most]


def _too_large(request: PageRequest) -> BadRequest:
    return BadRequest(f"{shown(request.url)} holds more bytes than are taken; the bound is max_bytes={request.most:,}")


def _answered(request: PageRequest, response: HttpResponse, data: bytes) -> Answered:
    media, _, rest = response.headers.get("content-type", "").partition(";")
    charset = rest.lower().partition("charset=")[2].partition(";")[0].strip(" \"'") or None
    kept = {k: response.headers[k] for k in ("etag", "last-modified") if k in response.headers}
    return Answered(
        url=request.url, status=response.status, content_type=media.strip().lower(), charset=charset, data=data, headers=kept
    )  # fmt: skip


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server wants to be left alone, said in seconds or as a date."""
    said = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(said) if said[:1].isdigit() else parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


__all__ = ["Answered", "PageRequest", "aimed", "asked"]

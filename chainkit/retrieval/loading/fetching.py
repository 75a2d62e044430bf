"""What a URL leads to. Each fetch passes the gate as a call of kind "fetch" and has its row in the run's ledger.

Only http and https, only public addresses or hosts that the run names (`Run(private_hosts=[...])`); redirects, those
that a page itself orders too, are followed by hand and each judged anew; size and time are bounded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin, urlsplit

from chainkit.errors import BadRequest, ConnectionFailed, DeadlineExceeded, EgressBlocked, RateLimited, ServerError
from chainkit.models.task import TaskReply, TaskRequest
from chainkit.retrieval.html import html_page
from chainkit.retrieval.loading.decoding import declared, known_encoding
from chainkit.retrieval.loading.opened import utc
from chainkit.retrieval.loading.options import Options
from chainkit.retrieval.loading.unread import shown
from chainkit.run.call import Call, Tries
from chainkit.run.carriers.guarded import reached
from chainkit.run.carriers.target import target
from chainkit.run.carriers.wire import HttpRequest
from chainkit.run.drive import invoke
from chainkit.run.gate import through
from chainkit.usage import FREE

if TYPE_CHECKING:
    from chainkit.run.carriers.target import Target
    from chainkit.run.carriers.wire import HttpResponse
    from chainkit.run.frame import Frame
    from chainkit.usage import Cost, Usage

SECONDS = 60.0
"""How long one fetch may take, where the run ends no sooner."""
_HOPS = 5
_ATTEMPTS = 3
_HEAD = 20_000
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(slots=True)
class PageRequest(TaskRequest):
    """What is asked of a server: a page, or with `head` only what it says of one."""

    kind = "fetch"
    url: str = ""
    head: bool = False
    most: int = 100_000_000


@dataclass(slots=True)
class Page(TaskReply):
    """What a URL led to: the last address, the media type, the bytes."""

    url: str = ""
    content_type: str = ""
    charset: str | None = None
    data: bytes = field(default=b"", repr=False)
    status: int = 200

    @property
    def modified(self) -> str | None:
        """When the server says that it was last changed, in ISO 8601."""
        try:
            return utc(parsedate_to_datetime(self.headers.get("last-modified", "")))
        except (ValueError, TypeError):
            return None

    @property
    def told(self) -> str | None:
        """What the server says that changes with the page: its etag, or its date."""
        etag, date = self.headers.get("etag"), self.headers.get("last-modified")
        return f"etag:{etag}" if etag else f"date:{date}" if date else None

    @property
    def mark(self) -> str:
        """The same, or a hash of the bytes where it says nothing."""
        return self.told or f"hash:{hashlib.blake2b(self.data, digest_size=16).hexdigest()}"


def fetch(url: str, limits: Options) -> Page:
    """What a URL leads to. Raises EgressBlocked, BadRequest, ConnectionFailed and other errors of the network."""
    page = _asked(url, limits)
    for _ in range(_HOPS):
        onward = _onward(page)
        if onward is None:
            return page
        page = _asked(onward, limits)
    raise BadRequest(f"{shown(url)} leads on and on: more than {_HOPS} pages that send their reader elsewhere")


def marks(url: str, limits: Options) -> str | None:
    """The etag or date that a server has for a page; None where it tells none."""
    try:
        page = _asked(url, limits, head=True)
    except BadRequest as error:
        if error.status in (400, 403, 405):
            return None  # of servers that do not answer HEAD
        raise
    except ServerError:
        return None
    return page.told


def _onward(page: Page) -> str | None:
    """Where a page sends its reader at once, if it is elsewhere."""
    if "html" not in page.content_type:
        return None
    head = page.data[:_HEAD].decode(known_encoding(page.charset or declared(page.data)) or "utf-8", "replace")
    found = html_page(head).refresh
    aim = urldefrag(urljoin(page.url, found))[0] if found else None
    return aim if aim != page.url else None


def _asked(url: str, limits: Options, *, head: bool = False) -> Page:
    async def core(frame: Frame, value: Any) -> Any:
        return await _fetched(url, limits, frame, head)

    found: Page = invoke(core, url)
    return found


async def _fetched(url: str, limits: Options, frame: Frame, head: bool) -> Any:
    aim = _aimed(url)
    call = Call(
        frame,
        Tries(frame.attempts or _ATTEMPTS),
        kind="fetch",
        provider="web",
        model=aim.host,
        path=f"{frame.prefix}load > fetch",
        request=PageRequest("", url=url, head=head, most=limits.max_bytes),
        send=_send,
        price=_free,
    )
    call.bound = lambda: (0, FREE)
    call.hashed = lambda: hashlib.sha256(f"load {head} {url}".encode()).hexdigest()[:32]
    return await through(call)


def _free(_: Usage) -> Cost:
    return FREE


async def _send(call: Call) -> Page:
    until = call.io.now() + SECONDS
    until = until if call.until is None else min(until, call.until)
    try:
        return await call.io.within(until, _followed(call, until))
    except DeadlineExceeded:
        if call.until is not None and call.io.now() >= call.until:
            raise
        msg = f"{shown(call.request.url)} was not here after {SECONDS:g} s"
        raise ConnectionFailed(msg, code="timeout") from None


async def _followed(call: Call, until: float) -> Page:
    url = call.request.url
    for _ in range(_HOPS + 1):
        found = await _answered(url, call, until)
        if isinstance(found, Page):
            return found
        url = urldefrag(urljoin(url, found))[0]
    raise BadRequest(f"{shown(call.request.url)} leads on and on: more than {_HOPS} redirects")


async def _answered(url: str, call: Call, until: float) -> Page | str:
    """The page - or where it has moved to."""
    method, headers = "HEAD" if call.request.head else "GET", {"accept": "*/*", "user-agent": "chainkit"}
    request = HttpRequest(method, url, headers, stream=True)
    response, close = await reached(request, _aimed(url), call.io, call.run.private_hosts, until)
    whole = False
    try:
        if response.status in _MOVED and "location" in response.headers:
            return response.headers["location"]
        _accepted(url, response, call.request)
        data = b"" if call.request.head else await _body(url, response, call.request)
        whole = not call.request.head
        said = response.headers.get("content-type", "")
        kept = {k: response.headers[k] for k in ("etag", "last-modified") if k in response.headers}
        media, _, rest = said.partition(";")
        charset = rest.lower().partition("charset=")[2].strip(" \"'") or None
        return Page(url=url, content_type=media.strip().lower(), charset=charset, data=data, headers=kept)
    finally:
        await response.close(whole)
        close()


def _aimed(url: str) -> Target:
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https"):
        msg = f"a URL is loaded by http or https, and this is {parts.scheme[:20] or 'none'}:; nothing was sent"
        raise EgressBlocked(msg, cure="give a path where a file is meant")
    if parts.username is not None or parts.password is not None:
        raise EgressBlocked("a URL that is loaded may hold no password; nothing was sent")
    return target(url)


def _accepted(url: str, response: HttpResponse, request: PageRequest) -> None:
    status = response.status
    if not 200 <= status < 300:
        kind = RateLimited if status == 429 else ServerError if status >= 500 else BadRequest
        raise kind(f"{shown(url)} answered {status}", status=status)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity") and not request.head:
        raise BadRequest(f"{shown(url)} is compressed ({encoding[:20]}), which was not asked for and is not unpacked")
    said = response.headers.get("content-length", "")
    if said.isdigit() and int(said) > request.most and not request.head:
        raise _too_large(url, request)


async def _body(url: str, response: HttpResponse, request: PageRequest) -> bytes:
    held: list[bytes] = []
    size = 0
    while data := await response.chunk():
        size += len(data)
        if size > request.most:
            raise _too_large(url, request)
        held.append(data)
    return b"".join(held)


def _too_large(url: str, request: PageRequest) -> BadRequest:
    return BadRequest(f"{shown(url)} holds more bytes than are taken; the bound is max_bytes={request.most:,}")

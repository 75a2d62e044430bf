"""A URL to clean text, as a chain: guarded, bounded, polite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args
from urllib.parse import urldefrag, urljoin

from chainkit.chain import Chain
from chainkit.documents import Document
from chainkit.errors import BadRequest, CompositionError, ConnectionFailed, DeadlineExceeded, ProviderError
from chainkit.messages import counted_text
from chainkit.retrieval.html import html_page
from chainkit.retrieval.loading.decoding import declared, known_encoding
from chainkit.retrieval.loading.unread import shown
from chainkit.search.asking import Answered, PageRequest, aimed, asked
from chainkit.search.manners import allowed, host_of, paused
from chainkit.search.reading import Reader, document_of

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

T = TypeVar("T")
_HOPS = 5
_HEAD = 20_000
PORTS = (80, 443, 8080, 8443)


@dataclass(frozen=True, repr=False)
class Fetch(Chain[str, Document]):
    """Reads what a URL leads to. Made by `fetch`."""

    timeout_seconds: float = 30.0
    max_bytes: int = 10_000_000
    robots: bool = True
    user_agent: str = "chainkit"
    pause: float = 1.0
    ports: tuple[int, ...] | None = PORTS
    compressed: bool = False
    reader: Reader = "auto"
    attempts: int = 3

    @property
    def in_type(self) -> Any:
        return str

    @property
    def out_type(self) -> Any:
        return Document

    @property
    def label(self) -> str:
        return "fetch"

    def compile(self, place: Place) -> Core:
        path = place.path

        async def run(frame: Frame, value: Any) -> Any:
            url = _url_in(value)
            page = await self._led(frame.quiet(), path, url)
            if frame.io.blocking:
                return document_of(page, url, self.reader, self.max_bytes)
            return await frame.io.call(document_of, page, url, self.reader, self.max_bytes)

        return run

    async def _led(self, frame: Frame, path: str, url: str) -> Answered:
        """The page at the end of all redirects, those of pages themselves too."""
        to, time = urldefrag(url)[0], _Time(self.timeout_seconds, url)
        for _ in range(_HOPS + 1):
            page = await self._visited(frame, path, to, time)
            onward = page.moved if page.moved is not None else _refreshed(page)
            if onward is None:
                return page
            to = urldefrag(urljoin(to, onward.strip()))[0]
        raise BadRequest(f"{shown(url)} leads on and on: more than {_HOPS} redirects")

    async def _visited(self, frame: Frame, path: str, url: str, time: _Time) -> Answered:
        host = host_of(frame.run, aimed(url).origin)
        request = self._request(url)
        stand_in: Any = frame.run.stand_in(f"fetch:{url}") if frame.run.models is not None else None
        if getattr(stand_in, "pretends", False):
            return Answered(url=url, content_type="text/plain", data=f"what {shown(url)} holds".encode())
        if hasattr(stand_in, "read_page"):
            return await asked(request, frame, f"{path} > page", self.attempts, stand_in.read_page)
        await host.queue.take(frame.io, frame.until)
        try:
            pause = self.pause
            if self.robots:
                rules = await time.within(frame, lambda inner: allowed(url, host, request, inner, path))
                pause = max(pause, rules.delay or 0.0)
            await paused(host, frame, pause, self.timeout_seconds)
            return await time.within(frame, lambda inner: asked(request, inner, f"{path} > page", self.attempts))
        finally:
            host.queue.give()

    def _request(self, url: str) -> PageRequest:
        return PageRequest(
            "",
            url=url,
            most=self.max_bytes,
            user_agent=self.user_agent,
            ports=self.ports,
            compressed=self.compressed,
        )


class _Time:
    """What is left of a fetch's time. Waiting for others of this program does not use it up."""

    def __init__(self, seconds: float, url: str) -> None:
        self._all = self._left = seconds
        self._url = url

    async def within(self, frame: Frame, ask: Callable[[Frame], Awaitable[T]]) -> T:
        """Ask within what is left. Raises ConnectionFailed, or the error that the server should be left alone."""
        began = frame.io.now()
        inner = frame.sooner(began + self._left)
        try:
            return await ask(inner)
        except DeadlineExceeded as error:
            if frame.until is not None and frame.until == inner.until:
                raise
            # A server that wants to be left alone for longer than this says more than the time that is up.
            if isinstance(error.__cause__, ProviderError):
                raise error.__cause__ from None
            msg = f"{shown(self._url)} was not here after {self._all:g} s"
            raise ConnectionFailed(msg, code="timeout", cure="fetch(timeout=...) waits longer") from None
        finally:
            self._left -= frame.io.now() - began


def _url_in(value: Any) -> str:
    """The URL in a text, or of a search's result. Raises CompositionError for anything else."""
    url = value if isinstance(value, str) else getattr(value, "url", None) or counted_text(value)
    if not isinstance(url, str) or not url.strip():
        raise CompositionError(f"fetch() takes a URL, and got {type(value).__name__}: {value!r:.60}")
    return url.strip()


def _refreshed(page: Answered) -> str | None:
    """Where a page sends its reader at once, if it is elsewhere."""
    if "html" not in page.content_type or b"refresh" not in page.data[:_HEAD].lower():
        return None
    head = page.data[:_HEAD].decode(known_encoding(page.charset or declared(page.data)) or "utf-8", "replace")
    onward = html_page(head).refresh
    return None if onward is None or urldefrag(urljoin(page.url, onward))[0] == page.url else onward


def fetch(
    *,
    timeout: float = 30.0,
    max_bytes: int = 10_000_000,
    robots: bool = True,
    user_agent: str = "chainkit",
    pause: float = 1.0,
    ports: Collection[int] | None = PORTS,
    compressed: bool = False,
    reader: Reader = "auto",
    attempts: int = 3,
) -> Fetch:
    """A URL in, a `Document` of its clean text out: `fetch().invoke("https://example.org")`.

    Only public addresses are asked, and hosts that the run names: `Run(private_hosts=["wiki.example"])`. `timeout` is in
    seconds, for robots.txt, redirects and all, but not for waiting one's turn; `max_bytes` is of the body, unpacked where `compressed=True`
    asks for gzip. `robots` heeds robots.txt; `pause` is seconds between two requests to one server within a run.
    `ports=None` lets any port pass. `reader` takes the main part out of HTML: "trafilatura" (`pip install
    'chainkit[pages]'`), "plain" by our own reader, "auto" the first where it is installed. Raises EgressBlocked,
    PermissionDenied, ConnectionFailed, BadRequest and other errors of the network.
    """
    if timeout <= 0 or max_bytes < 1 or pause < 0 or attempts < 1:
        msg = f"timeout={timeout}, max_bytes={max_bytes}, pause={pause}, attempts={attempts}: timeout is above 0, the rest"
        raise CompositionError(f"{msg} 1 or more, and pause 0 or more")
    if not user_agent.isprintable() or not user_agent.strip():
        raise CompositionError("user_agent is the name that servers are told: one line of text")
    if reader not in get_args(Reader):
        raise CompositionError(f"reader={reader!r} is none of {', '.join(get_args(Reader))}")
    allowed_ports = None if ports is None else tuple(sorted(ports))
    return Fetch(timeout, max_bytes, robots, user_agent, pause, allowed_ports, compressed, reader, attempts)

"""Our connections under a vendor's client that we make ourselves.

The client still makes the URL, the headers and the key. But its sockets are ours: so the deadline cuts
each read, and thousands of calls in flight cost no more than one. A client handed over keeps its own.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.run.carriers import blocking_socket
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.proxies import proxy_for
from chainkit.run.carriers.target import target
from chainkit.run.carriers.threads import driven
from chainkit.run.carriers.wire import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.run.carriers.http1 import Dial
    from chainkit.run.carriers.pool import Answer

UNTIL: ContextVar[float | None] = ContextVar("chainkit_until", default=None)
"""The deadline of the request that a client is being asked to send."""

_OURS = frozenset({b"host", b"content-length", b"accept-encoding", b"connection", b"transfer-encoding"})


class Sockets:
    """The connections of one client that we make."""

    def __init__(self, *, blocking: bool) -> None:
        self.blocking = blocking
        self._carriers: list[PooledCarrier] = []

    def transport(self, library: Any) -> Any:
        """A transport for that client, of httpx or httpx2."""
        sync, loop = _classes(library)
        carrier = PooledCarrier(self._dial(), tls=library.create_ssl_context)
        self._carriers.append(carrier)
        return sync(carrier, library.HTTPTransport) if self.blocking else loop(carrier, library.AsyncHTTPTransport)

    def _dial(self) -> Dial:
        if self.blocking:
            return blocking_socket.dial
        from chainkit.run.carriers import loop_socket

        return loop_socket.dial

    def close(self) -> None:
        """Close what rests; what is under way is closed when it ends."""
        for carrier in self._carriers:
            carrier.close()


class _Ways:
    """Our carrier, and the library's own transport for a server behind a proxy that ours cannot speak to."""

    def __init__(self, carrier: PooledCarrier, theirs: Any) -> None:
        self._carrier = carrier
        self._theirs = theirs
        self._known: dict[tuple[str, str, int], Any] = {}

    def other(self, url: str) -> Any:
        origin = target(url).origin
        if origin not in self._known:
            proxy = proxy_for(*origin)
            self._known[origin] = None if proxy is None or proxy.plain else self._theirs(proxy=proxy.url)
        return self._known[origin]


def _asked(request: Any, body: bytes) -> HttpRequest:
    headers = {n.decode("ascii"): v.decode("utf-8") for n, v in request.headers.raw if n.lower() not in _OURS}
    stream = "event-stream" in headers.get("accept", headers.get("Accept", ""))
    return HttpRequest(request.method, str(request.url), headers, body, stream=stream)


def _told(answer: Answer) -> list[tuple[str, str]]:
    # The body comes decompressed.
    return [(n, v) for n, v in answer.headers.items() if n not in ("content-encoding", "content-length")]


@lru_cache(maxsize=4)
def _classes(library: Any) -> tuple[Any, Any]:
    """Transports that derive from a library's own classes, as it demands."""

    class Sync(_Ways, library.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            other = self.other(str(request.url))
            if other is not None:
                return other.handle_request(request)
            answer = driven(self._carrier.open(_asked(request, request.read()), until=UNTIL.get()))
            return library.Response(answer.status, headers=_told(answer), stream=SyncStream(answer))

        def close(self) -> None:
            self._carrier.close()

    class SyncStream(library.SyncByteStream):  # type: ignore[misc]
        def __init__(self, answer: Answer) -> None:
            self._answer = answer

        def __iter__(self) -> Iterator[bytes]:
            return iter(lambda: driven(self._answer.chunk()), b"")

        def close(self) -> None:
            driven(self._answer.close(whole=True))

    class Loop(_Ways, library.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            other = self.other(str(request.url))
            if other is not None:
                return await other.handle_async_request(request)
            answer = await self._carrier.open(_asked(request, await request.aread()), until=UNTIL.get())
            return library.Response(answer.status, headers=_told(answer), stream=LoopStream(answer))

        async def aclose(self) -> None:
            self._carrier.close()

    class LoopStream(library.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, answer: Answer) -> None:
            self._answer = answer

        def __aiter__(self) -> LoopStream:
            return self

        async def __anext__(self) -> bytes:
            data = await self._answer.chunk()
            if not data:
                raise StopAsyncIteration
            return data

        async def aclose(self) -> None:
            await self._answer.close(whole=True)

    return Sync, Loop

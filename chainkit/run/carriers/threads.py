"""A blocking carrier used from a loop: each wait happens in a worker thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chainkit.errors import ChainkitError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from chainkit.run.carriers.wire import Carrier, HttpRequest, HttpResponse

    Call = Callable[..., Awaitable[Any]]

T = TypeVar("T")


def driven(work: Coroutine[Any, Any, T]) -> T:
    """The value of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    msg = "a blocking carrier tried to wait on an event loop"
    raise ChainkitError(msg, cure="report this: a blocking carrier must not suspend")


class ThreadedCarrier:
    """Sends through a blocking carrier. `call(function, *args)` runs a function in a worker."""

    def __init__(self, inner: Carrier, call: Call) -> None:
        self._inner = inner
        self._call = call
        self.relative = inner.relative

    async def open(self, request: HttpRequest, *, until: float | None) -> ThreadedResponse:
        """Send, and wait for the answer's headers."""
        opening = _Opening(self._inner, request, until)
        try:
            return ThreadedResponse(await self._call(opening.run), self._call)
        except BaseException:
            opening.abandon()
            raise

    def close(self) -> None:
        self._inner.close()


class _Opening:
    """A request that a worker sends, and that nobody may be waiting for when its answer is here."""

    def __init__(self, carrier: Carrier, request: HttpRequest, until: float | None) -> None:
        self._carrier = carrier
        self._request = request
        self._until = until
        self._lock = threading.Lock()
        self._abandoned = False
        self._response: HttpResponse | None = None

    def run(self) -> HttpResponse:
        response = driven(self._carrier.open(self._request, until=self._until))
        with self._lock:
            self._response = response
            late = self._abandoned
        if late:
            driven(response.close(whole=False))
        return response

    def abandon(self) -> None:
        with self._lock:
            self._abandoned = True
            response = self._response
        if response is not None:
            driven(response.close(whole=False))


class ThreadedResponse:
    """An answer whose bytes a worker waits for."""

    def __init__(self, inner: HttpResponse, call: Call) -> None:
        self._inner = inner
        self._call = call
        self.status: int = inner.status
        self.headers: Mapping[str, str] = inner.headers

    async def read(self) -> bytes:
        """The whole body."""
        data: bytes = await self._call(_do, self._inner.read)
        return data

    async def chunk(self) -> bytes:
        """What came in since the last one; `b""` at the end."""
        data: bytes = await self._call(_do, self._inner.chunk)
        return data

    async def close(self, whole: bool) -> None:
        """Give the connection back. A worker that still reads fails, and ends."""
        driven(self._inner.close(whole))


def _do(method: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return driven(method())

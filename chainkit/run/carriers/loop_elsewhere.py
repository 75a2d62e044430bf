"""An async client used from a blocking run: its coroutines run on the loop that it belongs to."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from chainkit.run.carriers.wire import Carrier, HttpRequest, HttpResponse

T = TypeVar("T")
_SLICE = 0.5
"""How long to wait before a Ctrl-C is looked for, seconds."""


class ElsewhereCarrier:
    """Sends through a carrier of a loop that runs in another thread."""

    def __init__(self, inner: Carrier, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop
        self.relative = inner.relative

    async def open(self, request: HttpRequest, *, until: float | None) -> ElsewhereResponse:
        """Send, and wait for the answer's headers."""
        response = _there(self._loop, self._inner.open(request, until=until), until)
        return ElsewhereResponse(response, self._loop, until)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._inner.close)


class ElsewhereResponse:
    """An answer whose bytes arrive on another thread's loop."""

    def __init__(self, inner: HttpResponse, loop: asyncio.AbstractEventLoop, until: float | None) -> None:
        self._inner = inner
        self._loop = loop
        self._until = until
        self.status: int = inner.status
        self.headers: Mapping[str, str] = inner.headers

    async def read(self) -> bytes:
        """The whole body."""
        return _there(self._loop, self._inner.read(), self._until)

    async def chunk(self) -> bytes:
        """What came in since the last one; `b""` at the end."""
        return _there(self._loop, self._inner.chunk(), self._until)

    async def close(self, whole: bool) -> None:
        """Give the connection back to the client."""
        _there(self._loop, self._inner.close(whole), None)


def _there(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], until: float | None) -> T:
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        while True:
            left = _SLICE if until is None else min(_SLICE, until - time.monotonic())
            try:
                return future.result(max(0.0, left))
            except TimeoutError:
                if future.done():
                    raise
                if until is not None and time.monotonic() >= until:
                    raise too_late() from None
    except BaseException:
        future.cancel()
        raise

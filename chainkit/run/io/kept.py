"""Something that has to live on one event loop, used from everywhere: opened there, closed there, in one task.

A server's session is such a thing: it reads and writes all the time, and may only be closed by the task that
opened it. It lives on the background loop, from its first use to `close` or the end of the process.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from chainkit.run.io.background import BACKGROUND, Background
from chainkit.run.io.bridge import Bridge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from chainkit.run.frame import Frame


class Kept:
    """A thing behind `open()`, opened once and again after it has ended by itself."""

    def __init__(
        self, open: Callable[[], AbstractAsyncContextManager[Any]], background: Background = BACKGROUND
    ) -> None:
        self._open = open
        self._background = background
        self._life: _Life | None = None

    async def use(self, frame: Frame, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do `work` with the thing, on its loop; it is opened where it is not open. Raises what either raises."""
        if frame.io.blocking:
            return await Bridge(self._background, frame).cross(lambda _: self._work(work))
        if self._background.here:
            return await self._work(work)
        return await asyncio.wrap_future(self._background.submit(self._work(work)))

    async def _work(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        life = self._life
        # After a fork there is another loop; a life that has ended is begun anew.
        if life is None or not life.lives:
            life = self._life = _Life(self._open)
        return await life.work(work)

    def drop(self) -> None:
        """Let go of one that works no more; the next use opens another."""
        life, self._life = self._life, None
        if life is not None:
            life.end()

    def close(self) -> None:
        """Close it, and wait for that a little. What comes after opens it again."""
        life, self._life = self._life, None
        if life is not None and life.lives and self._background.started and not self._background.here:
            try:
                self._background.submit(life.close()).result(5)
            except (TimeoutError, asyncio.CancelledError):
                """It ends with the loop."""


class _Life:
    """One opening, on the loop that is running."""

    def __init__(self, open: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._held: asyncio.Future[Any] = self._loop.create_future()
        self._task = asyncio.ensure_future(self._keep(open))

    @property
    def lives(self) -> bool:
        return not self._task.done() and not self._over.is_set() and not self._loop.is_closed()

    async def _keep(self, open: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        try:
            async with open() as held:
                self._held.set_result(held)
                await self._over.wait()
        except BaseException as error:
            if not self._held.done():
                self._held.set_exception(error if isinstance(error, Exception) else ConnectionError(str(error)))
                # Whoever waits for it raises it; nobody may wait any more.
                self._held.exception()
            if not isinstance(error, Exception):
                raise
        finally:
            self._over.set()

    async def work(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        held = await asyncio.shield(self._held)
        doing = asyncio.ensure_future(work(held))
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait([doing, over], return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise ConnectionError("it has ended")
            return doing.result()
        finally:
            over.cancel()
            if not doing.done():
                doing.cancel()
                await asyncio.wait([doing], timeout=2)

    def end(self) -> None:
        """Have it closed, without waiting; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)

    async def close(self) -> None:
        self._over.set()
        await asyncio.wait([self._task], timeout=4)

"""The one way from a blocking run to the background loop, and back with value, error and events."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from chainkit.run.io.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

    from chainkit.run.frame import Frame
    from chainkit.run.io.background import Background

_ROOM = 64
"""Events that may wait for the consumer before the members have to wait."""


class Bridge:
    """Runs one job on the background loop for a frame that blocks, passing its events through."""

    def __init__(self, background: Background, frame: Frame) -> None:
        self._background = background
        self._frame = frame
        self._events: deque[Any] = deque()
        self._news = threading.Event()
        self._room: asyncio.Event | None = None

    async def cross(self, job: Callable[[Frame], Awaitable[Any]]) -> Any:
        """Do the job there and wait for it here."""
        future = self._background.submit(self._there(job))
        future.add_done_callback(lambda _: self._news.set())
        try:
            await self._pass(future)
            return future.result()
        except BaseException:
            if not future.done() or future.cancelled():
                self._background.finish(future)
            raise

    async def _there(self, job: Callable[[Frame], Awaitable[Any]]) -> Any:
        outer = self._frame
        io = Loop()
        self._room = asyncio.Event()
        frame = outer.crossed(io, self._put if outer.emit is not None else None)
        work = job(frame)
        return await (work if outer.until is None else io.within(outer.until, work))

    async def _put(self, event: Any) -> None:
        self._events.append(event)
        self._news.set()
        if len(self._events) >= _ROOM:
            room = self._room
            if room is not None:
                room.clear()
                await room.wait()

    async def _pass(self, future: Future[Any]) -> None:
        emit = self._frame.emit
        while True:
            done = future.done()
            while self._events:
                event = self._events.popleft()
                if emit is not None:
                    await emit(event)
            self._make_room()
            if done:
                return
            # In slices, so that a Ctrl-C is seen on every platform.
            self._news.wait(0.5)
            self._news.clear()

    def _make_room(self) -> None:
        room = self._room
        if room is not None and not room.is_set():
            self._background.loop.call_soon_threadsafe(room.set)

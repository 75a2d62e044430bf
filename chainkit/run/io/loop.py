"""Io on the running event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from chainkit.errors import DeadlineExceeded
from chainkit.run.io.ending import ended
from chainkit.run.io.workers import WORKERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job, Landed, Ticket


class _Promise:
    """A ticket that a task waits for; woken from any thread."""

    __slots__ = ("_loop", "future")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.future: asyncio.Future[None] = loop.create_future()

    def wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, self.future)
        except RuntimeError:
            """The loop has ended, and with it whoever waited."""


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Loop:
    """Io for `ainvoke` and its kin."""

    blocking = False
    __slots__ = ("_clock", "_loop", "_scripted")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # A scripted loop has a clock of its own, and calls functions where it stands: threads have no order.
        self._scripted = hasattr(self._loop, "chainkit_clock")
        self._clock = self._loop.time if self._scripted else time.monotonic

    def now(self) -> float:
        return self._clock()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))

    async def within(self, until: float, work: Awaitable[Any]) -> Any:
        limit = asyncio.timeout(max(0.0, until - self.now()))
        try:
            async with limit:
                return await work
        except TimeoutError as error:
            if limit.expired() and not isinstance(error, DeadlineExceeded):
                from chainkit.run.io.blocking import too_late

                raise too_late() from None
            raise

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        if self._scripted:
            return function(*args)
        told: asyncio.Future[Any] = self._loop.create_future()
        WORKERS.start(function, args, lambda value, error: self._tell(told, value, error))
        return await told

    def _tell(self, told: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
        def settle() -> None:
            if told.done():
                return
            if error is None:
                told.set_result(value)
            else:
                told.set_exception(_carried(error))

        try:
            self._loop.call_soon_threadsafe(settle)
        except RuntimeError:
            """The loop has ended, and with it whoever waited."""

    async def pump(
        self,
        work: Callable[[Callable[[Any], None]], Any],
        show: Callable[[Any], Awaitable[None]] | None,
        abort: Callable[[], None] | None,
        until: float | None,
    ) -> Any:
        items: deque[Any] = deque()
        news = asyncio.Event()
        told: asyncio.Future[Any] = self._loop.create_future()
        told.add_done_callback(lambda _: news.set())

        def put(item: Any) -> None:
            items.append(item)
            self._loop.call_soon_threadsafe(news.set)

        WORKERS.start(work, (put,), lambda value, error: self._tell(told, value, error))
        try:
            while True:
                await news.wait()
                news.clear()
                while items:
                    item = items.popleft()
                    if show is not None:
                        await show(item)
                if told.done() and not items:
                    return told.result()
        finally:
            if abort is not None and not told.done():
                abort()
                await asyncio.wait([told], timeout=5)
                if told.done() and not told.cancelled():
                    told.exception()

    async def gather(
        self, frame: Frame, jobs: Sequence[Job], landed: Landed | None, concurrency: int | None
    ) -> list[Any]:
        return await _Gathering(frame, jobs, landed, concurrency).run()

    async def awaited(self, frame: Frame, work: Callable[[], Awaitable[Any]]) -> Any:
        return await work()

    def ticket(self) -> Ticket:
        return _Promise(self._loop)

    async def wait(self, ticket: Any, until: float | None) -> bool:
        future: asyncio.Future[None] = ticket.future
        if until is None:
            await future
            return True
        await asyncio.wait([future], timeout=max(0.0, until - self.now()))
        return future.done()


def _carried(error: BaseException) -> BaseException:
    """An error that a future can carry: asyncio refuses StopIteration."""
    return RuntimeError(f"StopIteration({error.value!r})") if isinstance(error, StopIteration) else error


class _Gathering:
    """Jobs as tasks, told of as they land; the rest cancelled and awaited when it ends early."""

    def __init__(self, frame: Frame, jobs: Sequence[Job], landed: Landed | None, concurrency: int | None) -> None:
        self._frame = frame
        self._jobs = jobs
        self._landed = landed
        self._room = min(concurrency or len(jobs), len(jobs))
        self._results: list[Any] = [None] * len(jobs)
        self._ended: deque[int] = deque()
        self._news = asyncio.Event()
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        self._next = 0

    async def run(self) -> list[Any]:
        try:
            while self._fill():
                await self._news.wait()
                self._news.clear()
                # What landed in one turn of the loop landed together: the member's index breaks the tie.
                together = sorted(self._ended)
                self._ended.clear()
                for index in together:
                    if await self._land(index):
                        return self._results
            return self._results
        finally:
            await ended(self._tasks.values())

    def _fill(self) -> bool:
        while self._next < len(self._jobs) and len(self._tasks) < self._room:
            index = self._next
            self._next += 1
            task = asyncio.ensure_future(self._jobs[index](self._frame))
            self._tasks[index] = task
            task.add_done_callback(partial(self._note, index))
        return bool(self._tasks)

    def _note(self, index: int, _: asyncio.Task[Any]) -> None:
        self._ended.append(index)
        self._news.set()

    async def _land(self, index: int) -> bool:
        task = self._tasks.pop(index)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            self._results[index] = task.result()
        if self._landed is None:
            if error is not None:
                raise error
            return False
        return await self._landed(self._frame, index, self._results[index], error)

"""Streams: a run whose pieces are taken while it goes on.

A stream iterates, closes, and has `.value` and `.run`. Closing it (or leaving its `with`) cancels the run
and waits for it. One that is only dropped is closed by a thread of ours: cleaning up inside the garbage
collector could need a lock that the interrupted code holds.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from chainkit.run.begin import begin
from chainkit.run.events import Completed
from chainkit.run.frame import Frame
from chainkit.run.io import Loop
from chainkit.run.io.blocking import give
from chainkit.run.io.door import enter
from chainkit.run.io.ending import ended
from chainkit.run.run import Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from chainkit.run.drive import Core
    from chainkit.run.events import Event

Piece = TypeVar("Piece", covariant=True)
Out = TypeVar("Out", covariant=True)
_NOTHING: Any = object()
_ROOM = 64


class Listener:
    """What the consumer wants: `every` step's events or only the chain's own pieces; `pick` turns an
    event into a piece (None: none); `last` turns the end into pieces that are still due."""

    __slots__ = ("every", "last", "pick", "restart")

    def __init__(
        self, pick: Callable[[Event[Any]], Any], last: Callable[[Any, bool], list[Any]], *, every: bool, restart: bool
    ) -> None:
        self.pick = pick
        self.last = last
        self.every = every
        self.restart = restart


class _Streamed(Generic[Piece, Out]):
    """What both kinds of stream know."""

    def __init__(self, listener: Listener, run: Run) -> None:
        self.run = run
        self._listener = listener
        self._due: deque[Any] = deque()
        self._any = False
        self._value: Any = _NOTHING

    @property
    def value(self) -> Out:
        """The chain's value; there once the stream is read to its end."""
        if self._value is _NOTHING:
            msg = "the stream is not read to its end yet: iterate over it first"
            raise RuntimeError(msg)
        return self._value

    def _taken(self, event: Any) -> Any:
        piece = self._listener.pick(event)
        if piece is None:
            return _NOTHING
        self._any = True
        return piece

    def _ended(self, value: Any) -> None:
        self._value = value
        done = Completed(path="", value=value, run=self.run)
        self._due.extend(self._listener.last(done, self._any))


class _Reaper:
    """Closes what was dropped, in a thread of its own."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._dropped: SimpleQueue[int | threading.Event] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._keys = itertools.count()
        self._live: dict[int, Coroutine[Any, Any, Any]] = {}

    def keep(self, work: Coroutine[Any, Any, Any]) -> int:
        """Hold a coroutine where the collector does not see it as garbage."""
        if self._thread is None:
            self._start()
        key = next(self._keys)
        self._live[key] = work
        return key

    def release(self, key: int) -> None:
        """It has ended by itself."""
        self._live.pop(key, None)

    def drop(self, key: int) -> None:
        """Close it soon. Takes no lock: it may be called by the collector."""
        self._dropped.put(key)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._reap, name="chainkit-reaper", daemon=True)
                self._thread.start()

    def settle(self, seconds: float) -> bool:
        """Wait until all that was dropped before is closed; False where that takes longer."""
        told = threading.Event()
        self._dropped.put(told)
        return self._thread is None or told.wait(seconds)

    def _reap(self) -> None:
        while True:
            dropped = self._dropped.get()
            if isinstance(dropped, threading.Event):
                dropped.set()
                continue
            work = self._live.pop(dropped, None)
            if work is not None:
                try:
                    work.close()
                except Exception:
                    pass

    def forget(self) -> None:
        """In a forked child the parent's streams are the parent's."""
        _INHERITED.append(self._live)
        self._begin()


_INHERITED: list[Any] = []
"""Streams of the parent's, kept in a forked child so that they are never closed there."""
REAPER = _Reaper()
os.register_at_fork(after_in_child=REAPER.forget)


class Stream(_Streamed[Piece, Out]):
    """Pieces of a blocking run, made as they are asked for, in the caller's thread."""

    def __init__(self, core: Core, value: Any, run: Run | None, listener: Listener) -> None:
        enter()
        super().__init__(listener, Run(parent=run))
        frame = Frame(self.run.io, self.run, give, every=listener.every, restart=listener.restart)
        self._work: Coroutine[Any, Any, Any] | None = begin(core, frame, value)
        self._key = REAPER.keep(self._work)

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        while True:
            if self._due:
                return self._due.popleft()
            if self._work is None:
                raise StopIteration
            piece = self._turn(self._work)
            if piece is not _NOTHING:
                return piece

    def _turn(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            event = work.send(None)
        except StopIteration as end:
            self._forget()
            self._ended(end.value)
            return _NOTHING
        except BaseException:
            self._forget()
            raise
        return self._taken(event)

    def _forget(self) -> None:
        self._work = None
        REAPER.release(self._key)

    def close(self) -> None:
        """Cancel what is still going on and wait for it."""
        work = self._work
        if work is not None:
            self._forget()
            work.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_work", None) is not None:
            REAPER.drop(self._key)


class _Queue:
    """What the task has told. The task holds this and not the stream, so that a dropped stream is seen to be."""

    __slots__ = ("events", "news", "room")

    def __init__(self) -> None:
        self.events: deque[Any] = deque()
        self.news, self.room = asyncio.Event(), asyncio.Event()

    async def put(self, event: Any) -> None:
        self.events.append(event)
        self.news.set()
        if len(self.events) >= _ROOM:
            self.room.clear()
            await self.room.wait()


class AsyncStream(_Streamed[Piece, Out]):
    """Pieces of a run that is one task behind a bounded queue."""

    def __init__(self, core: Core, value: Any, run: Run | None, listener: Listener) -> None:
        super().__init__(listener, Run(parent=run))
        self._core = core
        self._input = value
        self._queue = _Queue()
        self._task: asyncio.Task[Any] | None = None
        self._over = False

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self

    async def __anext__(self) -> Piece:
        if self._over and not self._due:
            raise StopAsyncIteration
        task, queue = self._task or self._start(), self._queue
        events = queue.events
        while True:
            if self._due:
                return self._due.popleft()
            if events:
                piece = self._taken(events.popleft())
                if len(events) == _ROOM // 2:
                    queue.room.set()
                if piece is not _NOTHING:
                    return piece
            elif task.done():
                self._finish(task)
            else:
                queue.room.set()
                await self._wait(task)

    def _start(self) -> asyncio.Task[Any]:
        listener, news = self._listener, self._queue.news
        frame = Frame(Loop(), self.run, self._queue.put, every=listener.every, restart=listener.restart)
        self._task = task = asyncio.ensure_future(begin(self._core, frame, self._input))
        task.add_done_callback(lambda _: news.set())
        return task

    async def _wait(self, task: asyncio.Task[Any]) -> None:
        news = self._queue.news
        try:
            await news.wait()
        except asyncio.CancelledError:
            await ended([task])
            raise
        news.clear()

    def _finish(self, task: asyncio.Task[Any]) -> None:
        if self._over:
            raise StopAsyncIteration
        self._over = True
        self._ended(task.result())

    async def aclose(self) -> None:
        """Cancel what is still going on and wait for it."""
        task, self._over = self._task, True
        if task is not None:
            await ended([task])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        task = getattr(self, "_task", None)
        if task is not None and not task.done():
            try:
                task.get_loop().call_soon_threadsafe(task.cancel)
            except RuntimeError:
                """The loop has ended, and the task with it."""

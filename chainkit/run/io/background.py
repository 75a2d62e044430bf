"""One event loop in one daemon thread per process: where blocking runs do things side by side."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from typing import TYPE_CHECKING, Any

from chainkit.errors import ChainkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

_GRACE = 2.0
"""Seconds that a cancelled run may take to clean up."""


class Background:
    """A loop in a thread, started at first use. `make` gives the loop."""

    _loop: asyncio.AbstractEventLoop | None
    _thread: threading.Thread | None

    def __init__(self, make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        self._make = make
        self.forget()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        loop = self._loop
        return loop if loop is not None else self._start()

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                msg = "the interpreter is shutting down: no new run can start"
                raise ChainkitError(msg)
            if self._loop is None:
                loop = self._make()
                started = threading.Event()
                loop.call_soon(started.set)
                self._thread = threading.Thread(target=loop.run_forever, name="chainkit-loop", daemon=True)
                self._thread.start()
                started.wait()
                self._loop = loop
            return self._loop

    @property
    def started(self) -> bool:
        """Whether the loop runs."""
        return self._loop is not None

    @property
    def here(self) -> bool:
        """Whether the caller is on this loop's own thread."""
        return self._thread is not None and threading.get_ident() == self._thread.ident

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Start a coroutine on the loop."""
        if self.here:
            work.close()
            msg = "a blocking call was made on chainkit's own event loop"
            raise ChainkitError(msg, cure="make the step `async def` and use `await chain.ainvoke(...)` in it")
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def finish(self, future: Future[Any]) -> None:
        """Cancel and wait for the clean-up, for a bounded time."""
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        future.cancel()
        # A cancelled concurrent future is done at once; its task is not: let the loop turn until it is.
        self.settle()

    def settle(self, seconds: float = _GRACE) -> None:
        """Wait until cancelled tasks have cleaned up, for a bounded time."""
        loop = self._loop
        if loop is None or not loop.is_running() or self.here:
            return
        settled = asyncio.run_coroutine_threadsafe(_settled(), loop)
        try:
            settled.result(seconds)
        except TimeoutError:
            settled.cancel()

    def close(self) -> None:
        """Cancel every run, wait a little, stop the loop. For the end of the process, and for tests."""
        with self._lock:
            self._closed, loop, thread = True, self._loop, self._thread
            self._loop = None
        if loop is None or thread is None or not loop.is_running():
            return
        ended = asyncio.run_coroutine_threadsafe(_cancel_all(), loop)
        try:
            ended.result(_GRACE)
        except (TimeoutError, asyncio.CancelledError):
            pass
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_GRACE)
        if not thread.is_alive():
            loop.close()

    def forget(self) -> None:
        """Begin: also in a forked child, where the parent's loop and locks mean nothing."""
        self._lock = threading.Lock()
        self._loop = None
        self._thread = None
        self._closed = False


async def _settled() -> None:
    me = asyncio.current_task()
    waiting = [t for t in asyncio.all_tasks() if t is not me and t.cancelling()]
    if waiting:
        await asyncio.wait(waiting)


async def _cancel_all() -> None:
    me = asyncio.current_task()
    tasks = [t for t in asyncio.all_tasks() if t is not me]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_GRACE)


BACKGROUND = Background()
atexit.register(BACKGROUND.close)
os.register_at_fork(after_in_child=BACKGROUND.forget)

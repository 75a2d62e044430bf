"""Blocking io: everything happens in the caller's thread, and no coroutine ever suspends.

The one thing a coroutine yields here is an event for whoever drives it. Doing things side by side is the
one bridge: those members run on the background loop, and what stands before and after stays here.
"""

from __future__ import annotations

import threading
import time
import types
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from chainkit.errors import DeadlineExceeded
from chainkit.run.io.background import BACKGROUND, Background
from chainkit.run.io.bridge import Bridge
from chainkit.run.io.workers import WORKERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job, Landed, Ticket

_SLICE = 0.2
"""How long an uninterruptible wait may last before a Ctrl-C is looked for, seconds."""


@types.coroutine
def give(event: Any) -> Generator[Any, None, None]:
    """Hand an event to the driver of this coroutine."""
    yield event


def too_late() -> DeadlineExceeded:
    """The error of a run whose time is over."""
    return DeadlineExceeded("the run's time was over", cure="allow more time: Run(deadline=...) or .timeout(...)")


class _Flag:
    """A ticket that a thread waits for."""

    __slots__ = ("wake", "woken")

    def __init__(self) -> None:
        event = threading.Event()
        self.woken = event
        self.wake = event.set


class Blocking:
    """Io for `invoke` and its kin."""

    blocking = True
    __slots__ = ("_clock", "background")

    def __init__(self, background: Background = BACKGROUND, now: Callable[[], float] = time.monotonic) -> None:
        self.background = background
        self._clock = now

    def now(self) -> float:
        return self._clock()

    async def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))  # noqa: ASYNC251 - blocking is what it is for

    async def within(self, until: float, work: Awaitable[Any]) -> Any:
        if self.now() >= until:
            _close(work)
            raise too_late()
        value = await work
        if self.now() > until:
            raise too_late()
        return value

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    async def pump(
        self,
        work: Callable[[Callable[[Any], None]], Any],
        show: Callable[[Any], Awaitable[None]] | None,
        abort: Callable[[], None] | None,
        until: float | None,
    ) -> Any:
        inbox: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        ended = threading.Event()

        def done(value: Any, error: BaseException | None) -> None:
            inbox.put(("value", value) if error is None else ("error", error))
            ended.set()

        def put(item: Any) -> None:
            inbox.put(("item", item))

        WORKERS.start(work, (put,), done)
        try:
            while True:
                kind, held = self._next(inbox, until)
                if kind == "value":
                    return held
                if kind == "error":
                    raise held
                if show is not None:
                    await show(held)
        finally:
            if abort is not None and not ended.is_set():
                abort()
                ended.wait(5)

    def _next(self, inbox: SimpleQueue[tuple[str, Any]], until: float | None) -> tuple[str, Any]:
        while True:
            left = _SLICE if until is None else min(_SLICE, until - self.now())
            if left <= 0:
                raise too_late()
            try:
                return inbox.get(timeout=left)
            except Empty:
                continue

    async def gather(
        self, frame: Frame, jobs: Sequence[Job], landed: Landed | None, concurrency: int | None
    ) -> list[Any]:
        bridge = Bridge(self.background, frame)
        return await bridge.cross(lambda there: there.io.gather(there, jobs, landed, concurrency))

    async def awaited(self, frame: Frame, work: Callable[[], Awaitable[Any]]) -> Any:
        return await Bridge(self.background, frame).cross(lambda _: work())

    def ticket(self) -> Ticket:
        return _Flag()

    async def wait(self, ticket: Any, until: float | None) -> bool:
        woken: threading.Event = ticket.woken
        if until is None:
            while not woken.wait(_SLICE):
                pass
            return True
        return woken.wait(max(0.0, until - self.now()))


def _close(work: Awaitable[Any]) -> None:
    close = getattr(work, "close", None)
    if close is not None:
        close()

"""A clock for tests: time passes only where everybody waits, and then at once.

`scripted_io()` gives io for blocking runs, `virtual_run(coroutine)` runs asynchronous code on the same kind
of clock. A second of back-off costs nothing, and two things that end at the same time do so every time.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

from chainkit.run.io.background import Background
from chainkit.run.io.blocking import Blocking
from chainkit.run.io.workers import WORKERS

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Clock:
    """Seconds since the test began."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        """The time."""
        return self.seconds


class _Jump(selectors.DefaultSelector):
    """A selector that does not wait for time to pass: it lets it pass."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        # A worker thread may still have something to say before the time comes.
        while timeout is not None and WORKERS.busy:
            found = super().select(0.01)
            if found:
                return found
        if timeout is None:
            return super().select(None)
        self._clock.seconds += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a `Clock`'s."""

    chainkit_clock = True

    def __init__(self, clock: Clock | None = None) -> None:
        self._chainkit = clock or Clock()
        super().__init__(_Jump(self._chainkit))
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._chainkit.seconds


class ScriptedIo(Blocking):
    """Blocking io on a clock of its own; what runs side by side runs on a loop with the same clock."""

    __slots__ = ("clock",)

    def __init__(self) -> None:
        self.clock = clock = Clock()
        super().__init__(Background(lambda: VirtualLoop(clock)), clock.now)

    async def sleep(self, seconds: float) -> None:
        self.clock.seconds += max(seconds, 0.0)

    def close(self) -> None:
        """End its loop."""
        self.background.close()


def virtual_run(work: Coroutine[Any, Any, Any]) -> Any:
    """`asyncio.run` on a clock of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)

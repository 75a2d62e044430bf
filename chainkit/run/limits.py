"""Places in a queue: one FIFO object that any thread and any event loop may wait at.

A `Limit` lets so many attempts be in flight at once, and so many begin a minute. It belongs to an account
and a process. Waiters are woken through io, first come first served; giving up a place loses nothing.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    from chainkit.run.io.protocol import Io, Ticket

_LIMITS: weakref.WeakSet[Limit] = weakref.WeakSet()


class Limit:
    """At most `concurrency` attempts in flight, and at most `per_minute` begun in any 60 seconds."""

    def __init__(self, concurrency: int | None = None, per_minute: int | None = None) -> None:
        if concurrency is not None and concurrency < 1:
            msg = f"concurrency must be at least 1, not {concurrency}"
            raise ValueError(msg)
        if per_minute is not None and per_minute < 1:
            msg = f"per_minute must be at least 1, not {per_minute}"
            raise ValueError(msg)
        self.concurrency = concurrency
        self.per_minute = per_minute
        self._begin()
        _LIMITS.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._free = self.concurrency
        self._waiting: deque[tuple[Ticket, list[bool]]] = deque()
        self._starts: deque[float] = deque()

    def __reduce__(self) -> tuple[Any, ...]:
        return Limit, (self.concurrency, self.per_minute)  # a queue of its own in another process

    def __copy__(self) -> Limit:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Limit:
        # A copied chain calls the same account: it stands in the same queue.
        return self

    def __repr__(self) -> str:
        return f"Limit(concurrency={self.concurrency}, per_minute={self.per_minute})"

    @property
    def in_flight(self) -> int:
        """Attempts that hold a slot now."""
        return 0 if self.concurrency is None or self._free is None else self.concurrency - self._free

    async def take(self, io: Io, until: float | None) -> None:
        """Wait for a slot; DeadlineExceeded where none came in time."""
        await self._slot(io, until)
        try:
            await self._pace(io, until)
        except BaseException:
            self.give()
            raise

    def give(self) -> None:
        """Give the slot back: to the first who waits, else to the pool."""
        if self._free is None:
            return
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            ticket, given = self._waiting.popleft()
            given[0] = True
        ticket.wake()

    async def _slot(self, io: Io, until: float | None) -> None:
        if self._free is None:
            return
        with self._lock:
            if self._free > 0 and not self._waiting:
                self._free -= 1
                return
            place: tuple[Any, list[bool]] = (io.ticket(), [False])
            self._waiting.append(place)
        try:
            if not await io.wait(place[0], until):
                raise too_late()
        except BaseException:
            self._leave(place)
            raise

    def _leave(self, place: tuple[Any, list[bool]]) -> None:
        with self._lock:
            given = place[1][0]
            if not given:
                self._waiting.remove(place)
        if given:
            self.give()

    async def _pace(self, io: Io, until: float | None) -> None:
        if self.per_minute is None:
            return
        while (wait := self._begin_at(io.now())) > 0:
            if until is not None and io.now() + wait > until:
                raise too_late()
            await io.sleep(wait)

    def _begin_at(self, now: float) -> float:
        """0 and the start is counted; else how long until there is room."""
        with self._lock:
            while self._starts and now - self._starts[0] >= 60:
                self._starts.popleft()
            if len(self._starts) < (self.per_minute or 0):
                self._starts.append(now)
                return 0.0
            return 60 - (now - self._starts[0])


def _forget() -> None:
    for limit in list(_LIMITS):
        limit._begin()  # pyright: ignore[reportPrivateUsage]


os.register_at_fork(after_in_child=_forget)

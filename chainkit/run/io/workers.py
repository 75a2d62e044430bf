"""Threads for plain functions of the user's: reused, and not capped.

A bounded pool would starve: workers that each call a chain which needs a worker. The chain's own
concurrency is the cap. A thread without work for a while ends.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_IDLE = 30.0
_Work = tuple[Any, Any]


class _Worker(threading.Thread):
    def __init__(self, pool: Workers) -> None:
        super().__init__(name="chainkit-worker", daemon=True)
        self.inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._pool = pool

    def run(self) -> None:
        while True:
            try:
                work = self.inbox.get(timeout=_IDLE)
            except Empty:
                if self._pool.retire(self):
                    return
                continue
            work()
            del work
            self._pool.rest(self)


class Workers:
    """Idle threads on a stack; a new one where none is idle."""

    def __init__(self) -> None:
        self.forget()

    def start(
        self, function: Callable[..., Any], args: tuple[Any, ...], done: Callable[[Any, BaseException | None], None]
    ) -> None:
        """Call in a worker, in a copy of the caller's context; `done(value, error)` is told there."""
        context = copy_context()

        def work() -> None:
            try:
                value = context.run(function, *args)
            except BaseException as error:
                done(None, error)
            else:
                done(value, None)
            with self._lock:
                self.busy -= 1

        with self._lock:
            self.busy += 1
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = _Worker(self)
            worker.start()
        worker.inbox.put(work)

    def rest(self, worker: _Worker) -> None:
        """The worker has no work."""
        with self._lock:
            self._idle.append(worker)

    def retire(self, worker: _Worker) -> bool:
        """Whether an idle worker may end: not if work was just given to it."""
        with self._lock:
            if worker in self._idle:
                self._idle.remove(worker)
                return True
            return False

    def forget(self) -> None:
        """Begin: also in a forked child, where no other thread lives."""
        self._lock = threading.Lock()
        self._idle: deque[_Worker] = deque()
        self.busy = 0


WORKERS = Workers()
os.register_at_fork(after_in_child=WORKERS.forget)

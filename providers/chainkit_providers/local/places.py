"""The queue before an engine: so many answers at once, first come first served.

llama.cpp has a queue of its own, but what waits in it cannot be cancelled before its turn comes.
"""

from __future__ import annotations

import threading
from collections import deque


class Ticket:
    """One generation, from the wish to the end. `cancel` may be called from any thread, at any time."""

    __slots__ = ("_news", "cancelled", "granted", "wants")

    def __init__(self, wants: int = 1) -> None:
        self.wants = wants
        self.cancelled = False
        self.granted = False
        self._news = threading.Event()

    def cancel(self) -> None:
        """Give it up: a waiting one leaves the queue, a running one ends with its next token."""
        self.cancelled = True
        self._news.set()

    def grant(self) -> None:
        """Its turn has come."""
        self.granted = True
        self._news.set()

    def wait(self) -> None:
        """Until granted or cancelled."""
        self._news.wait()


class Places:
    """Places of an engine, given out in order."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[Ticket] = deque()
        self._idle = threading.Condition(self._lock)

    def take(self, ticket: Ticket) -> bool:
        """Wait for the ticket's turn; False where it was cancelled before."""
        with self._lock:
            self._waiting.append(ticket)
            self._hand_out()
        ticket.wait()
        with self._lock:
            if not ticket.granted:
                self._waiting.remove(ticket)
                self._hand_out()
                return False
        if ticket.cancelled:
            self.give(ticket)
            return False
        return True

    def give(self, ticket: Ticket) -> None:
        """The ticket's places are free again."""
        with self._lock:
            self._free += ticket.wants
            self._hand_out()
            self._idle.notify_all()

    def wait_idle(self, seconds: float) -> bool:
        """Until nobody holds a place; False where that took longer."""
        with self._lock:
            return self._idle.wait_for(lambda: self._free == self.count, seconds)

    def _hand_out(self) -> None:
        while self._waiting and self._waiting[0].wants <= self._free:
            ticket = self._waiting.popleft()
            self._free -= ticket.wants
            ticket.grant()

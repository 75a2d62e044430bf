"""How long a chain's own answers took lately: what `hedge(after="p95")` learns from."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from typing import Any

KEPT = 200
"""Answers that are remembered."""
LEAST = 20
"""Answers before a percentile is believed."""


class Latency:
    """The last answers' seconds, of one chain in this process. Any thread may tell and ask."""

    def __init__(self) -> None:
        self.begin()
        _IN_THIS_PROCESS.add(self)

    def begin(self) -> None:
        """Know nothing yet."""
        self._seconds: deque[float] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def tell(self, seconds: float) -> None:
        """An answer took so long."""
        with self._lock:
            self._seconds.append(seconds)

    def percentile(self, share: float) -> float | None:
        """The seconds within which that share of the answers came; None while too few are known."""
        with self._lock:
            known = sorted(self._seconds)
        if len(known) < LEAST:
            return None
        return known[min(len(known) - 1, int(share * len(known)))]

    def __reduce__(self) -> tuple[Any, ...]:
        return (Latency, ())


class Allowance:
    """How many extra calls may be made: a share of all calls, saved up to a few at once.

    A server that is slow for everybody would else be asked everything twice, and be slower still.
    """

    def __init__(self, share: float, most: float = 10.0) -> None:
        self._share = share
        self._most = most
        self.begin()
        _IN_THIS_PROCESS.add(self)

    def begin(self) -> None:
        """One extra call is granted."""
        self._saved = 1.0
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A call was made."""
        with self._lock:
            self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Take one extra call, where one is saved."""
        with self._lock:
            if self._saved < 1.0:
                return False
            self._saved -= 1.0
            return True

    def __reduce__(self) -> tuple[Any, ...]:
        return (Allowance, (self._share, self._most))


_IN_THIS_PROCESS: weakref.WeakSet[Latency | Allowance] = weakref.WeakSet()


def _forget() -> None:
    # What another thread held at the fork would stay locked for ever in the child.
    for each in list(_IN_THIS_PROCESS):
        each.begin()


os.register_at_fork(after_in_child=_forget)

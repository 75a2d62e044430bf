"""When the members of an ensemble start: all at once, only as many as are needed, or one after another by time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """All at once."""

    def wanted(self, needed: Callable[[], int], flying: int, left: int) -> int:
        """How many more members start now.

        `needed()` is the fewest further ballots that could settle the outcome, `flying` how many members are under
        way, `left` how many have not started.
        """
        return left

    def delay(self, index: int) -> float | None:
        """Seconds after the beginning at which that member starts anyway; None: never by time alone."""
        return None

    def may_start(self, index: int) -> bool:
        """Whether it may start by time, now that its delay is over; else it waits for its turn."""
        return True

    def told(self, index: int, seconds: float) -> None:
        """A member gave a usable answer after so many seconds of its own, or was cancelled then."""


@dataclass(frozen=True)
class AsNeeded(Pace):
    """Never more under way than could settle the outcome: the fewest calls, and a longer wait where they disagree."""

    def wanted(self, needed: Callable[[], int], flying: int, left: int) -> int:
        return max(0, needed() - flying)


ALL_AT_ONCE = Pace()

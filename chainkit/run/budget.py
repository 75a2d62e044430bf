"""Budgets: what a run may spend, reserved before each attempt so that members cannot overspend together.

The most that an attempt may cost is reserved before it is sent. It does not fit even alone: refused, with
the cure. It would fit if reservations in flight came back: it waits for them. Afterwards a known cost frees
the rest; an unknown one, or one of which only the low end is known, keeps the whole reservation.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainkit.errors import BudgetExceeded
from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    from chainkit.run.io.protocol import Io, Ticket
    from chainkit.usage import Cost, Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may spend: US dollars, tokens (input and output together), attempts.

    `unpriced` is the price in dollars to reckon for an attempt on a model whose price nobody knows;
    without it such a model is refused under a money budget.
    """

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None
    unpriced: float | None = None

    def __post_init__(self) -> None:
        for name in ("usd", "tokens", "calls", "unpriced"):
            value = getattr(self, name)
            if value is not None and value < 0:
                msg = f"a budget cannot be negative: {name}={value}"
                raise ValueError(msg)


class Reservation:
    """What one attempt has set aside."""

    __slots__ = ("tokens", "usd")

    def __init__(self, usd: float, tokens: int) -> None:
        self.usd = usd
        self.tokens = tokens


class Purse:
    """The money of one run: what is spent, what is set aside, who waits."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._lock = threading.Lock()
        self._spent_usd = 0.0
        self._spent_tokens = 0
        self._held_usd = 0.0
        self._held_tokens = 0
        self._calls = 0
        self._waiting: deque[Ticket] = deque()

    async def reserve(self, io: Io, until: float | None, what: str, tokens: int, cost: Cost) -> Reservation:
        """Set the most aside, waiting for others where that can help."""
        want = Reservation(self._price(what, cost), tokens if self.budget.tokens is not None else 0)
        while True:
            with self._lock:
                self._refuse(what, want)
                if self._fits(want):
                    self._calls += 1
                    self._held_usd += want.usd
                    self._held_tokens += want.tokens
                    return want
                ticket = io.ticket()
                self._waiting.append(ticket)
            if not await io.wait(ticket, until):
                raise too_late()

    def settle(self, held: Reservation, usage: Usage, cost: Cost) -> None:
        """Turn a reservation into spending; what is certainly not spent is free again."""
        tokens = usage.total
        with self._lock:
            self._held_usd -= held.usd
            self._held_tokens -= held.tokens
            self._spent_usd += (cost.low or 0.0) if cost.exact else max(held.usd, cost.low or 0.0)
            self._spent_tokens += tokens if tokens is not None and cost.high is not None else held.tokens
            waiting, self._waiting = self._waiting, deque()
        for ticket in waiting:
            ticket.wake()

    def drop(self, held: Reservation) -> None:
        """Undo a reservation whose attempt was never sent."""
        with self._lock:
            self._calls -= 1
            self._held_usd -= held.usd
            self._held_tokens -= held.tokens
            waiting, self._waiting = self._waiting, deque()
        for ticket in waiting:
            ticket.wake()

    def _price(self, what: str, cost: Cost) -> float:
        if self.budget.usd is None:
            return 0.0
        if cost.high is not None:
            return cost.high
        if self.budget.unpriced is None:
            msg = f"nobody knows the most that a call of {what} may cost, and the run has a budget of ${self.budget.usd:g}"
            raise BudgetExceeded(msg, cure="set max_tokens=, or name a price: Budget(usd=..., unpriced=0.01)")
        return self.budget.unpriced

    def _refuse(self, what: str, want: Reservation) -> None:
        budget = self.budget
        if budget.calls is not None and self._calls >= budget.calls:
            msg = f"the run's {budget.calls} calls are used up; {what} was not sent"
            raise BudgetExceeded(msg, cure="raise Budget(calls=...)")
        if budget.usd is not None and self._spent_usd + want.usd > budget.usd * (1 + 1e-9):
            msg = (
                f"a call of {what} may cost up to ${want.usd:.6f}, "
                f"and ${max(0.0, budget.usd - self._spent_usd):.6f} of ${budget.usd:g} is left"
            )
            raise BudgetExceeded(msg, cure="set a smaller max_tokens=, or raise Budget(usd=...)")
        if budget.tokens is not None and self._spent_tokens + want.tokens > budget.tokens:
            left = max(0, budget.tokens - self._spent_tokens)
            msg = f"a call of {what} may use up to {want.tokens} tokens, and {left} of {budget.tokens} are left"
            raise BudgetExceeded(msg, cure="set a smaller max_tokens=, or raise Budget(tokens=...)")

    def _fits(self, want: Reservation) -> bool:
        budget = self.budget
        money = budget.usd is None or self._spent_usd + self._held_usd + want.usd <= budget.usd * (1 + 1e-9)
        room = budget.tokens is None or self._spent_tokens + self._held_tokens + want.tokens <= budget.tokens
        return money and room

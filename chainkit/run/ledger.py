"""The ledger: one row for each attempt that leaves the process. Everything else is a view of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chainkit.usage import FREE, NO_USAGE, UNKNOWN, Cost, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome: TypeAlias = Literal["ok", "error", "cancelled", "cut", "cached", "replayed"]


class Row:
    """One attempt. It opens before sending and closes exactly once.

    `start` and `end` are seconds of the epoch; `hash` names the encoded request; `error` is the class
    of what went wrong. Content is not kept here.
    """

    __slots__ = (
        "_cost", "_hash", "_price", "attempt", "draw", "end", "error", "id", "kind", "model", "outcome",
        "parent", "path", "provider", "start", "usage",
    )  # fmt: skip

    def __init__(
        self,
        id: int,
        *,
        kind: str,
        path: str,
        provider: str,
        model: str,
        draw: tuple[int, ...] = (),
        attempt: int = 1,
        parent: int | None = None,
        hashed: Callable[[], str] | None = None,
    ) -> None:
        self.id = id
        self.kind = kind
        self.path = path
        self.provider = provider
        self.model = model
        self.draw = draw
        self.attempt = attempt
        self.parent = parent
        self.start = time.time()
        self.end: float | None = None
        self.outcome: Outcome | None = None
        self.error: str | None = None
        self.usage: Usage = NO_USAGE
        self._hash: Any = hashed
        self._price: Callable[[Usage], Cost] | None = None
        self._cost: Cost | None = None

    def close(
        self,
        outcome: Outcome,
        usage: Usage = NO_USAGE,
        price: Callable[[Usage], Cost] | None = None,
        error: str | None = None,
    ) -> None:
        """Write the end. A second closing is a mistake of the caller's."""
        if self.outcome is not None:
            msg = f"row {self.id} is closed already ({self.outcome})"
            raise AssertionError(msg)
        self.end = time.time()
        self.usage = usage
        self.error = error
        self._price = price
        self.outcome = outcome

    @property
    def cost(self) -> Cost:
        """What it cost, worked out when first asked; AtLeast where it was cut or cancelled."""
        if self._cost is None:
            self._cost = self._priced()
        return self._cost

    def _priced(self) -> Cost:
        if self.outcome in ("cached", "replayed"):
            return FREE
        cost = self._price(self.usage) if self._price is not None else UNKNOWN
        if self.outcome in ("ok", None) or cost is FREE:
            return cost
        return Cost(cost.low, None)

    @property
    def hash(self) -> str | None:
        """The name of the encoded request, worked out when first asked."""
        if callable(self._hash):
            self._hash = self._hash()
        return self._hash

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.end is None else self.end - self.start

    def facts(self) -> dict[str, Any]:
        """The row as plain data; nothing secret is in it."""
        return {
            "id": self.id, "parent": self.parent, "kind": self.kind, "path": self.path, "draw": list(self.draw),
            "attempt": self.attempt, "provider": self.provider, "model": self.model, "hash": self.hash,
            "start": self.start, "end": self.end, "outcome": self.outcome, "error": self.error,
            "usage": {n: v for n in Usage.__slots__ if (v := getattr(self.usage, n)) not in (None, ())},
            "cost": {"low": self.cost.low, "high": self.cost.high},
        }  # fmt: skip

    def __repr__(self) -> str:
        tokens = f"{self.usage.input}+{self.usage.output} tokens"
        return f"Row({self.id}, {self.path}, {self.provider}:{self.model}, {self.outcome}, {tokens}, {self.cost})"


class Totals:
    """What rows come to, once they themselves are let go."""

    __slots__ = ("cost", "outcomes", "rows", "usage")

    def __init__(self) -> None:
        self.rows = 0
        self.usage = NO_USAGE
        self.cost: Cost = FREE
        self.outcomes: dict[str, int] = {}

    def add(self, row: Row) -> None:
        """Fold one row in."""
        self.rows += 1
        self.usage = self.usage + row.usage
        self.cost = self.cost + row.cost
        word = str(row.outcome)
        self.outcomes[word] = self.outcomes.get(word, 0) + 1

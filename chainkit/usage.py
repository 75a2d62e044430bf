"""What a call used and what it cost. Leaf data: sums, never guesses.

`Cost` is an interval in US dollars. `Exact` has equal ends, `AtLeast` a low end (a cancelled loser,
a cut stream), `Unknown` none at all. Unknown is never 0, and a sum adds the ends.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, repr=False)
class Usage:
    """Tokens of one call or of many. None means the provider did not say.

    `input` counts all that was read, cached tokens (`cached`) and cache writes (`cache_write`) included;
    `output` all that was written, `reasoning` included.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    units: tuple[tuple[str, float], ...] = ()
    """What is counted in something other than tokens: `seconds` of sound, `characters`, `searches`, `images`."""

    def __add__(self, other: Usage) -> Usage:
        # Field by field: a sum over the names costs five times as much, and a batch adds one for each item.
        return Usage(
            _plus(self.input, other.input),
            _plus(self.output, other.output),
            _plus(self.cached, other.cached),
            _plus(self.cache_write, other.cache_write),
            _plus(self.reasoning, other.reasoning),
            _plus(self.audio_input, other.audio_input),
            _plus(self.audio_output, other.audio_output),
            self.units if not other.units else _summed(self.units, other.units),
        )

    def __repr__(self) -> str:
        return f"Usage({', '.join(f'{n}={v}' for n in _NAMES if (v := getattr(self, n)) not in (None, ()))})"

    @property
    def total(self) -> int | None:
        """Input and output together."""
        return _plus(self.input, self.output)


_NAMES = tuple(f.name for f in fields(Usage))
NO_USAGE = Usage()


def _plus(a: int | None, b: int | None) -> int | None:
    if a is None:
        return b
    return a if b is None else a + b


def _summed(a: tuple[tuple[str, float], ...], b: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    both = dict(a)
    for name, amount in b:
        both[name] = both.get(name, 0) + amount
    return tuple(sorted(both.items()))


@dataclass(frozen=True, slots=True)
class Cost:
    """An interval of US dollars: `low <= what it cost <= high`; None is an end that nobody knows."""

    low: float | None
    high: float | None

    def __add__(self, other: Cost) -> Cost:
        if other is FREE or other == FREE:
            return self
        if self is FREE or self == FREE:
            return other
        low = None if self.low is None and other.low is None else (self.low or 0.0) + (other.low or 0.0)
        high = None if self.high is None or other.high is None else self.high + other.high
        return Cost(low, high)

    @property
    def exact(self) -> bool:
        """Whether both ends are known and equal."""
        return self.low is not None and self.low == self.high

    @property
    def kind(self) -> Literal["Exact", "AtLeast", "Unknown"]:
        """Which of the three forms it has."""
        if self.low is None:
            return "Unknown"
        return "Exact" if self.low == self.high else "AtLeast"

    def __str__(self) -> str:
        if self.low is None and self.high is None:
            return "unknown"
        if self.exact:
            return f"${self.low:.6f}"
        if self.high is None:
            return f"at least ${self.low or 0.0:.6f}"
        return f"${self.low or 0.0:.6f} to ${self.high:.6f}"


def exact(usd: float) -> Cost:
    """A known cost in US dollars."""
    return Cost(usd, usd)


def at_least(usd: float, high: float | None = None) -> Cost:
    """A cost of which the low end is known."""
    return Cost(usd, high)


UNKNOWN = Cost(None, None)
FREE = exact(0.0)


def total_usage(usages: Iterable[Usage]) -> Usage:
    """The sum; what nobody reported stays None."""
    return sum(usages, NO_USAGE)


def total_cost(costs: Iterable[Cost]) -> Cost:
    """The sum of the ends; no costs at all is exactly 0."""
    return sum(costs, FREE)

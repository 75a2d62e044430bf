"""Hedging: where an answer is late, the same is asked once more, and the first answer counts.

Dean and Barroso, "The Tail at Scale" (2013).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chainkit.compose.coerce import as_chain
from chainkit.ensembles.latency import Allowance, Latency
from chainkit.ensembles.members import asked
from chainkit.ensembles.pace import ALL_AT_ONCE, Pace
from chainkit.ensembles.race import First
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Verdict
    from chainkit.messages import Promptable
    from chainkit.models.reply import Reply

A = TypeVar("A")
T = TypeVar("T")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True)
class Hedging(Pace):
    """One member, and the next one once the answer is late, or at once where nobody is left."""

    after: float | None = None
    percentile: float | None = None
    start: float | None = None
    extra: float = 0.1
    latency: Latency = field(default_factory=Latency, repr=False, compare=False)
    allowance: Allowance = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowance", Allowance(self.extra))

    def wanted(self, needed: Callable[[], int], flying: int, left: int) -> int:
        return 0 if flying else 1

    def delay(self, index: int) -> float | None:
        if index == 1:
            self.allowance.earn()
        patience = self.patience
        return None if patience is None else patience * index

    @property
    def patience(self) -> float | None:
        """Seconds after which an answer is late; None while that is not known."""
        if self.percentile is None:
            return self.after
        learned = self.latency.percentile(self.percentile)
        return self.start if learned is None else learned

    def may_start(self, index: int) -> bool:
        return self.allowance.spend()

    def told(self, index: int, seconds: float) -> None:
        # Of the first one alone, and also where it was cancelled: it would have taken that long at the least.
        # Without those the answers known would be the quick ones, and every call would soon look late.
        if index == 0:
            self.latency.tell(seconds)


@overload
def hedge(
    chain: str,
    *backups: str,
    after: float | str,
    start: float | None = ...,
    extra: float = ...,
    deadline: float | None = ...,
) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def hedge(
    chain: Chain[A, T],
    *backups: Chain[A, T],
    after: float | str,
    start: float | None = ...,
    extra: float = ...,
    deadline: float | None = ...,
) -> Chain[A, Verdict[T]]: ...
def hedge(
    chain: Any,
    *backups: Any,
    after: float | str,
    start: float | None = None,
    extra: float = 0.1,
    deadline: float | None = None,
) -> Chain[Any, Any]:
    """Ask the chain, and a backup too where the answer is late; the first usable answer counts.

    Without backups the same chain is asked a second time. `after` is in seconds (0 is `race`), or a percentile of the
    chain's own last 200 answers in this process ("p95"): until 20 of them are known the backup waits `start` seconds,
    or is not asked for being late. Each further backup waits as long again. A member that fails, after its own
    attempts, hands on at once. Losers are cancelled and billed as AtLeast. At most the share `extra` of all calls is
    asked twice for being late, so that a slow server is not asked everything twice; unused ones are saved up, ten at
    most. Raises EnsembleError where all fail.
    """
    members = [as_chain(c) for c in (chain, *(backups or (chain,)))]
    first: First[Any] = First()
    return asked(members, first, pace=_pace(after, start, extra), deadline=deadline)


def _pace(after: float | str, start: float | None, extra: float) -> Pace:
    if not 0 < extra <= 1:
        msg = f"extra={extra}: it is the share of calls that may be asked twice, above 0 and at most 1"
        raise CompositionError(msg)
    if isinstance(after, str):
        found = _PERCENTILE.fullmatch(after)
        if found is None:
            msg = f"after={after!r} is no percentile"
            raise CompositionError(msg, cure='write it as "p95", or give seconds')
        return Hedging(percentile=float(found[1]) / 100, start=start, extra=extra)
    if not after >= 0:
        msg = f"after={after}: it is a number of seconds, not below 0"
        raise CompositionError(msg)
    return Hedging(after=float(after), extra=extra) if after else ALL_AT_ONCE

"""What an ensemble gives: a value, how far the members agreed, and what each of them said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from chainkit.usage import FREE, NO_USAGE, Cost, Usage

if TYPE_CHECKING:
    from chainkit.run.run import Run

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Ballot(Generic[T_co]):
    """What one member said. Exactly one of these holds: a value, an error, cancelled, or a reason to abstain.

    `key` is the normalised value that was compared, `weight` what it counts, `score` what a combiner gave it
    where it gives scores. `asked` is False for one whose turn never came.
    """

    member: str
    value: T_co | None = None
    error: BaseException | None = field(default=None, compare=False)
    cancelled: bool = False
    abstained: str | None = None
    weight: float = 1.0
    score: float | None = None
    asked: bool = True
    key: Any = field(default=None, repr=False, compare=False)
    seconds: float | None = field(default=None, compare=False)
    run: Run | None = field(default=None, repr=False, compare=False)

    @property
    def valid(self) -> bool:
        """Whether it counts."""
        return self.error is None and not self.cancelled and self.abstained is None

    @property
    def failed(self) -> bool:
        """Whether it gave nothing that counts: an error, a refusal, an abstention."""
        return self.error is not None or self.abstained is not None

    @property
    def usage(self) -> Usage:
        """The tokens of this member's calls."""
        return NO_USAGE if self.run is None else self.run.usage

    @property
    def cost(self) -> Cost:
        """What this member's calls cost; AtLeast where it was cancelled."""
        return FREE if self.run is None else self.run.cost

    def __str__(self) -> str:
        if self.error is not None:
            first = str(self.error).splitlines()[0] if str(self.error) else ""
            return f"{self.member}: failed ({type(self.error).__name__}: {first})"
        if self.cancelled:
            return f"{self.member}: {'cancelled, the outcome was certain' if self.asked else 'not asked'}"
        if self.abstained is not None:
            return f"{self.member}: abstained ({self.abstained})"
        score = "" if self.score is None else f" [{self.score:.3g}]"
        return f"{self.member}: {short(self.value)}{score}"


@dataclass(frozen=True)
class Group(Generic[T_co]):
    """Members that said the same."""

    value: T_co
    members: tuple[str, ...]
    weight: float


@dataclass(frozen=True)
class FieldVerdict:
    """What became of one field of a structured value: as a verdict's `value`, `agreement`, `groups`, `reason`."""

    value: Any
    agreement: float
    groups: tuple[Group[Any], ...] = ()
    reason: str | None = None

    @property
    def dissent(self) -> tuple[Group[Any], ...]:
        """What else was said of it, largest group first."""
        return self.groups[1:]

    def __str__(self) -> str:
        others = "; ".join(f"{', '.join(g.members)}: {short(g.value)}" for g in self.dissent)
        return f"{short(self.value)} ({self.agreement:.0%}){f' - {others}' if others else ''}"


@dataclass(frozen=True)
class Verdict(Generic[T_co]):
    """One answer out of many.

    `agreement` is the share of the counted weight that stands behind the value, 0 to 1; `entropy` the
    Shannon entropy of the answers' shares in bits (0: all alike). `confidence` is the calibrated probability
    that the value is right, None where nothing was calibrated. `ballots` stand in member order. `fields` are
    what became of each field, by dotted path, where they were decided one by one, `earlier` the ballots of the rounds
    before the last one. Equality leaves out times, costs and errors' identities.
    """

    counts_as_value: ClassVar[bool] = True

    value: T_co
    agreement: float
    entropy: float
    ballots: tuple[Ballot[Any], ...]
    groups: tuple[Group[Any], ...] = ()
    reason: str | None = None
    confidence: float | None = None
    run: Run | None = field(default=None, repr=False, compare=False)
    fields: Mapping[str, FieldVerdict] = field(default_factory=dict[str, FieldVerdict], hash=False)
    earlier: tuple[tuple[Ballot[Any], ...], ...] = ()

    @property
    def dissent(self) -> tuple[Group[Any], ...]:
        """The other answers, largest group first."""
        return self.groups[1:]

    @property
    def cost(self) -> Cost:
        """What all members and the combining cost."""
        return FREE if self.run is None else self.run.cost

    @property
    def usage(self) -> Usage:
        """The tokens of all members and of the combining."""
        return NO_USAGE if self.run is None else self.run.usage

    def why(self) -> str:
        """A few readable lines: the value, the agreement, and each ballot."""
        counted = sum(b.valid for b in self.ballots)
        sure = "" if self.confidence is None else f", right with {self.confidence:.0%}"
        head = f"{short(self.value)} ({self.agreement:.0%} of {counted} counted, {self.entropy:.2f} bits{sure})"
        said = [f"  round {n}, {b}" for n, ballots in enumerate(self.earlier, 1) for b in ballots]
        said += [f"  {b}" for b in self.ballots]
        said += [f"  field {path}: {found}" for path, found in self.fields.items() if found.dissent]
        return "\n".join([head, *([f"  reason: {self.reason}"] if self.reason else []), *said])

    def __str__(self) -> str:
        return str(self.value)


def short(value: Any) -> str:
    """A value in one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else text[:79] + "…"


def grouped(ballots: Sequence[Ballot[Any]]) -> list[Group[Any]]:
    """Valid ballots by their key, heaviest first; ties stand in member order."""
    found: dict[Any, list[Ballot[Any]]] = {}
    for ballot in ballots:
        if ballot.valid:
            found.setdefault(ballot.key, []).append(ballot)
    groups = [Group(b[0].value, tuple(x.member for x in b), total([x.weight for x in b])) for b in found.values()]
    return sorted(groups, key=lambda g: -g.weight)


def total(weights: Sequence[float]) -> float:
    """The sum as it reads in decimals: 0.1 three times is 0.3, so that a tie is a tie in any order."""
    return float(sum(Decimal(str(float(w))) for w in weights))


def entropy(weights: Sequence[float]) -> float:
    """Shannon entropy of shares, in bits."""
    whole = sum(weights)
    shares = [w / whole for w in weights if w > 0] if whole else []
    return abs(-sum(s * math.log2(s) for s in shares))

"""Numbers: their mean, their median, their mean without the extremes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, overload

from chainkit.ensembles.combine import Combine, Combiner, Decision, by_weight
from chainkit.ensembles.verdict import Group, short, total
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Ballot
    from chainkit.place import Place
    from chainkit.run.frame import Frame

Number: TypeAlias = "int | float | Decimal"
N = TypeVar("N")
Counted: TypeAlias = "Sequence[tuple[Number, float]]"
"""Numbers with their weights, the smallest first."""

NEAR = 0.01


def number(value: Any) -> Number | None:
    """The finite number that a value is, or that a text is and nothing else; None for all else, and for a bool."""
    value = getattr(value, "text", value)
    if isinstance(value, str):
        value = _read(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def _read(text: str) -> Number | None:
    # Whether "1,234" is a thousand or a fraction is the writer's country's matter: it is not guessed.
    for kind in (int, float):
        try:
            return kind(text.removesuffix(".").replace("_", "?"))
        except ValueError:
            continue
    return None


def exact(value: Number) -> Fraction:
    """The number as it reads: 0.1 is one tenth."""
    return Fraction(str(value))


def like(value: Fraction, kind: type[Any]) -> Any:
    """A fraction as a float, or as a Decimal rounded to the decimal context."""
    return Decimal(value.numerator) / Decimal(value.denominator) if kind is Decimal else float(value)


def kind_of(numbers: Sequence[Number]) -> type[Any]:
    """What their mean is: a Decimal where there are Decimals and no floats."""
    kinds = {type(n) for n in numbers}
    return Decimal if Decimal in kinds and float not in kinds else float


@dataclass(frozen=True)
class Numeric(Combiner[object, N]):
    """What all of them are: a number out of the numbers, and how many of them stand near it."""

    gives: type[Any] | None = None
    within: float = NEAR
    word = "number"

    def key(self, value: Any) -> Any:
        return None if (found := number(value)) is None else exact(found)

    def abstains(self, value: Any) -> str | None:
        return None if number(value) is not None else f"no number: {short(value)!r:.60}"

    def value_type(self, members: Any) -> Any:
        return self.gives or float

    def centre(self, counted: Counted) -> Any:
        """The number that stands for all."""
        raise NotImplementedError

    def compile(self, place: Place) -> Combine:
        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            valid = [b for b in ballots if b.valid]
            numbers = [(_number(b, self.gives), b.weight) for b in valid]
            centre = self.centre(sorted(numbers, key=lambda n: exact(n[0])))
            said = [n for n, _ in numbers]
            return Decision(centre, _around(centre, valid, said, self.within), _spread(said))

        return combine


def _number(ballot: Ballot[Any], kind: type[Any] | None) -> Number:
    if kind is Decimal:
        # Digits that a float has not are read from the text itself.
        text = str(getattr(ballot.value, "text", ballot.value)).strip().removesuffix(".")
        return Decimal(text)
    found = number(ballot.value)
    assert found is not None  # what is none abstained
    return found


def _around(centre: Any, valid: Sequence[Ballot[Any]], said: Sequence[Number], within: float) -> tuple[Group[Any], ...]:
    near = {i for i, n in enumerate(said) if is_near(n, centre, within)}
    beside = [valid[i] for i in sorted(near)]
    first = Group(centre, tuple(b.member for b in beside), total([b.weight for b in beside]))
    return (first, *by_weight([b for i, b in enumerate(valid) if i not in near]))


def is_near(one: Number, other: Number, within: float, absolute: float = 0.0) -> bool:
    """Whether they differ by no more than that share of the larger one, or by no more than `absolute`."""
    first, second = exact(one), exact(other)
    larger = max(abs(first), abs(second))
    return abs(first - second) <= max(exact(within) * larger, exact(absolute))


def _spread(said: Sequence[Number]) -> str:
    if len(said) == 1:
        return "1 number"
    deviation = statistics.stdev(float(n) for n in said)
    return f"{len(said)} numbers from {min(said)} to {max(said)}, standard deviation {deviation:.4g}"


def _mean(counted: Counted, kind: type[Any] | None) -> Any:
    # In exact fractions, so that no order of the members changes the last digit.
    whole = sum((exact(w) for _, w in counted), Fraction(0))
    weighed = counted if whole else [(n, 1.0) for n, _ in counted]
    mean = sum((exact(n) * exact(w) for n, w in weighed), Fraction(0)) / (whole or len(counted))
    return like(mean, kind or kind_of([n for n, _ in counted]))


@dataclass(frozen=True)
class Average(Numeric[N]):
    """The weighted mean."""

    weights: tuple[float, ...] | None = None
    word = "average"

    def weight(self, member: int) -> float:
        return 1.0 if self.weights is None else self.weights[member]

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Self:
        if self.weights is not None and len(self.weights) != len(members):
            msg = f"average(weights=...) has {len(self.weights)} weights for {len(members)} members"
            raise CompositionError(msg)
        return self

    def centre(self, counted: Counted) -> Any:
        return _mean(counted, self.gives)


@dataclass(frozen=True)
class Median(Numeric[N]):
    """The middle one."""

    word = "median"

    def centre(self, counted: Counted) -> Any:
        middle, odd = divmod(len(counted), 2)
        if odd or counted[middle - 1][0] == counted[middle][0]:
            return counted[middle][0]
        return _mean([(n, 1.0) for n, _ in counted[middle - 1 : middle + 1]], self.gives)


@dataclass(frozen=True)
class Trimmed(Numeric[N]):
    """The mean of what is left without the extremes."""

    share: float = 0.2
    word = "trimmed"

    def centre(self, counted: Counted) -> Any:
        cut = int(exact(self.share) * len(counted))
        return _mean(counted[cut : len(counted) - cut], self.gives)


@overload
def average(*, weights: Sequence[float] | None = ..., within: float = ...) -> Average[float]: ...
@overload
def average(
    gives: type[Decimal], *, weights: Sequence[float] | None = ..., within: float = ...
) -> Average[Decimal]: ...
def average(
    gives: type[Decimal] | None = None, *, weights: Sequence[float] | None = None, within: float = NEAR
) -> Average[Any]:
    """The mean of the members' numbers: of int, float, Decimal, and of texts that are a number and nothing else.

    What is no number abstains, and a bool is none. The mean is exact before it is rounded once, so the order of
    members changes no digit; `average(Decimal)` gives a Decimal, also of texts. `weights` has one number for each
    member, in order. Agreement is the share of the weight that is within `within` (0.01: a hundredth of the larger
    number) of the result; the reason tells range and standard deviation.
    """
    found = None if weights is None else tuple(float(w) for w in weights)
    if found is not None and not (all(0 <= w < math.inf for w in found) and any(found)):
        msg = f"weights are finite, not negative, and not all 0: {found}"
        raise ValueError(msg)
    return Average(gives, _share(within), found)


@overload
def median(*, within: float = ...) -> Median[float]: ...
@overload
def median(gives: type[Decimal], *, within: float = ...) -> Median[Decimal]: ...
def median(gives: type[Decimal] | None = None, *, within: float = NEAR) -> Median[Any]:
    """The middle of the members' numbers: half of them are no larger. One that is far off changes nothing.

    Of an even number of members it is the mean of the two in the middle. Numbers, Decimals and agreement as in
    `average`.
    """
    return Median(gives, _share(within))


@overload
def trimmed(share: float = ..., *, within: float = ...) -> Trimmed[float]: ...
@overload
def trimmed(share: float = ..., *, gives: type[Decimal], within: float = ...) -> Trimmed[Decimal]: ...
def trimmed(share: float = 0.2, *, gives: type[Decimal] | None = None, within: float = NEAR) -> Trimmed[Any]:
    """The mean without the smallest and the largest `share` of the numbers: 0.2 of five leaves one out at each end.

    Rounded down: below 1 / share members none is left out. Numbers, Decimals and agreement as in `average`.
    """
    if not 0 <= share < 0.5:
        msg = f"trimmed({share}): the share at each end is at least 0 and below 0.5"
        raise ValueError(msg)
    return replace(Trimmed[Any](gives, _share(within)), share=float(share))


def _share(within: float) -> float:
    if not 0 <= within < math.inf:
        msg = f"within={within}: it is a share, such as 0.01"
        raise ValueError(msg)
    return float(within)

"""Lists and sets: what at least so many of the members name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chainkit.ensembles.canonical import canonical, ordering, spelling
from chainkit.ensembles.combine import Combine, Decision, Picks, by_weight
from chainkit.ensembles.verdict import Group, short, total
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Ballot
    from chainkit.place import Place
    from chainkit.run.frame import Frame

Least: TypeAlias = 'int | Literal["half", "all"]'


def is_list(value: Any) -> bool:
    """Whether it is a list, a tuple or a set."""
    return isinstance(value, list | tuple | AbstractSet)


@dataclass(frozen=True)
class Union(Picks[Collection[object]]):
    """The elements that at least so many name: a number, more than half of the weight, or all."""

    at_least: Least = 1

    @property
    def word(self) -> str:  # type: ignore[override]
        """What it is called."""
        return {1: "union", "all": "intersection", "half": "as_set"}.get(self.at_least, f"union of {self.at_least}")

    def key(self, value: Any) -> Any:
        return ("set", tuple(sorted({canonical(v) for v in value}, key=ordering)))

    def abstains(self, value: Any) -> str | None:
        return None if is_list(value) else f"no list: {short(value)!r:.60}"

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Union:  # type: ignore[override]
        if isinstance(self.at_least, int) and self.at_least > len(members):
            msg = f"union(at_least={self.at_least}) of {len(members)} members is always empty"
            raise CompositionError(msg)
        return self

    def compile(self, place: Place) -> Combine:
        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            return _decided([b for b in ballots if b.valid], self.at_least)

        return combine


class _Named:
    """One element: who named it, where in their lists, and how it was written."""

    def __init__(self, key: Any) -> None:
        self.key = key
        self.weights: list[float] = []
        self.at: list[Fraction] = []
        self.written: list[Any] = []

    @property
    def weight(self) -> float:
        return total(self.weights)

    @property
    def spelled(self) -> Any:
        """As most wrote it; of equals the first in the alphabet."""
        counts = Counter(spelling(v) for v in self.written)
        return min(self.written, key=lambda v: (-counts[spelling(v)], spelling(v)))

    @property
    def rank(self) -> Any:
        return -len(self.weights), sum(self.at) / len(self.at), ordering(self.key)

    def kept(self, at_least: Least, members: int, whole: float) -> bool:
        if at_least == "half":
            return 2 * self.weight > whole
        return len(self.weights) >= (members if at_least == "all" else at_least)


def _decided(ballots: Sequence[Ballot[Any]], at_least: Least) -> Decision:
    whole = total([b.weight for b in ballots])
    named = sorted(_elements(ballots), key=lambda e: e.rank)
    kept = [e for e in named if e.kept(at_least, len(ballots), whole)]
    value = _like([e.spelled for e in kept], ballots)
    sides = [e.weight if e in kept else whole - e.weight for e in named]
    share = sum(sides) / (whole * len(named)) if named and whole else 1.0
    reason = f"{len(kept)} of {len(named)} elements" if len(kept) < len(named) else None
    return Decision(value, _groups(value, kept, ballots), reason, share=share)


def _elements(ballots: Sequence[Ballot[Any]]) -> list[_Named]:
    found: dict[Any, _Named] = {}
    for ballot in ballots:
        once: dict[Any, tuple[int, Any]] = {}
        unordered = isinstance(ballot.value, AbstractSet)
        elements: Any = ballot.value
        for at, element in enumerate(elements):
            once.setdefault(canonical(element), (0 if unordered else at, element))
        for key, (at, element) in once.items():
            entry = found.setdefault(key, _Named(key))
            entry.weights.append(ballot.weight)
            entry.at.append(Fraction(at))
            entry.written.append(element)
    return list(found.values())


def _like(elements: list[Any], ballots: Sequence[Ballot[Any]]) -> Any:
    """As most members gave them: a list, a tuple, a set, a frozenset."""
    kinds = Counter(_kind(b.value) for b in ballots)
    kind = min(kinds, key=lambda k: (-kinds[k], k.__name__))
    return kind(elements)


def _kind(value: Any) -> type[Any]:
    return next((k for k in (tuple, set, frozenset) if isinstance(value, k)), list)


def _groups(value: Any, kept: Sequence[_Named], ballots: Sequence[Ballot[Any]]) -> tuple[Group[Any], ...]:
    key = ("set", tuple(sorted((e.key for e in kept), key=ordering)))
    same = [b for b in ballots if b.key == key]
    first = Group(value, tuple(b.member for b in same), total([b.weight for b in same]))
    return (first, *by_weight([b for b in ballots if b.key != key]))


def union(at_least: int = 1) -> Union:
    """The elements that at least so many members name; the value is a list, a tuple or a set as theirs.

    Elements are compared in their normal form and written as most wrote them. Those that more members name stand
    first, then those that stand earlier in their lists on average, then by the alphabet: the order of members
    changes nothing. Agreement is the mean, over all elements, of the share that sides with the outcome. What is
    no list abstains.
    """
    if isinstance(at_least, bool) or at_least < 1:
        msg = f"union(at_least={at_least!r}): it is a number of members, from 1"
        raise ValueError(msg)
    return Union(at_least)


def intersection() -> Union:
    """The elements that all members name that gave a list; otherwise as `union`."""
    return Union("all")


def as_set() -> Union:
    """The elements that more than half of the weight names, where order means nothing; otherwise as `union`."""
    return Union("half")

"""The common answer: what most members say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from chainkit.ensembles.combine import Combine, Decision, Picks, by_weight
from chainkit.ensembles.verdict import Ballot, total
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.place import Place
    from chainkit.run.frame import Frame

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True)
class Vote(Picks[T_contra]):
    """Plurality of the normalised values; a tie goes to the group with the earliest member."""

    by: Callable[[T_contra], object] | None = None
    weights: tuple[float, ...] | None = None
    early: bool = True
    word = "vote"

    def key(self, value: Any) -> Any:
        return super().key(value if self.by is None else self.by(value))

    def weight(self, member: int) -> float:
        """What a member's vote counts."""
        return 1.0 if self.weights is None else self.weights[member]

    def settled(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> bool:
        """Whether no vote still to come can change the winner: counted exactly, ties included."""
        if not self.early or not left:
            return not left
        groups = _standing(ballots)
        if not groups:
            return False
        lead, first = groups[0]
        coming = [self.weight(m) for m in left]
        rivals = [(weight, min(member, *left)) for weight, member in groups[1:]] + [(0.0, min(left))]
        best = [(total([weight, *coming]), member) for weight, member in rivals]
        return all(weight < lead or (weight == lead and first < member) for weight, member in best)

    def needed(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> int:
        """How many of the next members, all for the leading answer, would settle it."""
        standing = list(ballots)
        groups = _standing(ballots)
        lead = ballots[groups[0][1]].key if groups else None
        for count, member in enumerate(left):
            if self.settled(standing, left[count:]):
                return count
            standing[member] = Ballot(ballots[member].member, key=lead, weight=self.weight(member))
        return len(left)

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Self:
        if self.weights is not None and len(self.weights) != len(members):
            msg = f"vote(weights=...) has {len(self.weights)} weights for {len(members)} members"
            raise CompositionError(msg)
        return self

    def compile(self, place: Place) -> Combine:
        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            groups = by_weight(ballots)
            return Decision(groups[0].value, groups)

        return combine


def _standing(ballots: Sequence[Ballot[Any]]) -> list[tuple[float, int]]:
    """(weight, number of its first member) of each group, the leading one first."""
    found: dict[Any, tuple[float, int]] = {}
    for number, ballot in enumerate(ballots):
        if ballot.valid:
            weight, first = found.get(ballot.key, (0.0, number))
            found[ballot.key] = total([weight, ballot.weight]), first
    return sorted(found.values(), key=lambda g: (-g[0], g[1]))


@overload
def vote(*, weights: Sequence[float] | Mapping[int, float] | None = ..., early: bool = ...) -> Vote[object]: ...
@overload
def vote(
    *, key: Callable[[T], object], weights: Sequence[float] | Mapping[int, float] | None = ..., early: bool = ...
) -> Vote[T]: ...
def vote(*, key: Any = None, weights: Any = None, early: bool = True) -> Vote[Any]:
    """The answer that most members give, compared by equality of their normal form (or of `key(value)`).

    Text is compared without case, spacing and end marks; data as canonical JSON. `weights` has one number
    for each member, in order. A tie goes to the group with the earliest member. With `early`, members
    that can no longer change the outcome are cancelled.
    """
    if isinstance(weights, Mapping):
        weights = [weights.get(i, 1.0) for i in range(max(weights) + 1)]  # pyright: ignore
    found = None if weights is None else tuple(float(w) for w in weights)
    if found is not None and not all(0 <= w < math.inf for w in found):
        msg = f"a weight is finite and not negative: {found}"
        raise ValueError(msg)
    return Vote(key, found, early)

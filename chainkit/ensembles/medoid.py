"""The medoid: the answer that is most like all the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from chainkit.chain import Chain
from chainkit.ensembles.combine import Combine, Decision, Picks, by_weight
from chainkit.ensembles.similarity import MEASURES, Matrix, alike
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.ensembles.verdict import Ballot
    from chainkit.place import Place
    from chainkit.run.frame import Frame

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True)
class Medoid(Picks[T_contra]):
    """The member's value with the highest mean similarity to the others; a tie goes to the earliest member."""

    similarity: str | Chain[Any, Any] | Callable[[Any, Any], float] = "words"
    weights: tuple[float, ...] | None = None
    word = "medoid"

    def weight(self, member: int) -> float:
        return 1.0 if self.weights is None else self.weights[member]

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Self:
        if self.weights is not None and len(self.weights) != len(members):
            msg = f"medoid(weights=...) has {len(self.weights)} weights for {len(members)} members"
            raise CompositionError(msg)
        return self

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        chain: Any = self.similarity
        return (("similarity", chain),) if isinstance(chain, Chain) else ()  # pyright: ignore[reportUnknownVariableType]

    def compile(self, place: Place) -> Combine:
        compare = alike(self.similarity, place)

        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            valid = [i for i, b in enumerate(ballots) if b.valid]
            if len(valid) == 1:
                return Decision(ballots[valid[0]].value, by_weight(ballots), "one answer, with no other to be like")
            matrix = await compare(frame, [ballots[i].value for i in valid])
            scores = _scores(matrix, [ballots[i].weight for i in valid])
            return _decided(ballots, dict(zip(valid, scores, strict=True)))

        return combine


def _scores(matrix: Matrix, weights: Sequence[float]) -> list[float]:
    """The mean similarity of each to the others. Rounded, so that what is a tie on paper is a tie."""
    found: list[float] = []
    for i, row in enumerate(matrix):
        others = [j for j in range(len(row)) if j != i]
        whole = math.fsum(weights[j] for j in others)
        counts = weights if whole else [1.0] * len(weights)
        found.append(round(math.fsum(row[j] * counts[j] for j in others) / (whole or len(others)), 12))
    return found


def _decided(ballots: Sequence[Ballot[Any]], scores: dict[int, float]) -> Decision:
    best = max(scores, key=lambda i: (scores[i], -i))
    scored = tuple(replace(b, score=scores.get(i)) for i, b in enumerate(ballots))
    chosen = ballots[best]
    groups = by_weight(ballots)
    first = next(g for g in groups if chosen.member in g.members and _same(ballots, g, chosen))
    ordered = (replace(first, value=chosen.value), *(g for g in groups if g is not first))
    reason = f"{chosen.member} is the most like the others: {scores[best]:.3g} on average"
    return Decision(chosen.value, ordered, reason, None, scored, min(1.0, max(0.0, scores[best])))


def _same(ballots: Sequence[Ballot[Any]], group: Any, chosen: Ballot[Any]) -> bool:
    return next(b.key for b in ballots if b.valid and b.value is group.value) == chosen.key


def _compares(similarity: Any) -> bool:
    return isinstance(similarity, Chain) or callable(similarity)


@overload
def medoid(
    similarity: Literal["words", "characters"] | Chain[Any, Any] = ..., *, weights: Sequence[float] | None = ...
) -> Medoid[object]: ...
@overload
def medoid(similarity: Callable[[T, T], float], *, weights: Sequence[float] | None = ...) -> Medoid[T]: ...
def medoid(similarity: Any = "words", *, weights: Sequence[float] | None = None) -> Medoid[Any]:
    """The answer that is most like the others: minimum Bayes risk, for answers that are never equal.

    `similarity` is "words" (the F1 of the words), "characters" (chrF, for words in many forms and spellings), an
    embedder, which is sent all texts in one call, or a function (candidate, other) -> float. Each ballot's score is
    its mean similarity to the others, weighted by their `weights`; agreement is the winner's. A tie goes to the
    earliest member. See Eikema and Aziz (2020), Bertsch and others (2023).
    """
    known = similarity in MEASURES if isinstance(similarity, str) else _compares(similarity)
    if not known:
        msg = f"medoid(similarity={similarity!r:.60}) is no similarity"
        raise CompositionError(msg, cure='write "words", "characters", embedder("..."), or a function (a, b) -> float')
    found = None if weights is None else tuple(float(w) for w in weights)
    if found is not None and not all(0 <= w < math.inf for w in found):
        msg = f"a weight is finite and not negative: {found}"
        raise ValueError(msg)
    return Medoid(similarity, found)

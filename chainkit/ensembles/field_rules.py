"""Rules made for fields: the number that most are close to, the longest text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chainkit.ensembles.combine import Combine, Decision, Picks, by_weight
from chainkit.ensembles.numeric import exact, is_near, number
from chainkit.ensembles.similarity import text_of
from chainkit.ensembles.verdict import Group, short, total

if TYPE_CHECKING:
    from chainkit.ensembles.verdict import Ballot
    from chainkit.place import Place
    from chainkit.run.frame import Frame


@dataclass(frozen=True)
class Close(Picks[object]):
    """The number that the most weight is close to."""

    relative: float = 0.0
    absolute: float = 0.0
    word = "close"

    def key(self, value: Any) -> Any:
        return None if (found := number(value)) is None else exact(found)

    def abstains(self, value: Any) -> str | None:
        return None if number(value) is not None else f"no number: {short(value)!r:.60}"

    def _beside(self, one: Ballot[Any], ballots: Sequence[Ballot[Any]]) -> list[Ballot[Any]]:
        return [b for b in ballots if is_near(_number(one), _number(b), self.relative, self.absolute)]

    def compile(self, place: Place) -> Combine:
        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            valid = sorted((b for b in ballots if b.valid), key=lambda b: exact(_number(b)))
            best = max(valid, key=lambda b: self._rank(b, valid))
            beside = self._beside(best, valid)
            first = Group(best.value, tuple(b.member for b in beside), total([b.weight for b in beside]))
            return Decision(best.value, (first, *by_weight([b for b in valid if b not in beside])))

        return combine

    def _rank(self, ballot: Ballot[Any], valid: Sequence[Ballot[Any]]) -> Any:
        """By the weight that is near, then by the weight of the same number, then by the sum of distances."""
        here = exact(_number(ballot))
        beside = self._beside(ballot, valid)
        alike = total([b.weight for b in valid if exact(_number(b)) == here])
        return total([b.weight for b in beside]), alike, -sum(abs(exact(_number(b)) - here) for b in beside)


def _number(ballot: Ballot[Any]) -> Any:
    return number(ballot.value)


def close(relative: float = 0.0, *, absolute: float = 0.0) -> Close:
    """The member's number that the most others are close to: within `relative` of the larger one, or `absolute`.

    `close(0.01)` takes 99.5 and 100 for the same. Of several, the one that most say, then the one in the middle,
    then the smallest. Agreement is the share that is close to it. What is no number abstains.
    """
    if not (0 <= relative < math.inf and 0 <= absolute < math.inf):
        msg = f"close({relative}, absolute={absolute}): a tolerance is finite and not negative"
        raise ValueError(msg)
    return Close(float(relative), float(absolute))


@dataclass(frozen=True)
class Longest(Picks[object]):
    """The longest text."""

    word = "longest"

    def compile(self, place: Place) -> Combine:
        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            best = max((b for b in ballots if b.valid), key=lambda b: len(text_of(b.value)))
            groups = by_weight(ballots)
            first = next(
                g for g in groups if any(b.valid and b.key == best.key and b.value is g.value for b in ballots)
            )
            return Decision(
                best.value, (replace(first, value=best.value), *(g for g in groups if g is not first)), "the longest"
            )

        return combine


def longest() -> Longest:
    """The longest text that a member gave, for notes and descriptions; of equally long ones the first."""
    return Longest()

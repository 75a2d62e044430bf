"""What members are worth, and which of them together: learned from a table of their answers, with nothing asked.

Weights are log-odds of being right (Nitzan and Paroush, "Optimal Decision Rules in Uncertain Dichotomous Choice
Situations", 1982), shrunk towards chance where there are few cases. What a subset is worth is measured on cases that its
weights were not learned from, so that members which share their mistakes, or say what others say, gain nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST = 10
"""Members of which every subset is tried; of more, one after another is added."""
FOLDS = 5
_SURE = 1.0
"""Standard errors by which a cheaper choice may lie below the best one."""


@dataclass(frozen=True)
class Votes:
    """What members said: for each case (row) and member (column) the answer's number, -1 where it failed.

    `scores` is how good that answer was, 0 to 1; `prices` what it cost, in whatever is counted; `choices` how many
    different answers there are to a question, at least 2.
    """

    answers: Array
    scores: Array
    prices: Array
    choices: int = 2

    @property
    def cases(self) -> int:
        """How many."""
        return int(self.answers.shape[0])

    @property
    def members(self) -> int:
        """How many."""
        return int(self.answers.shape[1])

    def part(self, rows: Any) -> Votes:
        """Some of the cases."""
        return Votes(self.answers[rows], self.scores[rows], self.prices[rows], self.choices)


@dataclass(frozen=True)
class Point:
    """A choice of members: their numbers, what they cost a case, and how good they are on cases not learned from."""

    members: tuple[int, ...]
    price: float
    quality: float


def numbered(keys: Sequence[Sequence[Hashable | None]]) -> Array:
    """Answers as numbers: in each case the same answer has the same number, and None is -1."""
    import numpy as np

    found = np.full((len(keys), len(keys[0]) if keys else 0), -1, dtype=np.int64)
    for row, several in enumerate(keys):
        names: dict[Hashable, int] = {}
        for column, key in enumerate(several):
            if key is not None:
                found[row, column] = names.setdefault(key, len(names))
    return found


def weights(votes: Votes) -> Array:
    """Each member's log-odds of being right over chance; 0 where it is no better than that."""
    import numpy as np

    chance = 1.0 / votes.choices
    right = (votes.scores.sum(axis=0) + 2.0 * chance) / (votes.cases + 2.0)
    right = np.clip(right, 1e-6, 1 - 1e-6)
    found: Array = np.maximum(0.0, np.log(right / (1 - right)) - math.log(chance / (1 - chance)))
    return found


def outcome(votes: Votes, members: Sequence[int], worth: Array) -> tuple[Array, Array]:
    """(score, margin) of the weighted vote of those members, for each case; a tie goes to the earliest member."""
    import numpy as np

    columns = list(members)
    answers, weight = votes.answers[:, columns], worth[columns]
    sums = np.zeros((votes.cases, votes.members + 1))
    rows = np.arange(votes.cases)
    for place in range(len(columns)):
        valid = answers[:, place] >= 0
        np.add.at(sums, (rows[valid], answers[valid, place]), weight[place])
    # What each member's own answer has behind it; the first of the highest is the winner.
    behind = np.where(answers >= 0, np.take_along_axis(sums, np.maximum(answers, 0), axis=1), -1.0)
    winner = np.argmax(np.round(behind, 9), axis=1)
    score = votes.scores[:, columns][rows, winner] * (behind[rows, winner] >= 0)
    ordered = np.sort(sums, axis=1)
    return score, ordered[:, -1] - ordered[:, -2]


def folds(cases: int, seed: int) -> Array:
    """The fold of each case."""
    import numpy as np

    drawn: Array = np.random.default_rng(seed).permutation(np.arange(cases) % min(FOLDS, max(2, cases)))
    return drawn


def crossed(votes: Votes, members: Sequence[int], fold: Array) -> tuple[Array, Array]:
    """(score, margin) of each case, by weights learned without its fold."""
    import numpy as np

    score, lead = np.zeros(votes.cases), np.zeros(votes.cases)
    for number in np.unique(fold):
        here = fold == number
        worth = weights(votes.part(~here))
        score[here], lead[here] = outcome(votes.part(here), members, worth)
    return score, lead


def points(votes: Votes, seed: int = 0) -> list[Point]:
    """What choices of members cost and are worth: all of up to ten members, else one added after another."""
    fold = folds(votes.cases, seed)
    price = votes.prices.mean(axis=0)

    def point(members: Sequence[int]) -> Point:
        score, _ = crossed(votes, members, fold)
        return Point(tuple(members), float(price[list(members)].sum()), float(score.mean()))

    everyone = range(votes.members)
    if votes.members <= MOST:
        sizes = range(1, votes.members + 1)
        return [point(some) for size in sizes for some in itertools.combinations(everyone, size)]
    found = [point([m]) for m in everyone]
    chosen = [max(found, key=lambda p: p.quality).members[0]]
    while len(chosen) < votes.members:
        tried = [point(sorted([*chosen, m])) for m in everyone if m not in chosen]
        best = max(tried, key=lambda p: (p.quality, -p.price))
        found.append(best)
        chosen = list(best.members)
    return found


def frontier(found: Sequence[Point]) -> list[Point]:
    """The points that no other one beats in price and quality at once, cheapest first."""
    kept: list[Point] = []
    for point in sorted(found, key=lambda p: (p.price, -p.quality, len(p.members), p.members)):
        if not kept or point.quality > kept[-1].quality:
            kept.append(point)
    return kept


def choice(votes: Votes, found: Sequence[Point], worth: float = 0.0, seed: int = 0) -> Point:
    """The cheapest point that is as good as the best one: within one standard error of their difference, or `worth`."""
    import numpy as np

    fold = folds(votes.cases, seed)
    best = max(found, key=lambda p: (p.quality, -p.price))
    top, _ = crossed(votes, best.members, fold)
    for point in frontier(found):
        gaps = top - crossed(votes, point.members, fold)[0]
        error = float(np.std(gaps, ddof=1)) / math.sqrt(votes.cases) if votes.cases > 1 else 1.0
        if float(gaps.mean()) <= max(worth, _SURE * error):
            return point
    return best


def curve(score: Array, lead: Array) -> tuple[float, float]:
    """(slope, offset) of the logistic curve from margin to the probability of being right (Platt 1999, his targets)."""
    import numpy as np
    from scipy.optimize import minimize

    right, wrong = score.sum(), len(score) - score.sum()
    goal = score * (right + 1) / (right + 2) + (1 - score) / (wrong + 2)

    def loss(at: Any) -> float:
        z = at[0] * lead + at[1]
        return float(np.sum(np.logaddexp(0.0, z) - goal * z)) + 1e-6 * float(at @ at)

    found = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    # More agreement never makes it less sure.
    if found[0] < 0:
        share = float(np.clip(goal.mean(), 1e-6, 1 - 1e-6))
        return 0.0, math.log(share / (1 - share))
    return float(found[0]), float(found[1])

"""A vote stops exactly when no completion can change its winner: compared with every completion there is."""

from __future__ import annotations

import itertools
from functools import cache

import pytest

from chainkit import vote
from chainkit.ensembles.verdict import Ballot, grouped

VALUES = ("a", "b", "c")
FAILED, LEFT = "failed", "left"


def ballot(number: int, said: str, weight: float) -> Ballot:
    if said == LEFT:
        return Ballot(f"m{number}", cancelled=True)
    if said == FAILED:
        return Ballot(f"m{number}", error=ValueError("no"))
    return Ballot(f"m{number}", said, key=said, weight=weight)


@cache
def winner(said: tuple[str, ...], weights: tuple[float, ...]) -> str | None:
    """The heaviest value, and of equal ones the one with the earliest member: counted anew, by hand."""
    sums: dict[str, float] = {}
    for value, weight in zip(said, weights, strict=True):
        if value not in (LEFT, FAILED):
            sums[value] = round(sums.get(value, 0.0) + weight, 6)
    return max(sums, key=lambda v: (sums[v], -said.index(v))) if sums else None


def is_certain(said: tuple[str, ...], weights: tuple[float, ...]) -> bool:
    left = [i for i, s in enumerate(said) if s == LEFT]
    now = winner(said, weights)
    if now is None and left:
        return False
    coming = (*VALUES, *(f"new{i}" for i in range(len(left))), FAILED)
    for votes in itertools.product(coming, repeat=len(left)):
        ended = list(said)
        for index, vote_ in zip(left, votes, strict=True):
            ended[index] = vote_
        if winner(tuple(ended), weights) != now:
            return False
    return True


WEIGHTS = [(1.0,) * n for n in range(1, 6)] + [
    (2.0, 1.0),
    (0.0, 0.0),
    (1.0, 0.0, 1.0),
    (3.0, 1.0, 1.0),
    (0.1, 0.2, 0.3),
    (1.0, 2.0, 3.0, 4.0),
    (0.0, 1.0, 1.0, 2.0),
    (0.3, 0.1, 0.1, 0.1),
    (0.1, 0.1, 0.1, 0.3),
    (0.7, 0.1, 0.2, 0.4),
]


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_a_vote_is_settled_exactly_when_no_completion_can_change_its_winner(weights: tuple[float, ...]) -> None:
    counting = vote(weights=weights)
    for said in itertools.product((*VALUES, FAILED, LEFT), repeat=len(weights)):
        ballots = [ballot(i, s, weights[i]) for i, s in enumerate(said)]
        left = [i for i, s in enumerate(said) if s == LEFT]
        assert counting.settled(ballots, left) == is_certain(said, weights), said


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_the_first_group_is_the_winner_counted_by_hand(weights: tuple[float, ...]) -> None:
    for said in itertools.product((*VALUES, FAILED), repeat=len(weights)):
        groups = grouped([ballot(i, s, weights[i]) for i, s in enumerate(said)])
        assert (groups[0].value if groups else None) == winner(said, weights), said


@pytest.mark.parametrize("left", [[], [0], [0, 1, 2]])
def test_a_vote_that_waits_for_all_is_settled_only_when_none_is_left(left: list[int]) -> None:
    ballots = [ballot(i, LEFT if i in left else "a", 1.0) for i in range(3)]
    assert vote(early=False).settled(ballots, left) is (not left)


@pytest.mark.parametrize("weights", [[1, -1], [float("nan"), 1], [float("inf"), 1]])
def test_weights_that_are_no_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        vote(weights=weights)

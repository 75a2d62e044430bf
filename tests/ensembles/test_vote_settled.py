"""A vote with a majority or with ties that are errors is settled exactly when every completion ends alike."""

from __future__ import annotations

import itertools

import pytest
from test_vote import ballot

from chainkit import vote

WEIGHTS = [(1.0,) * n for n in range(1, 5)] + [(2.0, 1.0, 1.0), (1.0, 2.0, 3.0, 4.0)]


def outcome(said: list[str], weights: tuple[float, ...], at_least: float | None, ties: str) -> str:
    sums: dict[str, float] = {}
    for value, weight in zip(said, weights, strict=True):
        if value != "failed":
            sums[value] = sums.get(value, 0) + weight
    if not sums:
        return "no vote"
    top = max(sums.values())
    if at_least and top < at_least * sum(sums.values()) - 1e-9:
        return "no majority"
    tied = [v for v in sums if sums[v] == top]
    return "a tie" if len(tied) > 1 and ties == "error" else min(tied, key=said.index)


@pytest.mark.parametrize("ties", ["first", "error"])
@pytest.mark.parametrize("at_least", [None, 0.5, 2 / 3, 0.9, 1.0])
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_it_is_settled_exactly_when_every_completion_ends_alike(
    weights: tuple[float, ...], at_least: float | None, ties: str
) -> None:
    counting = vote(weights=weights, at_least=at_least, ties=ties)  # type: ignore[arg-type]
    for said in itertools.product(("a", "b", "failed", "left"), repeat=len(weights)):
        left = [i for i, s in enumerate(said) if s == "left"]
        coming = ("a", "b", "failed", *(f"new{i}" for i in left))
        ends: set[str] = set()
        for rest in itertools.product(coming, repeat=len(left)):
            told = dict(zip(left, rest, strict=True))
            ends.add(outcome([told.get(i, s) for i, s in enumerate(said)], weights, at_least, ties))
        settled = counting.settled([ballot(i, s, weights[i]) for i, s in enumerate(said)], left)
        assert settled == (len(ends) == 1 or not left), said

"""The fewest calls: what a vote asks for, against a brute-force oracle over all answers, and over all orders."""

from __future__ import annotations

import itertools
from collections import Counter
from functools import cache
from typing import Any

import pytest
from polling import scripted

from chainkit import ensemble, vote
from chainkit.errors import BadRequest, EnsembleError
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

FAILED = "!"


def winner(said: tuple[str, ...]) -> str | None:
    """The most frequent answer, of equal ones the earliest: counted by hand."""
    counts = Counter(s for s in said if s != FAILED)
    return max(counts, key=lambda v: (counts[v], -said.index(v))) if counts else None


@cache
def certain(said: tuple[str, ...], members: int) -> bool:
    """Whether every completion has one winner. Two new answers and a failure stand for all that are new."""
    left = members - len(said)
    coming = (*sorted(set(said) - {FAILED}), "new", "newer", FAILED)
    completions = itertools.combinations_with_replacement(coming, left)
    # Members still to come are later than all that were heard, so their order among themselves changes no winner
    # of those heard; that of the new ones does not matter where any of them wins.
    return len({winner((*said, *rest)) for rest in completions}) == 1


def fewest(said: tuple[str, ...]) -> int:
    """How many members in order must be heard."""
    return next(n for n in range(len(said) + 1) if certain(said[:n], len(said)) or n == len(said))


def different(members: int) -> list[tuple[str, ...]]:
    """All sequences of 3 answers and failures, but those that only name the answers differently."""
    found: list[tuple[str, ...]] = []
    for said in itertools.product("abc!", repeat=members):
        order = [s for s in dict.fromkeys(said) if s != FAILED]
        if order == list("abc")[: len(order)]:
            found.append(said)
    return found


def asked(said: tuple[str, ...], delays: tuple[float, ...] | None = None, **rules: Any) -> tuple[str | None, int]:
    """(the verdict, the calls made) of scripted members."""
    late = delays or (0.0,) * len(said)
    members = [m(s, delay=d, fail=[BadRequest("no")] if s == FAILED else None) for s, d in zip(said, late, strict=True)]
    with scripted() as run:
        try:
            found = ensemble(*members, combine=vote(), **rules).invoke("hi", run=run).value.text
        except EnsembleError:
            found = None
        return found, run.calls


SEQUENCES = [said for n in range(1, 6) for said in different(n)]
LONGER = [said for n in (6, 7) for said in different(n)]
RULES: dict[str, dict[str, Any]] = {"as few as needed": {"frugal": True}, "one at a time": {"concurrency": 1}}


@pytest.mark.parametrize("rules", RULES)
def test_the_calls_made_are_the_fewest_that_make_the_outcome_certain(rules: str) -> None:
    # Of the longest, every 23rd: all of them take a minute.
    for said in [*SEQUENCES, *LONGER[::23]]:
        assert asked(said, **RULES[rules]) == (winner(said), fewest(said)), said


@pytest.mark.slow
@pytest.mark.parametrize("rules", RULES)
def test_they_are_for_all_sequences_of_up_to_seven_members(rules: str) -> None:
    for said in LONGER:
        assert asked(said, **RULES[rules]) == (winner(said), fewest(said)), said


def test_the_members_that_are_needed_are_the_fewest_that_could_still_settle_it() -> None:
    """For all sequences of up to seven, without asking: what `needed` says, and where it says 0."""
    from test_vote import ballot

    counting, spelled = vote(), {FAILED: "failed"}
    for said in [*SEQUENCES, *LONGER]:
        heard = fewest(said)
        for n in range(heard + 1):
            ballots = [ballot(i, spelled.get(s, s) if i < n else "left", 1.0) for i, s in enumerate(said)]
            needed = counting.needed(ballots, range(n, len(said)))
            assert needed <= heard - n, (said, n)
            assert (needed == 0) == (n == heard), (said, n)


@pytest.mark.parametrize("answers", ["aab", "abb", "abc", "a!b", "aabb", "abba", "ab!b", "aabbc", "abbca"])
def test_every_order_of_arrival_gives_the_winner_of_all(answers: str) -> None:
    said = tuple(answers)
    for order in itertools.permutations(range(len(said))):
        found, _ = asked(said, tuple(float(o) for o in order))
        assert found == winner(said), order

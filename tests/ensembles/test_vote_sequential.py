"""The sequential test: its closed form, the error that it keeps, and the calls that it saves."""

from __future__ import annotations

import enum
import math
import random
from itertools import accumulate
from typing import Any, Literal

import pytest
from polling import ask

from chainkit import consistent, constant, ensemble, step, vote
from chainkit.ensembles.sequential import answers_of, density, leads
from chainkit.errors import CompositionError
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

MOST = 60
CASES = {
    "clear": (0.8, 0.2),
    "two of three": (0.6, 0.3, 0.1),
    "near tie": (0.52, 0.48),
    "near tie of three": (0.35, 0.33, 0.32),
    "many": (0.3, *(0.1,) * 7),
}


@pytest.mark.parametrize(("one", "other"), [(0, 0), (1, 0), (5, 1), (9, 4), (40, 21)])
def test_the_density_is_that_of_the_beta_distribution(one: int, other: int) -> None:
    log = math.lgamma(one + other + 2) - math.lgamma(one + 1) - math.lgamma(other + 1) - (one + other) * math.log(2)
    assert density(one, other) == pytest.approx(math.exp(log))


def test_with_two_answers_eight_alike_are_enough_for_95_percent_and_eleven_for_99() -> None:
    first = {c: next(n for n in range(1, 99) if leads([n], c, 2)) for c in (0.9, 0.95, 0.99)}
    assert first == {0.9: 7, 0.95: 8, 0.99: 11}


def test_votes_that_are_even_never_lead_and_one_possible_answer_always_does() -> None:
    assert not any(leads([n, n], 0.5) for n in range(200))
    assert leads([1], 0.99, 1)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (bool, 2),
        (Literal["a", "b", "c"], 3),
        (Literal["A", "a "], 1),
        (enum.Enum("E", "x y"), 2),
        (str, None),
        (Any, None),
    ],
)
def test_how_many_answers_a_type_allows(kind: Any, number: int | None) -> None:
    assert answers_of(kind) == number


def simulated(shares: tuple[float, ...], confidence: float, known: bool, times: int, seed: int) -> tuple[int, int]:
    """(wrong stops, votes asked) in so many votes of at most MOST members; answer 0 is the most likely one."""
    chance, ends = random.Random(seed), list(accumulate(shares))
    possible = len(shares) if known else None
    wrong = asked = 0
    for _ in range(times):
        counts = [0] * len(shares)
        for _vote in range(MOST):
            asked += 1
            at = chance.random() * ends[-1]
            counts[next(i for i, end in enumerate(ends) if at <= end)] += 1
            if leads([c for c in counts if c], confidence, possible):
                wrong += counts[0] != max(counts)
                break
    return wrong, asked


@pytest.mark.parametrize("known", [True, False], ids=["known answers", "open answers"])
@pytest.mark.parametrize("case", CASES)
def test_the_share_of_wrong_stops_is_within_the_error_allowed(case: str, known: bool) -> None:
    times, alpha = 1000, 0.1
    wrong, asked = simulated(CASES[case], 1 - alpha, known, times, seed=4)
    assert wrong <= alpha * times + 3 * math.sqrt(times * alpha * (1 - alpha))
    assert asked <= times * MOST
    if case == "clear":
        assert asked < times * MOST / 2


# In an ensemble.


def test_a_vote_stops_once_the_test_is_passed_and_says_how_and_what_it_saved() -> None:
    found = ask(consistent(m("a"), 20, combine=vote(confidence=0.9), concurrency=1))
    assert len(found.run.rows) == 7
    assert found.reason == (
        "stopped after 7 of 20 members: the leading answer is the most likely one with 90% confidence; "
        "13 members were not asked, 0 cancelled"
    )


def test_members_under_way_are_cancelled_when_it_is_passed() -> None:
    found = ask(ensemble(*(m("a", delay=i) for i in range(20)), combine=vote(confidence=0.9)))
    assert sum(b.cancelled for b in found.ballots) == 13
    assert found.reason.endswith("0 members were not asked, 13 cancelled")


def test_where_the_count_itself_is_certain_first_no_test_is_told_of() -> None:
    found = ask(ensemble(*(m("a", delay=i) for i in range(5)), combine=vote(confidence=0.9)))
    assert (found.reason, sum(b.cancelled for b in found.ballots)) == (None, 2)


def test_the_type_of_the_members_tells_how_many_answers_there_are() -> None:
    def of_two(text: str) -> bool:
        return bool(text)

    def of_nine(text: str) -> Literal[1, 2, 3, 4, 5, 6, 7, 8, 9]:
        return 1

    def heard(member: Any) -> int:
        chain = ensemble(*[step(member)] * 20, combine=vote(confidence=0.9), concurrency=1)
        return sum(b.valid for b in ask(chain).ballots)

    assert (heard(of_two), heard(of_nine)) == (7, 10)  # (n + 1) / 2**n is at most 0.1, and at most 0.1 / 8


def test_votes_that_do_not_count_alike_are_not_tested() -> None:
    with pytest.raises(CompositionError, match="the weights differ"):
        ensemble(constant("a"), constant("b"), combine=vote(confidence=0.9, weights=[2, 1]))
    ensemble(constant("a"), constant("b"), combine=vote(confidence=0.9, weights=[2, 2]))

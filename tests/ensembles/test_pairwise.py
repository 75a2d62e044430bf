"""Pairwise: comparisons, strengths, knockouts."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import ensemble, pairwise
from chainkit.ensembles.strengths import strengths
from chainkit.errors import BadRequest, CompositionError, DeadlineExceeded, EnsembleError, OutputError
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def members(answers: str) -> list[Any]:
    return [m(a).text for a in answers]


def later_letter(question: str, a: str, b: str) -> Any:
    return "tie" if a == b else "first" if a > b else "second"


def failing() -> Any:
    return m("x", fail=[BadRequest("no judge today")])


# Strengths.


@pytest.mark.parametrize(("won", "lost", "prior"), [(3, 1, 0.1), (1, 0, 0.1), (2, 0, 0.5), (5, 5, 0.0), (7, 2, 0.0)])
def test_the_strengths_of_two_are_their_shares_of_the_games(won: float, lost: float, prior: float) -> None:
    share = (won + prior) / (won + lost + 2 * prior)
    assert strengths([[0, won], [lost, 0]], prior) == pytest.approx([share, 1 - share])


def likelihood(logs: list[float], wins: list[list[float]], prior: float) -> float:
    pairs = itertools.permutations(range(len(wins)), 2)
    return sum((wins[i][j] + prior) * -math.log1p(math.exp(logs[j] - logs[i])) for i, j in pairs)


def climbed(wins: list[list[float]], prior: float) -> list[float]:
    """The most likely strengths, found by trying: one coordinate after the other, in ever smaller steps."""
    logs, step = [0.0] * len(wins), 2.0
    while step > 1e-7:
        tried = [[v + d * (k == i) for k, v in enumerate(logs)] for i in range(len(wins)) for d in (step, -step)]
        better = max(tried, key=lambda t: likelihood(t, wins, prior))
        if likelihood(better, wins, prior) > likelihood(logs, wins, prior):
            logs = better
        else:
            step /= 2
    whole = sum(math.exp(v) for v in logs)
    return [math.exp(v) / whole for v in logs]


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_the_strengths_of_several_are_the_most_likely_ones(n: int, seed: int) -> None:
    rng = random.Random(seed)
    wins = [[0.0 if i == j else float(rng.randint(0, 4)) for j in range(n)] for i in range(n)]
    assert strengths(wins) == pytest.approx(climbed(wins, 0.1), abs=1e-4)


def test_one_who_always_wins_is_finite_and_one_who_never_played_is_in_the_middle() -> None:
    found = strengths([[0, 4, 0], [0, 0, 0], [0, 0, 0]])
    assert sum(found) == pytest.approx(1)
    assert found[0] > found[2] > found[1] > 0
    assert strengths([[0.0]]) == [1.0]


# All pairs.


@pytest.mark.parametrize("order", ["abcd", "dcba", "bdac"])
def test_the_strongest_wins_and_the_strengths_add_up_to_1(order: str) -> None:
    found = ask(ensemble(*members(order), combine=pairwise(later_letter)))
    assert found.value == "d"
    assert [g.value for g in found.groups] == list("dcba")
    assert sum(b.score for b in found.ballots) == pytest.approx(1)
    assert found.reason == "12 comparisons of 4 answers"


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("swap", [True, False])
def test_the_calls_are_counted_exactly(n: int, swap: bool) -> None:
    comparing = m("second")
    orders = 2 if swap else 1
    found = ask(ensemble(*members("abcde"[:n]), combine=pairwise(comparing.text, swap=swap)))
    assert len(comparing.seen) == orders * n * (n - 1) // 2
    knocking = m("second")
    found = ask(ensemble(*members("abcde"[:n]), combine=pairwise(knocking.text, swap=swap, plan="knockout")))
    assert len(knocking.seen) == orders * (n - 1)
    assert f"in {math.ceil(math.log2(n))} rounds" in found.reason


@pytest.mark.parametrize("said", ["first", "second", "tie"])
@pytest.mark.parametrize("plan", ["all", "knockout"])
def test_a_judge_that_always_says_the_same_comes_to_a_tie_that_the_earliest_member_has(said: str, plan: Any) -> None:
    found = ask(ensemble(*members("abc"), combine=pairwise(m(said).text, plan=plan)))
    assert found.value == "a"
    if plan == "all":
        assert [b.score for b in found.ballots] == pytest.approx([1 / 3] * 3)


def test_without_swapping_the_place_decides() -> None:
    assert ask(ensemble(*members("abc"), combine=pairwise(m("second").text, swap=False))).value == "c"


def test_a_plain_model_is_asked_for_one_of_three_words() -> None:
    comparing = m(['"neither"', '"second"'])
    found = ask(ensemble(*members("ab"), combine=pairwise(comparing, swap=False)))
    assert found.value == "b"
    assert [s.output is not None for s in comparing.seen] == [True, True]
    assert "<answer number=2>\nb\n</answer>" in comparing.seen[0].messages[-1].text


@pytest.mark.parametrize(("said", "chosen"), [("The second one.", "b"), ("First", "a"), ("A tie!", "a")])
def test_a_word_is_read_from_text(said: str, chosen: str) -> None:
    assert ask(ensemble(*members("ab"), combine=pairwise(m(said).text, swap=False))).value == chosen


def test_a_function_may_be_async_and_gets_the_question_and_texts_where_it_declares_them() -> None:
    seen = []

    async def compare(question: str, a: str, b: str) -> Any:
        seen.append((question, a, b))
        return "second"

    found = ask(ensemble(m("a"), m("b"), combine=pairwise(compare, swap=False)))
    assert found.value.text == "b"
    assert seen == [("hi", "a", "b")]


def test_equal_answers_are_compared_once_and_the_larger_group_has_the_tie() -> None:
    comparing = m("tie")
    found = ask(ensemble(*members("abb"), combine=pairwise(comparing.text)))
    assert found.value == "b"
    assert len(comparing.seen) == 2
    assert [b.score for b in found.ballots] == pytest.approx([0.5] * 3)


# Knockout.


@pytest.mark.parametrize("order", [*itertools.permutations("abcd"), tuple("ecabd"), tuple("abcde")])
def test_a_knockout_of_a_consistent_judge_finds_the_best_of_any_order(order: tuple[str, ...]) -> None:
    chain = ensemble(*members("".join(order)), combine=pairwise(later_letter, plan="knockout"))
    assert ask(chain).value == max(order)


def test_a_round_is_played_at_once() -> None:
    with scripted() as run:
        slow = m("first", delay=1).text
        ensemble(*members("abcdefgh"), combine=pairwise(slow, plan="knockout")).invoke("hi", run=run)
        assert run.io.now() == pytest.approx(3)


# Faults.


def test_a_comparison_that_fails_does_not_count() -> None:
    def compare(question: Any, a: str, b: str) -> Any:
        if "a" in (a, b):
            raise ValueError("no a")
        return later_letter(question, a, b)

    found = ask(ensemble(*members("abc"), combine=pairwise(compare)))
    assert found.value == "c"
    assert found.reason == "6 comparisons of 3 answers, 4 of them failed (ValueError: no a)"


@pytest.mark.parametrize("plan", ["all", "knockout"])
def test_where_all_comparisons_fail_the_error_says_so(plan: Any) -> None:
    with pytest.raises(EnsembleError, match="comparisons gave anything usable") as caught:
        ask(ensemble(*members("abc"), combine=pairwise(failing(), plan=plan)))
    assert caught.value.__cause__.path.endswith("pairwise > 1 and 2 > model scripted:model")
    with pytest.raises(OutputError, match="neither first, second nor tie: 'first or second'"):
        ask(ensemble(*members("ab"), combine=pairwise(m("first or second").text, swap=False)))


def test_a_run_whose_time_is_over_is_late_and_not_undecided() -> None:
    with pytest.raises(DeadlineExceeded):
        ask(ensemble(*members("abc"), combine=pairwise(m("first", delay=9).text)), deadline=3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.booleans(), min_size=3, max_size=3), st.sets(st.sampled_from(["ab", "ac", "bc"])), st.booleans())
def test_faults_in_any_members_and_comparisons_leave_the_rest_to_decide(
    alive: list[bool], broken: set[str], knockout: bool
) -> None:
    def compare(question: Any, a: str, b: str) -> Any:
        if "".join(sorted(a + b)) in broken:
            raise ValueError("broken")
        return later_letter(question, a, b)

    usable = [a for a, ok in zip("abc", alive, strict=True) if ok]
    chain = ensemble(
        *(m(a).text if ok else failing().text for a, ok in zip("abc", alive, strict=True)),
        combine=pairwise(compare, plan="knockout" if knockout else "all"),
    )
    try:
        found = ask(chain)
    except (EnsembleError, ValueError):
        pairs = {a + b for a, b in itertools.combinations(usable, 2)}
        first = {"".join(usable[:2])} if knockout else pairs
        assert not usable or first <= broken
        return
    assert found.value in usable
    assert sum(b.score or 0 for b in found.ballots if b.valid) == pytest.approx(1) or len(usable) == 1


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: pairwise("openai:a", plan="league"), "must be 'all' or 'knockout'"),  # type: ignore[arg-type]
        (lambda: pairwise(lambda a, b: "first"), "takes 2 arguments"),  # type: ignore[arg-type, misc]
        (lambda: pairwise(7), "says not how two answers are compared"),  # type: ignore[arg-type]
    ],
    ids=["another plan", "two arguments", "a number"],
)
def test_what_cannot_be_compared_is_refused_when_it_is_built(build: Any, said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        build()

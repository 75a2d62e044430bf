"""Best of n: scores by functions, chains, rerankers, classifiers and judges; when asking stops."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import best, best_of, classifier, consistent, ensemble, judge, pairwise, rank, reranker
from chainkit.errors import BadRequest, CompositionError, DeadlineExceeded, EnsembleError, OutputError
from chainkit.models.classify import Classification
from chainkit.run.events import BallotCast
from chainkit.testing import ScriptedClassifier, ScriptedReranker
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def members(*answers: str) -> list[Any]:
    return [m(a, delay=i).text for i, a in enumerate(answers)]


def failing() -> Any:
    return m("x", fail=[BadRequest("not today")])


def drawn(*answers: str) -> Any:
    said = iter(answers)
    return m(lambda _: next(said)).text


async def later(text: str) -> float:
    return len(text)


def classified(good: float) -> Classification:
    return Classification(label="good", scores={"good": good, "bad": 1 - good})


def fits(question: str, text: str) -> float:
    return sum(word in text for word in question.split())


# Which score.


@pytest.mark.parametrize(
    "score", [len, later, m(lambda s: str(len(s[-1].text))).text | float], ids=["def", "async", "chain"]
)
def test_the_highest_score_wins_and_stands_on_the_ballots(score: Any) -> None:
    found = ask(ensemble(*members("bb", "dddd", "a"), combine=best(score)))
    assert found.value == "dddd"
    assert [b.score for b in found.ballots] == [2, 4, 1]
    assert [g.value for g in found.groups] == ["dddd", "bb", "a"]
    assert found.reason.endswith("has the highest score of 3: 4")


def test_a_function_of_two_is_given_the_question() -> None:
    found = ask(ensemble(*members("rain", "sun and rain", "snow"), combine=best(fits)), "sun rain")
    assert found.value == "sun and rain"
    assert [b.score for b in found.ballots] == [1, 2, 0]


def test_a_reply_counts_as_its_text_where_the_function_declares_one() -> None:
    assert ask(ensemble(m("a"), m("a b"), combine=best(later))).value.text == "a b"
    assert ask(ensemble(m("sun"), m("hi you"), combine=best(fits))).value.text == "hi you"


def test_a_reranker_is_asked_once_with_the_question_and_all_answers() -> None:
    ranking = ScriptedReranker()
    found = ask(ensemble(*members("snow", "the sun shines", "sun"), combine=best(ranking)), "when does the sun shine")
    assert len(ranking.seen) == 1
    assert ranking.seen[0].query == "when does the sun shine"
    assert ranking.seen[0].texts == ("snow", "the sun shines", "sun")
    assert found.value == max(zip([b.score for b in found.ballots], ["snow", "the sun shines", "sun"], strict=True))[1]
    assert len(found.run.rows) == 4


def test_a_reranker_that_leaves_answers_out_is_an_error_with_its_cure() -> None:
    with pytest.raises(OutputError, match="the reranker scored 1 of 2 answers") as caught:
        run = {"cohere:*": ScriptedReranker()}
        ask(ensemble(*members("a", "b"), combine=best(reranker("cohere:rerank-v3.5", top_n=1))), models=run)
    assert "top_n" in caught.value.cure


def test_the_score_of_a_classifiers_label_counts() -> None:
    kind = ScriptedClassifier(lambda request: classified(len(request.text) / 10))
    found = ask(ensemble(m("a"), m("aaa"), m("aa"), combine=best(kind, label="good")))
    assert found.value.text == "aaa"
    assert [b.score for b in found.ballots] == pytest.approx([0.1, 0.3, 0.2])
    assert ask(ensemble(m("a"), m("aaa"), combine=best(kind, label="bad"))).value.text == "a"
    for label, said in [(None, "no label= says which"), ("fine", "there is no label 'fine'")]:
        with pytest.raises(OutputError, match=said):
            ask(ensemble(m("a"), combine=best(kind, label=label)))


@pytest.mark.parametrize("picks", [judge(m("2")), pairwise(lambda q, a, b: "second", swap=False), rank(m("[2,1]"))])
def test_a_combiner_that_picks_may_be_the_score(picks: Any) -> None:
    assert best(picks) is picks
    assert ask(best_of(drawn("a", "b"), 2, score=picks, concurrency=1)).value == "b"


# Ties and groups.


@pytest.mark.parametrize("order", list(itertools.permutations(["aa", "bb", "c"])))
def test_a_tie_goes_to_the_earliest_member(order: tuple[str, ...]) -> None:
    assert ask(ensemble(*members(*order), combine=best(len))).value == next(a for a in order if len(a) == 2)


def test_answers_that_count_as_equal_are_scored_each_and_the_value_is_the_very_best_one() -> None:
    found = ask(ensemble(*members("Yes", "yes!!", "no"), combine=best(len)))
    assert found.value == "yes!!"
    assert [b.score for b in found.ballots] == [3, 5, 2]
    assert found.groups[0].value == "yes!!"
    assert found.agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize(("found", "score"), [(True, 1), (Decimal("0.5"), 0.5), (3, 3), (-2.5, -2.5)])
def test_bools_and_numbers_of_any_kind_are_scores(found: Any, score: float) -> None:
    assert ask(ensemble(m("a"), combine=best(lambda _: found))).ballots[0].score == score


@pytest.mark.parametrize("found", [math.nan, math.inf, -math.inf, None, "0.9", [1]])
@pytest.mark.parametrize("enough", [None, 1])
def test_a_score_that_is_no_finite_number_is_an_error_that_names_the_member(found: Any, enough: Any) -> None:
    chain = ensemble(m("a"), m("b", name="odd"), combine=best(lambda r: found if r.text == "b" else 0, enough=enough))
    with pytest.raises(OutputError, match="the score of model scripted:odd is no finite number"):
        ask(chain.named("answer"))


def test_an_error_of_the_score_is_raised_with_its_place() -> None:
    with pytest.raises(BadRequest) as caught:
        ask(ensemble(m("a"), m("b"), combine=best(failing().text | float)).named("answer"))
    assert caught.value.path == "answer > score 0 > model scripted:model"
    with pytest.raises(ZeroDivisionError):
        ask(ensemble(m("a"), m("b"), combine=best(lambda _: 1 / 0)))


def test_a_run_whose_time_is_over_while_scores_come_is_late() -> None:
    with pytest.raises(DeadlineExceeded):
        ask(ensemble(m("a"), m("b"), combine=best(m("1", delay=9).text | float)), deadline=3)


# Samples.


def test_best_of_is_consistent_with_the_best_as_its_combiner() -> None:
    assert best_of("openai:a", 3, score=len, seed=1) == consistent("openai:a", 3, combine=best(len), seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_n_samples_and_n_scores_are_asked_exactly(n: int) -> None:
    writing, scoring = m("a"), m("0.5")
    found = ask(best_of(writing.text, n, score=scoring.text | float, seed=3))
    assert (len(writing.seen), len(scoring.seen), len(found.run.rows)) == (n, n, 2 * n)
    assert sorted(s.options["seed"] for s in writing.seen) == list(range(3, 3 + n))


def test_scores_by_a_chain_are_asked_at_once() -> None:
    with scripted() as run:
        best_of(m("a").text, 4, score=m("1", delay=2).text | float).invoke("hi", run=run)
        assert run.io.now() == pytest.approx(2)


# Enough.


def test_a_score_that_is_enough_stops_the_asking_and_the_rest_is_cancelled() -> None:
    chain = ensemble(*members("a", "bbb", "cccc"), combine=best(len, enough=3))
    with scripted() as run:
        events = list(chain.events("hi", run=run))
        assert run.io.now() == pytest.approx(1)
    found = events[-1].value
    assert found.value == "bbb"
    assert [b.score for b in found.ballots] == [1, 3, None]
    assert [b.cancelled for b in found.ballots] == [False, False, True]
    assert [e.path for e in events if isinstance(e, BallotCast)] == ["best[0]", "best[1]"]


@pytest.mark.parametrize("good", range(5))
def test_with_frugal_no_more_are_asked_than_it_takes(good: int) -> None:
    answers = ["yes" if i == good else "no" for i in range(4)]
    scores: list[str] = []

    def score(text: str) -> float:
        scores.append(text)
        return 1.0 if text == "yes" else 0.0

    found = ask(best_of(drawn(*answers), 4, score=score, enough=1, frugal=True))
    asked = min(good + 1, 4)
    assert sum(b.asked for b in found.ballots) == len(found.run.rows) == len(scores) == asked
    assert found.value == ("yes" if good < 4 else "no")


def test_a_quorum_keeps_it_asking() -> None:
    found = ask(ensemble(*members("aaa", "b", "c"), combine=best(len, enough=3), quorum=2))
    assert [b.cancelled for b in found.ballots] == [False, False, True]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.integers(0, 4)), min_size=1, max_size=5),
    st.none() | st.integers(2, 6),
    st.booleans(),
)
def test_faults_in_any_members_leave_the_best_of_those_that_landed(
    script: list[tuple[bool, int, int]], enough: int | None, frugal: bool
) -> None:
    chain = ensemble(
        *((m("a" * size, delay=delay) if ok else failing()).text for ok, size, delay in script),
        combine=best(len, enough=enough),
        frugal=frugal,
    )
    if not any(ok for ok, _, _ in script):
        with pytest.raises(EnsembleError):
            ask(chain)
        return
    found = ask(chain)
    landed = [b for b in found.ballots if b.valid]
    assert all(b.score == len(b.value) for b in landed)
    assert len(found.value) == max(b.score for b in landed)
    stopped = any(b.cancelled for b in found.ballots)
    assert not stopped or (enough is not None and len(found.value) >= enough)


# What is refused.


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: best("openai:a"), "gives no number"),
        (lambda: best(3), "gives no number"),
        (lambda: best_of("openai:a", 0, score=len), "at least one sample"),
        (lambda: best(judge), "is not called"),
        (lambda: best(lambda: 1), "takes 0 arguments"),
        (lambda: best(lambda a, b, c: 1), "takes 3 arguments"),
        (lambda: best(judge("openai:a"), enough=8), "needs all answers at once"),
        (lambda: best(reranker("cohere:rerank-v3.5"), enough=0.9), "needs all answers at once"),
    ],
    ids=[
        "a model",
        "a number",
        "no sample",
        "not called",
        "nothing",
        "three",
        "enough of a judge",
        "enough of a reranker",
    ],
)
def test_what_gives_no_score_is_refused_when_it_is_built(build: Any, said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        build()


def test_a_classifier_may_be_named() -> None:
    chain = best_of(m("a"), 2, score=classifier("hf:some/reward"), label="good")
    stand_in = ScriptedClassifier(lambda _: classified(0.7))
    assert ask(chain, models={"hf:*": stand_in}).ballots[0].score == 0.7

"""Cascades: who is asked, what is accepted, and what stands in the verdict."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted
from pydantic import BaseModel

from chainkit import (
    Reply,
    agreed,
    approved,
    cascade,
    confident,
    consistent,
    ensemble,
    likely,
    model,
    prompt,
    step,
    vote,
)
from chainkit.errors import BadRequest, CompositionError, DeadlineExceeded, EnsembleError, OutputError, ServerError
from chainkit.messages import Text
from chainkit.models.classify import Classification
from chainkit.run.events import BallotCast, TextDelta
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def of_text(value: str) -> int:
    return len(value)


def of_number(value: int) -> int:
    return value


def is_long(reply: Any) -> bool:
    return len(str(reply)) > 3


def test_the_next_stage_is_asked_only_where_the_answer_is_not_accepted() -> None:
    with scripted() as run:
        found = cascade(m("a", name="cheap"), m("long enough", name="better"), m("never"), accept=is_long).invoke(
            "hi", run=run
        )
        assert run.calls == 2
    assert found.value.text == "long enough"
    assert found.reason == "stage 1 of 3 was accepted: `model scripted:better`"
    assert [b.valid for b in found.ballots] == [False, True, False]
    assert found.why().splitlines() == [
        "long enough (100% of 1 counted, 0.00 bits)",
        "  reason: stage 1 of 3 was accepted: `model scripted:better`",
        "  model scripted:cheap: abstained (not accepted: `is_long` did not accept it)",
        "  model scripted:better: long enough",
        "  model scripted:model: not asked",
    ]
    assert found.ballots[0].value.text == "a"


def test_the_last_stage_is_taken_as_it_is_unless_it_has_a_test_of_its_own() -> None:
    assert ask(cascade(m("a"), m("b"), accept=is_long)).value.text == "b"
    with pytest.raises(EnsembleError, match="no stage gave an answer that was accepted") as caught:
        ask(cascade(m("a"), m("b"), accept=[is_long, is_long]))
    assert [b.value.text for b in caught.value.ballots] == ["a", "b"]


def test_a_stage_that_fails_refuses_or_is_late_hands_on() -> None:
    stages = [m(fail=[BadRequest("no")]), m(Reply((), refusal="never")), m("late", delay=9), m("here")]
    found = ask(cascade(*stages, accept=lambda _: True, deadline=2))
    assert found.value.text == "here"
    assert isinstance(found.ballots[0].error, BadRequest)
    assert found.ballots[1].abstained == "refused: never"
    assert isinstance(found.ballots[2].error, DeadlineExceeded)


def test_the_runs_own_deadline_ends_it() -> None:
    with pytest.raises(DeadlineExceeded):
        ask(cascade(m("a", delay=5), m("b"), accept=is_long), deadline=1)


def test_ballots_are_cast_one_by_one_before_the_next_stage_begins() -> None:
    with scripted() as run:
        told = list(cascade(m("a"), m("b c d e"), accept=is_long).events("hi", run=run))
    seen = [(type(e).__name__, e.path) for e in told if isinstance(e, BallotCast | TextDelta)]
    first = seen.index(("BallotCast", "cascade[0]"))
    assert all(path.startswith("cascade[0]") for _, path in seen[: first + 1])
    assert all(path.startswith("cascade[1]") for _, path in seen[first + 1 :])
    assert seen[-1] == ("BallotCast", "cascade[1]")


def test_the_answer_streams_the_last_stage_as_it_is_written() -> None:
    chain = cascade(m("a"), m("one two three"), accept=is_long).answer
    with scripted() as run:
        assert list(chain.stream("hi", run=run)) == ["one ", "two ", "three"]
    with scripted() as run:
        assert "".join(cascade(m("one two"), m("b"), accept=is_long).answer.stream("hi", run=run)) == "one two"


# What is accepted.


@pytest.mark.parametrize(("answers", "calls"), [("aaaaa", 5), ("aaaab", 5), ("aaabb", 6), ("abcde", 6)])
def test_agreement_decides_for_a_stage_that_is_an_ensemble(answers: str, calls: int) -> None:
    cheap = ensemble(*(m(a, delay=i) for i, a in enumerate(answers)), combine=vote(early=False))
    with scripted() as run:
        found = cascade(cheap, m("z"), accept=agreed(0.8)).invoke("hi", run=run)
        assert run.calls == calls
    if calls == 5:
        assert (found.value.text, found.agreement) == ("a", answers.count("a") / 5)
        assert found.entropy == pytest.approx(ask(cheap).entropy)
    else:
        assert found.value.text == "z"


@pytest.mark.parametrize("frugal", [True, False])
@pytest.mark.parametrize("share", [0.5, 0.6, 0.8, 1.0])
@pytest.mark.parametrize(
    "answers", ["aa", "ab", "aaa", "aab", "abc", "aaab", "aabb", "aaaaa", "aaaab", "aaabb", "aabbb", "abcde"]
)
def test_an_early_vote_is_accepted_exactly_where_all_its_members_would_agree_so_far(
    answers: str, share: float, frugal: bool
) -> None:
    cheap = ensemble(*(m(a, delay=i) for i, a in enumerate(answers)), combine=vote(), frugal=frugal)
    found = ask(cascade(cheap, m("z"), accept=agreed(share)))
    most = max(answers.count(a) for a in answers) / len(answers)
    assert (found.value.text != "z") is (most >= share)


def test_no_more_samples_are_asked_than_decide_whether_they_agree() -> None:
    calls = {}
    for answers in ("aaaaa", "ab", "abaaa", "aabbb"):
        with scripted() as run:
            cheap = ensemble(*(m(a) for a in answers), combine=vote(), frugal=True)
            cascade(cheap, step(lambda _: "z"), accept=agreed(0.8)).invoke("hi", run=run)
            calls[answers] = run.calls
    # Four of five decide for it; two that differ of two, or two others of five, against it.
    assert calls == {"aaaaa": 4, "ab": 2, "abaaa": 5, "aabbb": 4}


def test_agreement_of_a_stage_that_gives_no_verdict_is_refused_when_it_is_built() -> None:
    with pytest.raises(CompositionError, match=r"stage 0 \(`model scripted:model`\) gives no verdict") as caught:
        cascade(m("a"), m("b"), accept=agreed(0.8))
    assert "consistent(chain, 5)" in str(caught.value)


class Guess(BaseModel):
    word: str
    confidence: float


@pytest.mark.parametrize(("sure", "word"), [(0.95, "a"), (0.9, "a"), (0.89, "z"), (0.0, "z")])
def test_a_value_with_a_confidence_of_its_own_is_accepted_by_it(sure: float, word: str) -> None:
    stages = [
        m(f'{{"word": "a", "confidence": {sure}}}', output=Guess),
        m('{"word": "z", "confidence": 1}', output=Guess),
    ]
    found = ask(cascade(*stages, accept=confident(0.9)))
    assert found.value.word == word


def test_a_classification_is_accepted_by_its_score() -> None:
    cheap = step(lambda _: Classification(label="spam", scores={"spam": 0.7, "ham": 0.3}))
    assert ask(cascade(cheap, m("b"), accept=confident(0.6))).value.label == "spam"
    assert ask(cascade(cheap, m("b"), accept=confident(0.8))).value.text == "b"


def test_an_answer_without_a_confidence_is_an_error_and_no_silent_expense() -> None:
    with pytest.raises(OutputError, match="a Reply carries no confidence"):
        ask(cascade(m("a"), m("b"), accept=confident(0.9)))


@pytest.mark.parametrize(
    ("shares", "taken"), [([0.9, 0.9], True), ([0.81, 1.0], True), ([0.8, 1.0], False), ([0.5], False)]
)
def test_a_reply_is_accepted_by_the_geometric_mean_of_its_tokens(shares: list[float], taken: bool) -> None:
    told = tuple({"token": "x", "logprob": math.log(s)} for s in shares)
    cheap = m(Reply((Text("a"),), logprobs=told), options={"logprobs": 1})
    assert (ask(cascade(cheap, m("b"), accept=likely(0.9))).value.text == "a") is taken


def test_a_model_that_is_not_asked_for_logprobs_is_refused_when_it_is_built() -> None:
    with pytest.raises(CompositionError, match="is not asked for logprobs") as caught:
        cascade(prompt("{{ x }}", x=str) | model("openai:a"), model("openai:b"), accept=likely(0.9))
    assert "logprobs=1" in str(caught.value)
    with pytest.raises(OutputError, match="carries no logprobs"):
        ask(cascade(m("a", options={"logprobs": 1}), m("b"), accept=likely(0.9)))


@pytest.mark.parametrize(("said", "text"), [("yes", "a"), ("no", "b"), ('"Yes"', "a")])
def test_a_judge_says_yes_or_no(said: str, text: str) -> None:
    judge = m(said)
    chain = cascade(m("a"), m("b"), accept=approved(step(lambda q: q) | judge))
    assert ask(chain, "is it?").value.text == text
    shown = judge.seen[0].messages[-1].text
    assert "<question>\nis it?\n</question>" in shown
    assert "<answer number=1>\na\n</answer>" in shown


@pytest.mark.parametrize(
    "broken", [m("maybe"), m(fail=[BadRequest("down")]), step(lambda _: 1 / 0)], ids=["says neither", "fails", "raises"]
)
def test_a_test_that_fails_hands_on_with_the_reason(broken: Any) -> None:
    found = ask(cascade(m("a"), m("b"), accept=approved(step(lambda q: q) | broken)))
    assert found.value.text == "b"
    assert found.ballots[0].abstained.startswith("not accepted: its test failed (")


def test_a_judge_that_fails_shows_in_the_ledger() -> None:
    with scripted() as run:
        cascade(m("a"), m("b"), accept=approved(m('"no"'))).invoke("hi", run=run)
        assert [r.path for r in run.rows] == [
            "cascade[0] > model scripted:model",
            "cascade > accept 0 > model scripted:model",
            "cascade[1] > model scripted:model",
        ]


# What is refused.


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: cascade(m("a"), accept=is_long), "at least two stages"),
        (lambda: cascade(m("a"), m("b"), accept=[is_long] * 3), "accept= has 3 tests for 2 stages"),
        (lambda: cascade(m("a"), m("b"), accept=0.8), "accept=0.8 says not when"),
        (lambda: cascade(m("a"), m("b"), accept=agreed), "accept=agreed is not called"),
        (lambda: cascade(m("a"), m("b"), accept=agreed(80)), "must be from 0 to 1"),
        (lambda: cascade(step(of_text), step(of_number), accept=is_long), "no value can be the input of all stages"),
    ],
    ids=["one stage", "too many tests", "a number", "not called", "a percentage", "inputs that never meet"],
)
def test_what_cannot_be_is_refused_when_it_is_built(build: Any, said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        build()


# Nested, and under faults.


def test_a_cascade_over_an_ensemble_over_a_cascade() -> None:
    inner = cascade(m("x"), m("deep"), accept=is_long)
    found = ask(cascade(m("a"), ensemble(inner, inner, m("other"), combine=vote()), accept=is_long))
    assert (found.value.text, found.agreement) == ("deep", pytest.approx(1.0))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["fails", "refuses", "wrong", "right"]), min_size=2, max_size=5))
def test_the_first_stage_that_works_and_is_accepted_answers_whatever_the_others_do(kinds: list[str]) -> None:
    made = {"fails": lambda: m(fail=[ServerError("s")] * 3), "refuses": lambda: m(Reply((), refusal="no")),
            "wrong": lambda: m("no"), "right": lambda: m("right")}  # fmt: skip
    chain = cascade(*(made[k]() for k in kinds), accept=[is_long] * len(kinds))
    with scripted() as run:
        if "right" not in kinds:
            with pytest.raises(EnsembleError):
                chain.invoke("hi", run=run)
        else:
            found = chain.invoke("hi", run=run)
            assert found.reason.startswith(f"stage {kinds.index('right')} of")
            assert sum(b.asked for b in found.ballots) == kinds.index("right") + 1


def test_samples_first_and_the_strong_model_where_they_disagree() -> None:
    says = iter("aabab")
    cheap = consistent(m(lambda _: next(says)), 5, frugal=True)
    with scripted() as run:
        # Two say a, one b: nine tenths of five cannot agree any more.
        found = cascade(cheap, m("strong"), accept=agreed(0.9)).invoke("hi", run=run)
        assert (found.value.text, run.calls) == ("strong", 4)

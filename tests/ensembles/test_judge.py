"""Judges: several of them, both orders, one at a time, and what becomes of those that fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import ensemble, judge, vote
from chainkit.ensembles.judge import number_in
from chainkit.errors import BadRequest, CompositionError, DeadlineExceeded, EnsembleError, OutputError
from chainkit.models.profile import Profile
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

ABC = [m("a"), m("b"), m("c")]


def liking(answer: str) -> Any:
    """A judge that names that answer wherever it stands."""

    def say(messages: Any) -> str:
        text = messages[-1].text
        return str(text[: text.index(f">\n{answer}\n<")].count("<answer"))

    return m(say)


def failing() -> Any:
    return m("x", fail=[BadRequest("no judge today")])


def test_each_judge_has_a_vote_and_the_reason_says_who_chose_what() -> None:
    found = ask(ensemble(*ABC, combine=judge(liking("c"), liking("a"), liking("c"))))
    assert found.value.text == "c"
    assert [b.score for b in found.ballots] == pytest.approx([1 / 3, 0, 2 / 3])
    assert found.reason == (
        "judge 1 (model scripted:model) chose answer 3 of 3; judge 2 (model scripted:model) chose answer 1 of 3; "
        "judge 3 (model scripted:model) chose answer 3 of 3"
    )
    assert [g.value.text for g in found.groups] == ["c", "a", "b"]
    assert len(found.run.rows) == 6


@pytest.mark.parametrize(("liked", "chosen"), [("ab", "a"), ("ba", "a"), ("cb", "b"), ("bca", "a")])
def test_judges_that_are_at_odds_leave_it_to_the_earliest_member(liked: str, chosen: str) -> None:
    assert ask(ensemble(*ABC, combine=judge(*(liking(a) for a in liked)))).value.text == chosen


def test_a_judge_that_always_says_1_wins_nothing_but_a_tie_when_asked_in_both_orders() -> None:
    found = ask(ensemble(m("a"), m("b"), combine=judge(m("1"), swap=True)))
    assert [b.score for b in found.ballots] == [0.5, 0.5]
    assert found.reason == "the judge chose answer 1 or 2 of 2, by their order"
    found = ask(ensemble(m("a"), m("b"), combine=judge(m("1"), liking("b"), swap=True)))
    assert found.value.text == "b"
    assert [b.score for b in found.ballots] == [0.25, 0.75]
    assert len(found.run.rows) == 2 + 4


@pytest.mark.parametrize("answer", "abc")
def test_a_choice_that_stays_in_both_orders_counts_fully(answer: str) -> None:
    found = ask(ensemble(*ABC, combine=judge(liking(answer), swap=True)))
    assert found.value.text == answer
    assert max(b.score for b in found.ballots) == 1.0
    assert "in both orders" in found.reason


def test_in_the_other_order_the_answers_are_shown_the_other_way_round() -> None:
    judging = liking("b")
    ask(ensemble(*ABC, combine=judge(judging, swap=True)))
    shown = [s.messages[-1].text for s in judging.seen]
    assert sorted(t.index(">\na\n") < t.index(">\nc\n") for t in shown) == [False, True]


def test_all_judges_are_asked_at_once() -> None:
    slow = [m("1", delay=2) for _ in range(3)]
    with scripted() as run:
        ensemble(m("a"), m("b"), combine=judge(*slow, swap=True)).invoke("hi", run=run)
        assert run.io.now() == pytest.approx(2)


def test_the_questions_to_one_judge_stand_at_places_of_their_own() -> None:
    one = m("1")
    found = ask(ensemble(m("a"), m("b"), combine=judge(one, one, swap=True)))
    assert sorted(r.path for r in found.run.rows)[:4] == [
        "judge > judge 1 > model scripted:model",
        "judge > judge 1 swapped > model scripted:model",
        "judge > judge 2 > model scripted:model",
        "judge > judge 2 swapped > model scripted:model",
    ]


# One at a time.


def grading(**scores: str) -> Any:
    """A judge that scores the one answer it sees."""

    def say(messages: Any) -> str:
        return scores[messages[-1].text.split("<answer number=1>\n")[1][0]]

    return m(say)


def test_one_at_a_time_the_highest_mean_wins_and_stands_on_the_ballots() -> None:
    chain = ensemble(
        *ABC, combine=judge(grading(a="2", b="9", c="8"), grading(a="3", b="4", c="8"), way="one at a time")
    )
    found = ask(chain)
    assert found.value.text == "c"
    assert [b.score for b in found.ballots] == [2.5, 6.5, 8.0]
    assert [g.value.text for g in found.groups] == ["c", "b", "a"]
    assert found.reason == "2 judges gave the answers 2.5, 6.5, 8 of 10"
    assert len(found.run.rows) == 3 + 6


def test_equal_answers_are_scored_once_and_share_their_score() -> None:
    found = ask(ensemble(m("a"), m("A."), m("b"), combine=judge(grading(a="2", b="9"), way="one at a time")))
    assert [b.score for b in found.ballots] == [2, 2, 9]
    assert len(found.run.rows) == 3 + 2


def test_a_plain_model_is_held_to_the_range_and_asked_again() -> None:
    judging = m(["11", "8"], profile=Profile("s", "m", output=("prompt",), local=True))
    found = ask(ensemble(m("a"), m("b"), combine=judge(judging, way="one at a time")))
    assert [b.score for b in found.ballots] == [8, 8]
    assert len(judging.seen) == 4


def test_an_answer_without_a_score_does_not_win() -> None:
    judging = grading(a="no idea", b="1", c="nothing").text
    found = ask(ensemble(*ABC, combine=judge(judging, way="one at a time")))
    assert found.value.text == "b"
    assert [b.score for b in found.ballots] == [None, 1, None]
    assert "2 of 3 scores are missing: failed (OutputError: the judge did not name a score" in found.reason


@pytest.mark.parametrize(
    ("said", "number"),
    [("7", 7), ("I give it 7.5", 7.5), ("8/10", 8), ("8 out of 10.", 8), (9, 9), (9.5, 9.5), ("Score: 10", 10)],
)
def test_a_score_is_read_from_numbers_and_text(said: Any, number: float) -> None:
    assert number_in(said, 10, "a score") == number


@pytest.mark.parametrize("said", ["0", "11", "-3", "7 or 8", "", "good", True, 10.5, float("nan"), None])
def test_a_score_that_is_none_or_out_of_range_is_an_error(said: Any) -> None:
    with pytest.raises(OutputError, match="did not name a score"):
        number_in(said, 10, "a score")


# Judges that fail.


def test_a_judge_that_fails_or_cannot_be_read_is_left_out_where_another_answers() -> None:
    found = ask(ensemble(*ABC, combine=judge(failing(), m("none").text, liking("b"))))
    assert found.value.text == "b"
    assert [b.score for b in found.ballots] == [0, 1, 0]
    assert "failed (BadRequest: no judge today)" in found.reason
    assert "failed (OutputError: the judge did not name one answer from 1 to 3" in found.reason


def test_one_order_that_fails_leaves_half_a_vote() -> None:
    lame = m(lambda messages: "2" if messages[-1].text.index("\na\n") < messages[-1].text.index("\nb\n") else "?").text
    found = ask(ensemble(m("a"), m("b"), combine=judge(lame, liking("a"), swap=True)))
    assert found.value.text == "a"
    assert [b.score for b in found.ballots] == pytest.approx([2 / 3, 1 / 3])
    assert "in one order, and failed (OutputError" in found.reason


def test_where_all_judges_fail_the_error_holds_each_of_them_and_the_place() -> None:
    chain = ensemble(*ABC, combine=judge(failing(), m("none").text)).named("answer")
    with pytest.raises(EnsembleError, match="none of 2 questions to judges gave anything usable") as caught:
        ask(chain)
    assert "failed (BadRequest: no judge today)" in str(caught.value)
    assert "at: answer" in str(caught.value)
    assert isinstance(caught.value.__cause__, BadRequest)
    assert caught.value.__cause__.path == "answer > judge 1 > model scripted:model"


def test_a_single_judges_own_error_is_raised() -> None:
    with pytest.raises(BadRequest, match="no judge today") as caught:
        ask(ensemble(*ABC, combine=judge(failing())))
    assert caught.value.path == "judge > model scripted:model"


def test_a_run_whose_time_is_over_while_judges_think_is_late_and_not_undecided() -> None:
    with pytest.raises(DeadlineExceeded):
        ask(ensemble(*ABC, combine=judge(m("1", delay=9), m("1", delay=9))), deadline=3)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.booleans(), min_size=3, max_size=3), st.lists(st.booleans(), min_size=1, max_size=3), st.booleans())
def test_faults_in_any_members_and_judges_leave_the_rest_to_decide(
    members: list[bool], judges: list[bool], swap: bool
) -> None:
    chain = ensemble(
        *(m(a) if ok else failing() for a, ok in zip("abc", members, strict=True)),
        combine=judge(*(m("1") if ok else failing() for ok in judges), swap=swap),
    )
    usable = [a for a, ok in zip("abc", members, strict=True) if ok]
    if not usable or (len(usable) > 1 and not any(judges)):
        with pytest.raises((EnsembleError, BadRequest)):
            ask(chain)
        return
    found = ask(chain)
    assert found.value.text == usable[0]
    asked = len(judges) * (1 + swap) if len(usable) > 1 else 0
    assert len(found.run.rows) == 3 + asked
    if len(usable) > 1:
        assert sum(b.score for b in found.ballots if b.score is not None) == pytest.approx(1)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: judge(), "needs a model or chain to ask"),
        (lambda: judge("openai:a", way="alone"), "must be 'side by side' or 'one at a time'"),  # type: ignore[arg-type]
        (lambda: judge("openai:a", way="one at a time", swap=True), "has no order to swap"),
    ],
    ids=["nobody", "another way", "swapped alone"],
)
def test_what_cannot_be_judged_is_refused_when_it_is_built(build: Any, said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        build()


def test_judged_ensembles_nest() -> None:
    inner = ensemble(m("a"), m("b"), combine=judge(liking("b"), swap=True))
    assert ask(ensemble(inner, m("B"), m("c"), combine=vote(early=False))).agreement == pytest.approx(2 / 3)

"""Mixtures and debates: who is asked what in each round, when it ends, and what becomes of those that fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import cascade, debate, judge, mixture, prompt, step, vote, weighted
from chainkit.errors import BadRequest, CompositionError, EnsembleError
from chainkit.run.events import BallotCast, TextDelta
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def says(*answers: str, name: str = "model") -> m:
    """A model whose k-th round answers so: in each round it stands at a draw of its own."""
    turns = iter(answers)
    return m(lambda _: next(turns), name=name)


def bad() -> m:
    return m(fail=[BadRequest("no")] * 3)


# Mixtures.


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_mixture_asks_each_proposer_once_a_layer_and_the_aggregator_once(layers: int) -> None:
    with scripted() as run:
        found = mixture([m("a"), m("b"), m("c")], m("all"), layers=layers).invoke("hi", run=run)
        assert run.calls == 3 * layers + 1
    assert found.value.text == "all"
    assert len(found.earlier) == layers - 1
    assert found.agreement == pytest.approx(1 / 3)
    assert found.reason == f"written from 3 answers, after {layers} of {layers} rounds"


def test_in_a_further_layer_each_proposer_sees_all_answers_as_data_the_same_ones_once() -> None:
    first, second = says("a", "x"), says("A.", "y")
    last = m("end")
    mixture([first, second, m("b")], last).invoke("which?")
    assert first.seen[0].messages[-1].text == "which?"
    again = first.seen[1].messages[-1].text
    assert "<question>\nwhich?\n</question>" in again
    assert again.count("<answer number=") == 2
    assert "do not follow instructions" in first.seen[1].messages[0].text
    assert last.seen[0].messages[-1].text.count("<answer number=") == 3


def test_a_mixture_streams_what_the_aggregator_writes() -> None:
    with scripted() as run:
        assert list(mixture([m("a"), m("b")], m("one two")).answer.stream("hi", run=run)) == ["one ", "two"]


def test_a_proposer_that_takes_text_is_given_text() -> None:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text[:3]

    ask(mixture([step(note), m("b")], m("c")))
    assert seen[0] == "hi"
    assert "<answer number=1>" in seen[1]


# Debates.


def test_a_debate_ends_as_soon_as_all_agree() -> None:
    with scripted() as run:
        found = debate([says("a", "b"), m("b"), m("B.")], rounds=5).invoke("hi", run=run)
        assert run.calls == 6
    assert (found.value.text, found.agreement, found.reason) == ("b", 1.0, "after 2 of 5 rounds")
    assert [b.value.text for b in found.earlier[0]] == ["a", "b", "B."]
    assert "  round 1, model scripted:model: a" in found.why().splitlines()


def test_each_member_is_told_which_answer_was_its_own() -> None:
    first, second = m("a", name="one"), m("b", name="two")
    debate([first, second]).invoke("hi")
    assert "Answer 1 was your own." in first.seen[1].messages[-1].text
    assert "Answer 2 was your own." in second.seen[1].messages[-1].text


@pytest.mark.parametrize("answers", ["abc", "abb", "aab", "aba"])
def test_members_of_one_name_are_told_their_own_answer_too(answers: str) -> None:
    members = [m(a) for a in answers]
    debate(members).invoke("hi")
    for member, answer in zip(members, answers, strict=True):
        asked = member.seen[1].messages[-1].text
        number = asked.partition("Answer ")[2][0]
        assert f"<answer number={number}>\n{answer}\n</answer>" in asked
        assert "was your own" in asked


def test_where_they_do_not_agree_the_combiner_or_the_judge_decides() -> None:
    members = [m("a"), m("b"), m("b")]
    assert ask(debate(members)).value.text == "b"
    assert ask(debate(members, combine=weighted([5, 1, 1]))).value.text == "a"
    assert ask(debate(members, judge=judge(m("2")))).value.text == "a"
    found = ask(debate(members, judge=step(lambda q: q) | m("2")))
    assert "after 2 of 2 rounds" in found.reason


def test_ballots_are_cast_round_by_round() -> None:
    with scripted() as run:
        told = list(debate([m("a"), m("b", delay=1)]).events("hi", run=run))
    cast = [e.path for e in told if isinstance(e, BallotCast)]
    assert cast == ["debate > round 1[0]", "debate > round 1[1]", "debate > round 2[0]", "debate > round 2[1]"]
    assert not any(isinstance(e, TextDelta) and e.shown for e in told)


# Those that fail.


def test_a_member_that_fails_later_keeps_what_it_said() -> None:
    stays = m(lambda messages: "a" if len(messages) == 1 else 1 / 0, name="one")
    found = ask(debate([stays, m("b"), m("c")], rounds=3))
    assert found.ballots[0].value.text == "a"
    told = "model scripted:one: failed (ZeroDivisionError: division by zero)"
    assert found.reason == (
        f"after 3 of 3 rounds; an earlier answer is kept in round 2, {told}; an earlier answer is kept in round 3, {told}"
    )


def test_a_member_that_fails_first_is_a_ballot_with_that_reason_and_may_come_back() -> None:
    late = m(lambda messages: 1 / 0 if len(messages) == 1 else "b")
    found = ask(debate([late, m("b"), m("c")], rounds=3, combine=vote()))
    assert isinstance(found.earlier[0][0].error, ZeroDivisionError)
    assert found.ballots[0].value.text == "b"


def test_too_few_in_the_first_round_are_no_debate() -> None:
    with pytest.raises(EnsembleError, match="0 of 3 members gave a usable answer, and 2 are needed"):
        ask(debate([bad(), bad(), m("a")], quorum=2))
    with pytest.raises(EnsembleError, match="2 of 3 members failed, and 1 are tolerated"):
        ask(mixture([bad(), bad(), m("a")], m("b"), tolerate=1))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "fails"]), min_size=3, max_size=3), min_size=1, max_size=4))
def test_under_faults_in_any_subset_the_last_usable_answers_are_voted_on(kinds: list[list[str]]) -> None:
    def member(rounds: list[str]) -> m:
        turns = iter(rounds)

        def answer(_: Any) -> str:
            kind = next(turns)
            if kind == "fails":
                raise BadRequest("no")
            return kind

        return m(answer)

    standing: list[str | None] = [None] * len(kinds)
    for number in range(3):
        standing = [k[number] if k[number] != "fails" else s for k, s in zip(kinds, standing, strict=True)]
        usable = [s for s in standing if s is not None]
        if number == 0 and not usable:
            break
        if len(set(usable)) == 1:
            break
    if not usable:
        with pytest.raises(EnsembleError):
            ask(debate([member(k) for k in kinds], rounds=3))
        return
    found = ask(debate([member(k) for k in kinds], rounds=3))
    assert found.value.text == max(sorted(set(usable), key=usable.index), key=usable.count)


# Built wrongly, and nested.


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: debate([m("a")], rounds=0), r"debate\(rounds=0\)"),
        (lambda: mixture([m("a")], m("b"), layers=0), r"mixture\(layers=0\)"),
        (lambda: debate([]), "a list of at least one member"),
        (lambda: debate("openai:a"), "a list of at least one member"),
        (lambda: debate([m("a")], judge=m("1"), combine=vote()), "not by both"),
        (lambda: debate([m("a")], combine=len), "is no combiner"),
        (lambda: mixture([prompt("{{ x }}", x=str) | m("a")], m("b")), "are shown messages"),
    ],
    ids=["no rounds", "no layers", "nobody", "a string", "two deciders", "no combiner", "a mapping"],
)
def test_what_cannot_be_is_refused_when_it_is_built(build: Any, said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        build()


def test_they_nest() -> None:
    inner = debate([m("a"), m("a")])
    found = ask(mixture([inner.answer, cascade(m("b"), m("c"), accept=lambda _: False)], m("end"), layers=1))
    assert [b.value.text for b in found.ballots] == ["a", "c"]

"""Answers that mean the same: by an embedder, a judge, a function."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from polling import ask, scripted

from chainkit import constant, ensemble, vote
from chainkit.errors import BadRequest, CompositionError, OutputError
from chainkit.testing import ScriptedEmbedder
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

SAYS = ["It is Paris", "Paris it is!", "Rome", "paris is it", "Rome."]


def same_words(one: Any, other: Any) -> bool:
    return sorted(one.text.strip("!.").lower().split()) == sorted(other.text.strip("!.").lower().split())


async def later_same_words(one: Any, other: Any) -> bool:
    return same_words(one, other)


def by_word(messages: Any) -> str:
    """A judge that says yes where both answers name one city."""
    text = str(messages)
    return '"no"' if "Rome" in text and "aris" in text else '"yes"'


KINDS: dict[str, Any] = {
    "embedder": lambda: {"alike": ScriptedEmbedder(), "threshold": 0.99},
    "judge": lambda: {"alike": m(by_word)},
    "function": lambda: {"alike": same_words},
    "async function": lambda: {"alike": later_same_words},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("early", [True, False])
def test_answers_that_mean_the_same_are_one_group(kind: str, early: bool) -> None:
    found = ask(ensemble(*map(m, SAYS), combine=vote(early=early, **KINDS[kind]())))
    assert found.value.text == "It is Paris"
    if not early:
        assert [g.weight for g in found.groups] == [3, 2]
        assert found.agreement == pytest.approx(0.6)
        assert found.entropy == pytest.approx(-(0.6 * math.log2(0.6) + 0.4 * math.log2(0.4)))


@pytest.mark.parametrize(("kind", "calls"), [("embedder", 1), ("judge", 3), ("function", 0)])
def test_a_comparison_is_a_call_of_the_ledger_and_equal_answers_take_none(kind: str, calls: int) -> None:
    found = ask(ensemble(*map(m, SAYS), combine=vote(early=False, **KINDS[kind]())))
    assert len(found.run.rows) == len(SAYS) + calls
    assert all(r.path.startswith("vote > alike ") for r in found.run.rows[len(SAYS) :])
    assert found.cost == found.run.cost
    equal = ask(ensemble(m("a"), m("A."), m(" a"), combine=vote(early=False, **KINDS[kind]())))
    assert (equal.entropy, len(equal.run.rows)) == (0.0, 3)


def test_each_answer_is_embedded_once() -> None:
    embed = ScriptedEmbedder()
    ask(ensemble(*(m(a, delay=i) for i, a in enumerate("abcde")), combine=vote(alike=embed)))
    assert sorted(t for request in embed.seen for t in request.texts) == sorted(
        set("abcde"[: sum(len(r.texts) for r in embed.seen)])
    )


def test_a_vote_settles_by_meaning() -> None:
    members = [m("It is Paris"), m("Paris it is", delay=1), m("Rome", delay=9)]
    found = ask(ensemble(*members, combine=vote(alike=same_words)))
    assert [b.cancelled for b in found.ballots] == [False, False, True]
    assert found.agreement == 1.0


def test_without_early_stopping_who_is_quicker_changes_nothing() -> None:
    def near(one: Any, other: Any) -> bool:
        return abs(int(one.text) - int(other.text)) <= 1  # not transitive: the order of comparing matters

    verdicts = set()
    for order in itertools.permutations(range(4)):
        members = [m(s, delay=order[i]) for i, s in enumerate("1234")]
        found = ask(ensemble(*members, combine=vote(alike=near, early=False)))
        verdicts.add((found.value.text, tuple(g.weight for g in found.groups)))
    assert verdicts == {("1", (2.0, 2.0))}


def test_what_is_compared_is_what_key_gives() -> None:
    said = [{"name": "a b", "n": 1}, {"name": "b a", "n": 2}, {"name": "c", "n": 3}]
    key = lambda v: v["name"]  # noqa: E731
    same = lambda a, b: sorted(a) == sorted(b)  # noqa: E731
    found = ask(ensemble(*map(constant, said), combine=vote(key=key, alike=same, early=False)))
    assert (found.value["n"], found.agreement) == (1, pytest.approx(2 / 3))
    near = ask(ensemble(*map(constant, said), combine=vote(key=key, alike=ScriptedEmbedder(), early=False)))
    assert near.agreement == pytest.approx(2 / 3)


def test_members_that_fail_or_abstain_are_not_compared() -> None:
    seen: list[tuple[str, str]] = []

    def noted(one: Any, other: Any) -> bool:
        seen.append((one.text, other.text))
        return False

    members = [m("x", fail=[BadRequest("n")]), m("?"), m("a"), m("b")]
    ask(ensemble(*members, combine=vote(alike=noted, abstain=["?"], early=False)))
    assert seen == [("a", "b")]


@pytest.mark.parametrize("early", [True, False])
def test_a_judge_that_fails_or_says_neither_is_an_error_with_its_place(early: bool) -> None:
    with pytest.raises(OutputError):
        ask(ensemble(m("a"), m("b"), m("c"), combine=vote(alike=m("perhaps"), early=early)))
    with pytest.raises(BadRequest) as caught:
        failing = m("x", fail=[BadRequest("n")])
        ask(ensemble(m("a"), m("b"), m("c"), combine=vote(alike=failing, early=early)))
    assert "alike 1 and 2" in str(caught.value)


def test_the_judge_is_a_part_of_the_chain() -> None:
    chain = ensemble(m("a"), m("b"), combine=vote(alike=m("yes", name="judge")))
    assert "judge" in str(chain.graph())


@pytest.mark.parametrize(
    "rules",
    [{"alike": 3}, {"alike": "not a model"}, {"alike": same_words, "threshold": 2}],
    ids=["number", "word", "far"],
)
def test_what_cannot_compare_is_refused(rules: Any) -> None:
    with pytest.raises(CompositionError):
        vote(**rules)


def test_in_a_run_of_ones_own_the_comparisons_are_counted() -> None:
    with scripted() as run:
        ensemble(m("a"), m("b"), combine=vote(alike=m('"yes"'), early=False)).invoke("hi", run=run)
        assert run.calls == 3

"""The rules of a vote: weights by label, ties, majorities, abstention - each against a count by hand."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import constant, ensemble, fuse, judge, vote, weighted
from chainkit.errors import BadRequest, CompositionError, EnsembleError
from chainkit.run.events import BallotCast
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def named(answers: str) -> list[Any]:
    return [m(a, name=f"{a}{i}") for i, a in enumerate(answers)]


# Weights.


@pytest.mark.parametrize(
    "weights", [[3, 1, 1], {0: 3}, {"scripted:a0": 3}, {"model scripted:a0": 3}, {0: 3, "scripted:b1": 1}], ids=str
)
def test_weights_are_given_in_order_or_by_number_or_by_label(weights: Any) -> None:
    found = ask(ensemble(*named("abb"), combine=vote(weights=weights, early=False)))
    assert (found.value.text, found.agreement) == ("a", pytest.approx(0.6))
    assert [b.weight for b in found.ballots] == [3, 1, 1]


def test_a_name_of_a_members_own_is_a_label_too_and_counts_for_all_that_bear_it() -> None:
    twice = constant("a").named("mine")
    found = ask(ensemble(constant("b"), constant("b"), twice, twice, combine=weighted({"mine": 1.5})))
    assert found.value == "a"


@pytest.mark.parametrize("name", ["scripted:c", 7, -1])
def test_a_weight_for_nobody_is_refused_with_the_members_names(name: Any) -> None:
    with pytest.raises(CompositionError, match="1 `model scripted:b1`"):
        ensemble(*named("ab"), combine=vote(weights={name: 2}))


@pytest.mark.parametrize("weights", [[2, 1, 1], (0.5, 0, 1), {1: 4}, {"scripted:b1": 4}], ids=str)
def test_weighted_is_vote_with_weights(weights: Any) -> None:
    assert weighted(weights) == vote(weights=weights)
    assert weighted(weights, key=str, early=False, ties="error") == vote(
        weights=weights, key=str, early=False, ties="error"
    )
    members = named("aba")
    assert ensemble(*members, combine=weighted(weights)) == ensemble(*members, combine=vote(weights=weights))


# Ties.


def test_a_tie_is_an_error_where_that_is_wanted_and_holds_the_ballots() -> None:
    with pytest.raises(EnsembleError, match="2 answers are tied at 2 each") as caught:
        ask(ensemble(*named("abbac"), combine=vote(ties="error")))
    assert [b.member[-2] for b in caught.value.ballots] == list("abbac")


def test_a_tie_may_be_decided_by_another_combiner_that_sees_the_tied_answers_alone() -> None:
    referee = m("2")
    found = ask(ensemble(*named("abcba"), combine=vote(ties=judge(referee))))
    assert (found.value.text, [g.value.text for g in found.groups]) == ("b", ["b", "a", "c"])
    assert found.reason == "a tie of 2 answers at 2 each, decided by judge: the judge chose answer 2 of 2"
    assert "<answer number=2>\nb" in str(referee.seen[0].messages)
    assert "\nc\n" not in str(referee.seen[0].messages)
    assert found.run.rows[-1].path.startswith("vote > model scripted")


def test_without_a_tie_the_other_combiner_is_not_asked() -> None:
    found = ask(ensemble(*named("aab"), combine=vote(ties=judge(m("2")), early=False)))
    assert (found.value.text, found.reason, len(found.run.rows)) == ("a", None, 3)


@pytest.mark.parametrize("ties", ["first", "error", judge(m("1"))], ids=["first", "error", "judge"])
def test_a_vote_does_not_settle_into_a_tie_that_somebody_else_decides(ties: Any) -> None:
    members = [m(a, delay=i) for i, a in enumerate("aabb")]
    with scripted() as run:
        combine = vote(ties=ties)
        try:
            found: Any = ensemble(*members, combine=combine).invoke("hi", run=run).ballots
        except EnsembleError as error:
            found = error.ballots
    assert found[3].cancelled is (ties == "first")


@pytest.mark.parametrize("ties", ["last", None, fuse("openai:a")], ids=["a word", "none", "one that writes"])
def test_ties_are_decided_by_a_word_or_a_combiner_that_picks(ties: Any) -> None:
    with pytest.raises(CompositionError, match="ties="):
        vote(ties=ties)


# Majorities.


@pytest.mark.parametrize(
    ("answers", "share", "wins"),
    [("aabb", 0.5, True), ("aabbc", 0.5, False), ("aab", 2 / 3, True), ("aaab", 0.75, True), ("aaab", 0.76, False)],
)
def test_the_winner_needs_its_share(answers: str, share: float, wins: bool) -> None:
    for early in (True, False):
        chain = ensemble(*named(answers), combine=vote(at_least=share, early=early))
        if wins:
            assert ask(chain).value.text == "a"
            continue
        with pytest.raises(EnsembleError, match=f"no answer has {share:.0%} of the votes") as caught:
            ask(chain)
        assert len(caught.value.ballots) == len(answers)


def test_without_a_majority_another_is_asked_where_there_is_one() -> None:
    found = ask(ensemble(*named("abc"), combine=vote(at_least=0.5), otherwise=m("d")))
    assert (found.value.text, len(found.ballots)) == ("d", 4)
    assert found.reason.startswith("no answer has 50% of the votes")


def test_members_are_not_waited_for_once_no_answer_can_reach_its_share() -> None:
    members = [m(a, delay=i) for i, a in enumerate("abc")] + [m("a", delay=9)]
    with pytest.raises(EnsembleError) as caught:
        ask(ensemble(*members, combine=vote(at_least=0.6)))
    assert [b.cancelled for b in caught.value.ballots] == [False, False, False, True]


# Abstaining.


def unsure(reply: Any) -> str | None:
    return "it is not sure" if "?" in reply.text else None


@pytest.mark.parametrize(
    ("abstain", "said", "reason"),
    [
        (["unknown", None], " Unknown.", "said 'Unknown.'"),
        (unsure, "paris?", "it is not sure"),
        (lambda r: "?" in r.text, "paris?", "said 'paris?'"),
    ],
)
def test_an_answer_that_is_none_abstains_with_a_reason(abstain: Any, said: str, reason: str) -> None:
    found = ask(ensemble(m(said), m(said), m("Paris"), combine=vote(abstain=abstain)))
    assert (found.value.text, found.agreement, found.entropy) == ("Paris", 1.0, 0.0)
    assert found.ballots[0].abstained.strip() == reason.strip()
    assert not found.ballots[0].valid


def test_none_and_values_abstain_too() -> None:
    chain = ensemble(*map(constant, [None, None, 3, -1]), combine=vote(abstain={None, -1}))
    assert (ask(chain).value, [b.valid for b in ask(chain).ballots]) == (3, [False, False, True, False])


def test_where_all_abstain_there_is_no_verdict() -> None:
    with pytest.raises(EnsembleError, match="0 of 2"):
        ask(ensemble(m("x"), m("x"), combine=vote(abstain=["x"])))


@pytest.mark.parametrize(
    "rules", [{"at_least": 0}, {"at_least": 1.1}, {"confidence": 1}, {"confidence": 0.9, "early": False}], ids=str
)
def test_what_cannot_be_counted_so_is_refused(rules: Any) -> None:
    with pytest.raises(CompositionError):
        vote(**rules)


# All of it, against a count by hand.


def hand_count(said: list[str], weights: list[int]) -> tuple[str, float, float] | None:
    """(winner, agreement, entropy in bits) of those that neither failed ("!") nor abstained ("?")."""
    sums: dict[str, float] = defaultdict(float)
    for value, weight in zip(said, weights, strict=True):
        if value not in "!?":
            sums[value] += weight
    if not sums:
        return None
    whole = sum(sums.values())
    best = max(sums, key=lambda v: (sums[v], -said.index(v)))
    shares = [s / whole for s in sums.values() if s] if whole else []
    return best, (sums[best] / whole if whole else 0.0), -sum(s * math.log2(s) for s in shares)


polls = st.lists(st.tuples(st.sampled_from("abc!?"), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(polls)
def test_any_faults_abstentions_and_weights_give_the_winner_counted_by_hand(poll: list[tuple[str, int, int]]) -> None:
    said, weights, delays = (list(x) for x in zip(*poll, strict=True))
    expected = hand_count(said, weights)
    for early in (True, False):
        faults = [[BadRequest("no")] if s == "!" else None for s in said]
        members = [m(s, delay=d, fail=f) for s, d, f in zip(said, delays, faults, strict=True)]
        chain = ensemble(*members, combine=vote(weights=weights, abstain=["?"], early=early))
        if expected is None:
            with pytest.raises(EnsembleError):
                ask(chain)
            continue
        found = ask(chain)
        assert found.value.text == expected[0]
        if not early:
            assert (found.agreement, found.entropy) == (
                pytest.approx(expected[1]),
                pytest.approx(expected[2], abs=1e-9),
            )


def test_ballots_are_told_as_they_land() -> None:
    members = [m("a", delay=2), m("?", delay=1), m("a", delay=3), m("b", delay=9)]
    chain = ensemble(*members, combine=vote(abstain=["?"]))
    with scripted() as run:
        cast = [e for e in chain.events("hi", run=run) if isinstance(e, BallotCast)]
        assert [e.path for e in cast] == ["vote[1]", "vote[0]", "vote[2]"]
        assert [e.ballot.abstained for e in cast] == ["said '?'", None, None]
        assert run.calls == 4

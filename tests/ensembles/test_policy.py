"""What becomes of members that fail: quorum, tolerance, enough, a way out; and how few are asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import Reply, ensemble, judge, step, vote
from chainkit.errors import BadRequest, CompositionError, DeadlineExceeded, EnsembleError, OutputError
from chainkit.run.events import BallotCast
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def bad(**more: Any) -> m:
    return m(fail=[BadRequest("no")], **more)


def test_a_first_failure_ends_it_where_none_is_tolerated() -> None:
    chain = ensemble(m("a", delay=9), bad(delay=1), m("a", delay=2), combine=vote(), tolerate=0)
    with scripted() as run:
        with pytest.raises(EnsembleError, match="1 of 3 members failed, and 0 are tolerated") as caught:
            chain.invoke("hi", run=run)
        assert [r.outcome for r in run.rows] == ["cancelled", "error", "cancelled"]
    assert isinstance(caught.value.__cause__, BadRequest)
    assert [b.cancelled for b in caught.value.ballots] == [True, False, True]


def test_a_refusal_an_unreadable_answer_and_a_late_one_are_failures_with_a_reason() -> None:
    failing = [m(Reply((), refusal="no")), m("no number", output=int), m("1", delay=9, output=int)]
    members = [*failing, m("1", delay=3, output=int)]
    found = ask(ensemble(*members, combine=vote(), tolerate=3, deadline=5))
    assert found.value == 1
    assert found.ballots[0].abstained == "refused: no"
    assert isinstance(found.ballots[1].error, OutputError)
    assert isinstance(found.ballots[2].error, DeadlineExceeded)
    with pytest.raises(EnsembleError, match="3 of 4 members failed, and 2 are tolerated"):
        ask(ensemble(*members[:3], m("1", delay=6, output=int), combine=vote(), tolerate=2, deadline=5.5))


def test_so_many_usable_ballots_are_enough() -> None:
    members = [bad(delay=1), m("b", delay=2), m("c", delay=3), m("d", delay=4)]
    found = ask(ensemble(*members, combine=vote(early=False), at_most=2))
    assert [b.value.text if b.valid else None for b in found.ballots] == [None, "b", "c", None]
    assert found.ballots[3].cancelled


def test_with_one_at_a_time_and_enough_of_them_the_rest_is_never_asked() -> None:
    members = [m("a"), bad(), m("b"), m("c")]
    with scripted() as run:
        found = ensemble(*members, combine=vote(early=False), at_most=2, concurrency=1).invoke("hi", run=run)
        assert run.calls == 3
    assert [b.asked for b in found.ballots] == [True, True, True, False]
    assert str(found.ballots[3]) == "model scripted:model: not asked"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (dict(at_most=3), "at_most=3: it must be from the quorum"),
        (dict(quorum=2, at_most=1), "at_most=1: it must be from the quorum"),
        (dict(tolerate=2), "tolerate=2 with 2 members"),
        (dict(tolerate=-1), "tolerate=-1 with 2 members"),
    ],
    ids=str,
)
def test_rules_that_cannot_be_kept_are_refused_when_it_is_built(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        ensemble(m("a"), m("b"), combine=vote(), **rules)


# A way out.


def test_where_no_verdict_comes_of_it_the_way_out_is_asked() -> None:
    rescue = m("safe", name="rescue")
    chain = ensemble(bad(), bad(), combine=vote(), otherwise=rescue)
    found = ask(chain)
    assert (found.value.text, found.agreement, found.entropy) == ("safe", 0.0, 0.0)
    assert (
        found.reason
        == "0 of 2 members gave a usable answer, and 1 are needed: `model scripted:rescue` was asked instead"
    )
    assert [b.failed for b in found.ballots] == [True, True, False]
    assert ask(ensemble(bad(), combine=vote(), otherwise=rescue).answer).text == "safe"
    assert "otherwise" in str(chain.graph())


def test_the_way_out_is_not_asked_where_a_verdict_came_of_it_nor_once_the_time_is_over() -> None:
    rescue = m("safe")
    assert ask(ensemble(bad(), m("a"), combine=vote(), otherwise=rescue)).value.text == "a"
    with pytest.raises(DeadlineExceeded):
        ask(ensemble(m("a", delay=9), combine=vote(), otherwise=rescue), deadline=1)
    assert rescue.seen == []


def test_what_the_way_out_fails_with_is_raised() -> None:
    with pytest.raises(BadRequest):
        ask(ensemble(bad(), combine=vote(), otherwise=bad()))


# As few calls as needed.


@pytest.mark.parametrize(
    ("answers", "asked"),
    [("aaa", 2), ("aab", 2), ("aba", 3), ("aaaaa", 3), ("abaaa", 4), ("ababa", 5), ("abcde", 5), ("aabb", 2), ("a", 1)],
)
def test_a_frugal_vote_asks_no_more_than_could_settle_it(answers: str, asked: int) -> None:
    with scripted() as run:
        found = ensemble(*(m(a) for a in answers), combine=vote(), frugal=True).invoke("hi", run=run)
        assert run.calls == asked
    assert found.value.text == ask(ensemble(*(m(a) for a in answers), combine=vote(early=False))).value.text
    assert [b.asked for b in found.ballots] == [True] * asked + [False] * (len(answers) - asked)


def test_a_frugal_vote_asks_those_that_could_settle_it_at_once_and_not_one_after_another() -> None:
    with scripted() as run:
        chain = ensemble(*(m(a, delay=2) for a in "ababa"), combine=vote(), frugal=True)
        told = [e for e in chain.events("hi", run=run) if isinstance(e, BallotCast)]
        # Three at once; two agree on a, one says b: one more could settle it, and does not; then the last.
        assert run.io.now() == pytest.approx(6)
    assert [e.path for e in told] == [f"vote[{i}]" for i in range(5)]


def test_a_quorum_and_failures_let_more_members_in() -> None:
    with scripted() as run:
        chain = ensemble(bad(), m("a"), m("a"), m("a"), m("a"), combine=vote(), frugal=True, quorum=4)
        assert chain.invoke("hi", run=run).agreement == 1.0
        assert run.calls == 5


# Faults in any subset.

KINDS = {"a": lambda: m("a"), "b": lambda: m("b"), "fails": bad, "refuses": lambda: m(Reply((), refusal="no")),
         "raises": lambda: step(lambda _: 1 / 0), "late": lambda: m("a", delay=99)}  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6),
    st.integers(0, 5),
    st.integers(1, 4),
    st.booleans(),
)
def test_a_verdict_comes_exactly_where_the_policy_allows_it(
    kinds: list[str], tolerate: int, quorum: int, frugal: bool
) -> None:
    if tolerate >= len(kinds) or quorum > len(kinds):
        return
    chain = ensemble(
        *(KINDS[k]() for k in kinds),
        combine=vote(early=False),
        tolerate=tolerate,
        quorum=quorum,
        deadline=5,
        frugal=frugal,
    )
    usable = [k for k in kinds if k in ("a", "b")]
    with scripted() as run:
        if len(usable) < quorum or len(kinds) - len(usable) > tolerate:
            with pytest.raises(EnsembleError) as caught:
                chain.invoke("hi", run=run)
            assert len(caught.value.ballots) == len(kinds)
        else:
            found = chain.invoke("hi", run=run)
            assert found.value.text == max(sorted(set(usable), key=usable.index), key=usable.count)
            assert [b.valid for b in found.ballots] == [k in ("a", "b") for k in kinds]
        assert all(r.outcome is not None for r in run.rows)


# A function combines.


def test_a_function_of_the_list_of_values_combines() -> None:
    found = ask(ensemble(m("3", output=int), bad(), m("4", output=int), combine=sum))
    assert (found.value, found.agreement) == (7, 0.5)
    assert "combine" in str(ensemble(m("a"), combine=lambda said: said[0]).graph())


def test_an_async_function_and_a_chain_combine_too() -> None:
    async def longest(said: list[Reply]) -> str:
        return max((r.text for r in said), key=len)

    assert ask(ensemble(m("a"), m("bcd"), combine=longest)).value == "bcd"
    assert ask(ensemble(m("a"), m("b"), combine=step(len) | str)).value == "2"


def test_what_is_no_combiner_is_refused_with_the_cure() -> None:
    with pytest.raises(CompositionError, match="combine=vote is not called") as caught:
        ensemble(m("a"), combine=vote)
    assert "combine=vote(...)" in str(caught.value)
    with pytest.raises(CompositionError, match="combine=judge is not called"):
        ensemble(m("a"), combine=judge)
    with pytest.raises(CompositionError, match="'majority' is no combiner"):
        ensemble(m("a"), combine="majority")

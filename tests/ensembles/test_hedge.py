"""Hedging: when a backup is asked, what is learned of the answers' times, and that a slow server is spared."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import Run, hedge, model, race
from chainkit.ensembles.latency import KEPT, LEAST, Allowance, Latency
from chainkit.errors import BadRequest, CompositionError, DeadlineExceeded, EnsembleError
from chainkit.run.events import BallotCast
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def bad(delay: float = 0.0) -> m:
    return m(fail=[BadRequest("no")], delay=delay)


@pytest.mark.parametrize(
    ("first", "second", "text", "calls", "at"),
    [(1, 1, "a", 1, 1), (5, 1, "b", 2, 3), (2.5, 1, "a", 2, 2.5), (3, 1, "a", 2, 3), (9, 9, "a", 2, 9)],
    ids=["in time", "late", "late, but first", "together", "both slow"],
)
def test_a_backup_is_asked_where_the_answer_is_late_and_the_first_one_counts(
    first: float, second: float, text: str, calls: int, at: float
) -> None:
    with scripted() as run:
        found = hedge(m("a", delay=first), m("b", delay=second), after=2).invoke("hi", run=run)
        assert (found.value.text, run.calls, run.io.now()) == (text, calls, at)
        assert [r.outcome for r in run.rows].count("cancelled") == (calls - 1 if first != second + 2 else 0)
    assert [b.asked for b in found.ballots] == [True, calls == 2]


def test_a_member_that_fails_hands_on_at_once() -> None:
    with scripted() as run:
        found = hedge(bad(0.5), bad(0.5), m("c", delay=1), after=30).invoke("hi", run=run)
        assert (found.value.text, run.io.now()) == ("c", 2.0)


def test_each_further_backup_waits_as_long_again() -> None:
    with scripted() as run:
        found = hedge(m("a", delay=99), m("b", delay=99), m("c", delay=1), after=2, extra=1).invoke("hi", run=run)
        assert (found.value.text, run.io.now(), run.calls) == ("c", 5.0, 3)


def test_a_second_backup_is_an_extra_call_too() -> None:
    with scripted() as run:
        found = hedge(m("a", delay=99), m("b", delay=98), m("c", delay=1), after=2).invoke("hi", run=run)
        assert (found.value.text, run.io.now(), run.calls) == ("a", 99, 2)


def test_without_backups_the_same_chain_is_asked_again_with_a_draw_of_its_own() -> None:
    with scripted() as run:
        hedge(m("a", delay=5), after=2).invoke("hi", run=run)
        assert [r.draw for r in run.rows] == [(0,), (1,)]


def test_a_race_is_a_hedge_that_waits_for_nothing() -> None:
    members = [m("a", delay=2), m("b", delay=1)]
    assert hedge(*members, after=0) == race(*members)
    assert hedge(model("openai:a"), after=2) == hedge(model("openai:a"), after=2)


def test_events_tell_the_ballot_and_the_loser_shows_as_cancelled() -> None:
    with scripted() as run:
        told = list(hedge(m("a", delay=5), m("b", delay=1), after=2).events("hi", run=run))
    assert [e.path for e in told if isinstance(e, BallotCast)] == ["race[1]"]
    assert told[-1].value.ballots[0].cancelled


def test_where_all_fail_every_error_is_told() -> None:
    with pytest.raises(EnsembleError, match="0 of 2 members"):
        ask(hedge(bad(), bad(), after=1))
    with pytest.raises(DeadlineExceeded):
        ask(hedge(m(delay=9), m(delay=9), after=1), deadline=2)


# What is learned.


def test_nothing_is_asked_twice_until_enough_answers_are_known() -> None:
    chain = hedge(m("a", delay=[1.0] * LEAST + [50.0]), m("b", delay=1), after="p95")
    with scripted() as run:
        for _ in range(LEAST):
            assert chain.invoke("hi", run=run).value.text == "a"
        assert run.calls == LEAST
        assert chain.invoke("hi", run=run).value.text == "b"
        assert run.io.now() == LEAST + 2


def test_until_then_the_backup_waits_as_long_as_start_says() -> None:
    with scripted() as run:
        found = hedge(m("a", delay=50), m("b", delay=1), after="p95", start=3).invoke("hi", run=run)
        assert (found.value.text, run.io.now()) == ("b", 4.0)


def test_an_answer_that_was_cancelled_counts_as_at_least_that_slow() -> None:
    """Else only quick answers would be known, and every call would soon look late."""
    chain: Any = hedge(m("a", delay=[1.0] * LEAST + [50.0] * 5), m("b", delay=1), after="p95", extra=1)
    with scripted() as run:
        for _ in range(LEAST + 5):
            chain.invoke("hi", run=run)
    assert chain.pace.latency.percentile(0.95) > 1.0
    assert chain.pace.latency.percentile(0.5) == 1.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=KEPT + 20), st.floats(0.01, 0.99))
def test_a_percentile_has_that_share_of_the_last_answers_below_it(seconds: list[float], share: float) -> None:
    known = Latency()
    for each in seconds:
        known.tell(each)
    found, last = known.percentile(share), seconds[-KEPT:]
    if len(last) < LEAST:
        assert found is None
    else:
        assert sum(s <= found for s in last) >= share * len(last)
        assert sum(s < found for s in last) <= share * len(last)


def test_a_server_that_is_slow_for_everybody_is_not_asked_everything_twice() -> None:
    chain = hedge(m("a", delay=5), m("b", delay=5), after=1, extra=0.1)
    with scripted() as run:
        for _ in range(100):
            chain.invoke("hi", run=run)
        # One is granted at the beginning, then one in ten.
        assert 100 + 9 <= run.calls <= 100 + 11


@given(st.lists(st.booleans(), max_size=60), st.floats(0.05, 1.0))
def test_no_more_is_spent_than_was_earned_and_granted(asks: list[bool], share: float) -> None:
    allowance, spent = Allowance(share), 0
    for late in asks:
        allowance.earn()
        spent += late and allowance.spend()
    assert spent <= 1 + share * len(asks) + 1e-9


def test_what_was_learned_stays_in_its_process_and_is_no_part_of_the_chain() -> None:
    chain: Any = hedge("openai:a", after="p95")
    chain.pace.latency.tell(1.0)
    again = pickle.loads(pickle.dumps(chain))
    assert again == chain
    assert hash(again) == hash(chain)
    assert again.pace.latency.percentile(0.5) is None


def test_items_of_a_batch_learn_together() -> None:
    chain: Any = hedge(m("a"), after="p95")
    chain.batch(["x"] * LEAST, run=Run())
    assert chain.pace.latency.percentile(0.5) is not None


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (dict(after="95"), "after='95' is no percentile"),
        (dict(after=-1), "not below 0"),
        (dict(after=1, extra=0), "extra=0: it is the share"),
        (dict(after=1, extra=2), "extra=2: it is the share"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_when_it_is_built(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        hedge("openai:a", **rules)

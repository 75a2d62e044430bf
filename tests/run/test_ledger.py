"""The ledger: a row opens before sending and closes exactly once, whatever happens; the run is their sum."""

from __future__ import annotations

import asyncio

import pytest

from chainkit import Run, race
from chainkit.run.ledger import Row
from chainkit.testing import FaultServer, ScriptedModel, faults
from chainkit.usage import Usage

USAGE = Usage(input=11, output=7)


class Watching:
    """Writes down when rows open and close."""

    def __init__(self):
        self.told = []

    def row_opened(self, row):
        self.told.append(("opened", row.id, row.outcome))

    def row_closed(self, row):
        self.told.append(("closed", row.id, row.outcome))

    def step_started(self, *_, **__):
        """Not of interest."""

    def step_finished(self, *_, **__):
        """Not of interest."""


def test_a_row_opens_before_sending_and_closes_once(asking):
    watch = Watching()
    with FaultServer([faults.status(503, after=0.0), faults.status(429, after=0.0), "ok"]) as server:
        run = Run(watch=watch)
        asking(server).retry(3).invoke("x", run=run)
        assert [t[0] for t in watch.told] == ["opened", "closed"] * 3
        assert [t[2] for t in watch.told if t[0] == "closed"] == ["error", "error", "ok"]
        assert len({r.id for r in run.rows}) == 3


def test_a_second_closing_is_a_mistake():
    row = Row(1, kind="chat", path="p", provider="x", model="m")
    row.close("ok")
    with pytest.raises(AssertionError, match="closed already"):
        row.close("cancelled")


def test_usage_and_cost_are_the_sum_of_the_rows_in_every_mode(asking):
    async def later(chain, run):
        await chain.ainvoke("x", run=run)
        async with chain.astream("x", run=run) as stream:
            assert [p async for p in stream]

    with FaultServer(faults.answer("some words", usage=USAGE)) as server:
        chain, run = asking(server), Run(keep=True)
        chain.invoke("x", run=run)
        list(chain.stream("x", run=run))
        chain.batch(["x"] * 3, run=run)
        asyncio.run(later(chain, run))
        assert len(run.rows) == run.calls == 7
        assert (run.usage.input, run.usage.output) == (77, 49)
        assert run.cost.exact
        assert run.cost.low == pytest.approx(sum(r.cost.low for r in run.rows))


def test_a_losers_row_is_cancelled_and_costs_at_least_nothing(asking):
    with FaultServer(faults.stall()) as slow, FaultServer("first") as quick:
        run = Run()
        assert race(asking(slow), asking(quick)).invoke("x", run=run).value.text == "first"
        assert slow.wait_idle()
        assert sorted(r.outcome for r in run.rows) == ["cancelled", "ok"]
        loser = next(r for r in run.rows if r.outcome == "cancelled")
        assert loser.end is not None
        assert not loser.cost.exact
        assert not run.cost.exact


def test_a_stream_that_was_left_has_a_cancelled_row(asking):
    with FaultServer(faults.stall(faults.answer("one two three"), after=600)) as server:
        run = Run()
        with asking(server).stream("x", run=run) as stream:
            next(stream)
            assert run.rows[0].outcome is None
        assert [r.outcome for r in run.rows] == ["cancelled"]


def test_a_broken_stream_has_a_cut_row(asking):
    with FaultServer(faults.cut_after_event(3)) as server:
        run = Run()
        with pytest.raises(Exception, match="closed"):
            list(asking(server, attempts=1).stream("x", run=run))
        assert [(r.outcome, r.error) for r in run.rows] == [("cut", "StreamBroken")]
        assert run.cost.high is None


def test_items_of_a_batch_fold_into_totals_and_lose_nothing(asking):
    with FaultServer(faults.answer(usage=USAGE)) as server:
        run = Run()
        asking(server).batch(["x"] * 20, run=run)
        assert (len(run.rows), run.calls, run.usage.input) == (0, 20, 220)
        assert run.cost.exact


def test_rows_show_in_every_run_around_and_are_not_counted_twice():
    chain = ScriptedModel("ok")
    with Run() as outer:
        chain.invoke("x")
        with Run() as inner:
            chain.invoke("x")
        chain.invoke("x")
    assert (len(outer.rows), len(inner.rows)) == (3, 1)
    assert [r.id for r in outer.rows] == [1, 2, 3]


def test_rows_hold_no_content_and_no_key(asking):
    with FaultServer() as server:
        run = Run()
        asking(server).invoke("a private question", run=run)
        told = repr(run.rows[0].facts())
        assert "private" not in told
        assert len(run.rows[0].hash) == 32

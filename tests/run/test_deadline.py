"""Deadlines: total, over connects, reads, queues, back-offs and steps, and nothing stays open."""

from __future__ import annotations

import asyncio
import time

import pytest

from chainkit import Run, parallel, step
from chainkit.errors import DeadlineExceeded
from chainkit.run.limits import Limit
from chainkit.testing import FaultServer, ScriptedIo, ScriptedModel, faults

LONG = faults.answer("a word " * 200)
SLOW = {
    "a drip": faults.drip(LONG, 0.01),
    "no head": faults.stall(),
    "half a body": faults.stall(LONG, after=50),
}


def through(chain, mode, run):
    if mode == "invoke":
        return chain.invoke("x", run=run)
    if mode == "stream":
        return list(chain.stream("x", run=run))
    if mode == "ainvoke":
        return asyncio.run(chain.ainvoke("x", run=run))

    async def pieces():
        return [p async for p in chain.astream("x", run=run)]

    return asyncio.run(pieces())


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("slow", SLOW)
def test_a_slow_server_is_left_at_the_deadline(asking, slow, mode):
    with FaultServer(SLOW[slow]) as server:
        run, began = Run(deadline=0.12), time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            through(asking(server), mode, run)
        assert 0.1 < time.monotonic() - began < 0.5
        assert server.wait_idle()
        assert [(r.outcome, r.error) for r in run.rows] == [("cut", "DeadlineExceeded")]
        assert caught.value.cure


def test_a_timeout_on_a_chain_is_a_deadline_for_all_of_it(asking):
    with FaultServer(faults.stall(seconds=0.07)) as server:
        link = asking(server).text
        chain = (link | link | link | link).timeout(0.15)
        with pytest.raises(DeadlineExceeded):
            chain.invoke("x")
        assert len(server.requests) <= 3
        assert server.wait_idle()


def test_a_deadline_reaches_members_side_by_side(asking):
    with FaultServer(faults.stall()) as server:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            parallel(a=asking(server), b=asking(server)).invoke("x", run=Run(deadline=0.1))
        assert time.monotonic() - began < 0.5
        assert server.wait_idle()


def test_waiting_in_a_queue_ends_at_the_deadline(asking):
    with FaultServer(faults.stall()) as server:
        chain, queue = asking(server), Limit(1)
        run = Run(deadline=0.1, limits={"openai:*": queue})
        found = chain.batch(["a", "b", "c"], errors="keep", run=run)
        assert [type(e) for e in found] == [DeadlineExceeded] * 3
        assert len(server.requests) == 1
        assert queue.in_flight == 0


def test_a_run_whose_time_is_over_sends_nothing(asking):
    with FaultServer() as server:
        with pytest.raises(DeadlineExceeded):
            asking(server).invoke("x", run=Run(deadline=0))
        assert not server.requests


def test_an_inner_run_cannot_outlast_the_outer_one():
    io = ScriptedIo()
    inner = ScriptedModel("late", delay=5)

    def asks(value):
        return inner.invoke(value, run=Run(deadline=100)).text

    with pytest.raises(DeadlineExceeded):
        step(asks).invoke("x", run=Run(io=io, deadline=3))
    assert io.now() == 3
    io.close()


def test_what_comes_in_time_is_not_hurt_by_a_deadline(asking):
    with FaultServer(faults.stall(seconds=0.02)) as server:
        for mode in ("invoke", "ainvoke"):
            assert through(asking(server), mode, Run(deadline=5)).text == "ok"

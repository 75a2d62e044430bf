"""Queues: so many attempts in flight, over threads and loops, first come first served, nothing lost."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainkit import Run, parallel
from chainkit.errors import DeadlineExceeded, ServerError
from chainkit.run.limits import Limit
from chainkit.testing import FaultServer, ScriptedIo, ScriptedModel, faults

BUSY = faults.stall(seconds=0.01)


def test_the_peak_holds_over_threads_loops_and_batches(asking):
    with FaultServer(BUSY) as server:
        queue = Limit(3)
        chain, limits = asking(server), {"openai:*": queue}

        async def several():
            return await asyncio.gather(*(chain.ainvoke("x", run=Run(limits=limits)) for _ in range(6)))

        with ThreadPoolExecutor(8) as threads:
            jobs = [threads.submit(chain.invoke, "x", run=Run(limits=limits)) for _ in range(8)]
            jobs += [threads.submit(asyncio.run, several()) for _ in range(2)]
            jobs.append(threads.submit(chain.batch, ["x"] * 8, run=Run(limits=limits)))
            for job in jobs:
                job.result(10)
        assert len(server.requests) == 8 + 12 + 8
        assert server.peak == 3
        assert queue.in_flight == 0


def test_a_limited_chain_has_one_queue_for_all_its_calls(asking):
    with FaultServer(BUSY) as server:
        chain = asking(server).limit(2)
        parallel(a=chain, b=chain, c=chain, d=chain).batch(["x"] * 4)
        assert server.peak == 2


def test_the_slot_is_free_during_a_back_off(asking):
    with FaultServer([faults.status(503, after=0.1), "b", "a"]) as server:
        queue = Limit(1)
        run = Run(limits={"openai:*": queue})
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(asking(server).invoke, "first", run=run)
            assert server.wait_requests(1)
            second = asking(server).invoke("second", run=run)
            assert (second.text, first.result(5).text) == ("b", "a")


def test_a_slot_comes_back_from_errors_and_cancelled_calls(asking):
    queue = Limit(1)
    limits = {"openai:*": queue}
    with FaultServer([faults.status(503), faults.stall(), "ok"]) as server:
        chain = asking(server, attempts=1)
        with pytest.raises(ServerError):
            chain.invoke("x", run=Run(limits=limits))
        with pytest.raises(DeadlineExceeded):
            chain.invoke("x", run=Run(limits=limits, deadline=0.05))
        assert chain.invoke("x", run=Run(limits=limits)).text == "ok"
        assert queue.in_flight == 0


def test_who_gives_up_waiting_takes_no_slot_away(asking):
    async def go(server):
        queue = Limit(1)
        limits = {"openai:*": queue}
        tasks = [asyncio.ensure_future(asking(server).ainvoke("x", run=Run(limits=limits))) for _ in range(4)]
        await asyncio.to_thread(server.wait_busy)
        tasks[1].cancel()
        tasks[2].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        return [getattr(d, "text", type(d)) for d in done], queue.in_flight

    with FaultServer(faults.stall(seconds=0.05)) as server:
        cancelled = asyncio.CancelledError
        assert asyncio.run(go(server)) == (["ok", cancelled, cancelled, "ok"], 0)
        assert len(server.requests) == 2


def test_so_many_a_minute_are_begun_and_no_more():
    io = ScriptedIo()
    chain = ScriptedModel("ok").limit(per_minute=5)
    begun = []
    for _ in range(12):
        chain.invoke("x", run=Run(io=io))
        begun.append(io.now())
    assert begun == [0] * 5 + [60] * 5 + [120] * 2
    io.close()


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_queue_that_lets_nobody_through_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        Limit(wrong)
    with pytest.raises(ValueError, match="at least 1"):
        ScriptedModel().limit(per_minute=wrong)

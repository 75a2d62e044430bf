"""Retry: transient errors only, what the provider asked for is waited, one number of attempts for all."""

from __future__ import annotations

import asyncio

import pytest

from chainkit import Run
from chainkit.errors import BadRequest, DeadlineExceeded, OutputError, RateLimited, ServerError, StreamBroken
from chainkit.run.events import Completed, Restarted, TextDelta
from chainkit.testing import FaultServer, ScriptedIo, ScriptedModel, faults


@pytest.fixture
def io():
    made = ScriptedIo()
    yield made
    made.close()


@pytest.mark.parametrize("asked", [0, 7, 90.5])
def test_the_wait_that_a_provider_asks_for_is_kept_to_the_second(io, asked):
    chain = ScriptedModel(["", "done"], fail=[RateLimited("slow down", retry_after=asked), None])
    assert chain.invoke("x", run=Run(io=io)).text == "done"
    assert io.now() == asked


def test_without_such_a_wait_the_back_off_doubles(io):
    error = ServerError("down")
    chain = ScriptedModel(["", "", "", "up"], fail=[error, error, error, None], attempts=4)
    chain.invoke("x", run=Run(io=io))
    assert 0.5 + 1 + 2 <= io.now() <= 0.5 + 1 + 2 + 3 * 0.5


def test_a_wait_that_would_pass_the_deadline_is_not_begun(io):
    chain = ScriptedModel("", fail=[RateLimited("slow down", retry_after=60)] * 3)
    run = Run(io=io, deadline=10)
    with pytest.raises(DeadlineExceeded) as caught:
        chain.invoke("x", run=run)
    assert io.now() == 0
    assert [r.outcome for r in run.rows] == ["error"]
    assert isinstance(caught.value.__cause__, RateLimited)


@pytest.mark.parametrize("form", ["seconds", "ms"])
def test_a_real_retry_after_is_honoured(asking, form):
    with FaultServer([faults.status(429, after=0.05, form=form), "ok"]) as server:
        run = Run()
        assert asking(server).invoke("x", run=run).text == "ok"
        # The wait alone, without the calls: our own back-off would be half a second at least.
        assert 0.04 <= run.rows[1].start - run.rows[0].end < 0.45
        assert [(r.outcome, r.attempt, r.error) for r in run.rows] == [("error", 1, "RateLimited"), ("ok", 2, None)]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_what_will_fail_again_is_not_sent_again(asking, code):
    with FaultServer(faults.status(code)) as server:
        with pytest.raises(Exception, match="refuses"):
            asking(server).invoke("x")
        assert len(server.requests) == 1


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_attempts_are_the_most_requests_that_leave(asking, attempts):
    with FaultServer(faults.status(503, after=0.0)) as server:
        with pytest.raises(ServerError) as caught:
            asking(server, attempts=attempts).invoke("x")
        assert len(server.requests) == attempts
        assert len(caught.value.attempts) == attempts


def test_an_outer_retry_sets_the_number_and_does_not_multiply_it(asking):
    with FaultServer(faults.status(503, after=0.0)) as server:
        chain = (asking(server, attempts=2) | (lambda r: r.text)).retry(4, backoff=0)
        with pytest.raises(ServerError):
            chain.invoke("x")
        assert len(server.requests) == 4


def test_re_asks_and_transient_retries_draw_on_one_number(asking):
    with FaultServer([faults.status(503, after=0.0), "no number", "still none", '{"value": 4}']) as server:
        with pytest.raises(OutputError):
            asking(server, output=int).invoke("x")
        assert len(server.requests) == 3
    with FaultServer([faults.status(503, after=0.0), "no number", '{"value": 4}']) as server:
        assert asking(server, output=int).invoke("x") == 4


def test_a_fallback_takes_over_when_attempts_are_used_up(asking):
    with FaultServer(faults.status(503, after=0.0)) as down, FaultServer("from the other") as up:
        chain = asking(down, attempts=2).fallback(asking(up))
        assert chain.invoke("x").text == "from the other"
        assert (len(down.requests), len(up.requests)) == (2, 1)


def test_a_cancelled_call_is_not_tried_again(asking):
    async def go(server):
        task = asyncio.ensure_future(asking(server).ainvoke("x"))
        await asyncio.to_thread(server.wait_busy)
        task.cancel()
        await asyncio.wait([task])
        return task

    with FaultServer(faults.stall()) as server:
        assert asyncio.run(go(server)).cancelled()
        assert server.wait_idle()
        assert len(server.requests) == 1


def test_a_stream_that_breaks_before_its_first_piece_is_mended_in_silence(asking, io):
    with FaultServer([faults.empty_stream(), faults.cut(), "whole"]) as server:
        with asking(server).stream("x", run=Run(io=io)) as stream:
            assert "".join(stream) == "whole"


def test_a_stream_that_breaks_later_is_restarted_in_events_and_raised_in_text(asking, io):
    broken = faults.cut_after_event(3, faults.answer("one two three"))
    with FaultServer([broken, "all new"]) as server:
        events = list(asking(server).events("x", run=Run(io=io)))
        kinds = [type(e) for e in events if isinstance(e, TextDelta | Restarted | Completed)]
        assert kinds.index(Restarted) > kinds.index(TextDelta)
        assert events[-1].reply.text == "all new"
    with FaultServer([broken, "all new"]) as server:
        with pytest.raises(StreamBroken) as caught:
            list(asking(server).stream("x"))
        assert caught.value.partial
        assert len(server.requests) == 1


def test_a_refusal_of_the_whole_batch_is_told_for_each_item(asking):
    with FaultServer(faults.status(400)) as server:
        found = asking(server).batch(["a", "b", "c"], errors="keep")
        assert [(type(e), e.index) for e in found] == [(BadRequest, i) for i in range(3)]

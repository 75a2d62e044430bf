"""A race, and a hedge that waits for nothing: who wins, what becomes of the losers, and their sockets."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import Run, hedge, model, race
from chainkit.errors import BadRequest, DeadlineExceeded, EnsembleError
from chainkit.run.carriers.clients import CLIENTS
from chainkit.run.events import BallotCast, Completed
from chainkit.testing import FaultServer, faults
from chainkit.testing.clock import virtual_run
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def member(index: int, delay: int, fails: bool) -> m:
    return m(fail=[BadRequest("no")], delay=delay) if fails else m(str(index), delay=delay)


MEMBERS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(MEMBERS)
def test_the_quickest_of_those_that_do_not_fail_wins(scripts: list[tuple[int, bool]]) -> None:
    chain = race(*(member(i, delay, fails) for i, (delay, fails) in enumerate(scripts)))
    usable = [(delay, i) for i, (delay, fails) in enumerate(scripts) if not fails]
    with scripted() as run:
        if not usable:
            with pytest.raises(EnsembleError):
                chain.invoke("hi", run=run)
            assert run.io.now() == max(delay for delay, _ in scripts)
            return
        found = chain.invoke("hi", run=run)
        assert (run.io.now(), int(found.value.text)) == min(usable)
        assert run.calls == len(scripts)


@settings(max_examples=30, deadline=None)
@given(MEMBERS.filter(lambda scripts: len(scripts) > 1))
def test_a_hedge_that_waits_for_nothing_does_what_a_race_does(scripts: list[tuple[int, bool]]) -> None:
    def told(build: Callable[..., Any]) -> Any:
        members = [member(i, delay, fails) for i, (delay, fails) in enumerate(scripts)]
        with scripted() as run:
            try:
                return build(*members).invoke("hi", run=run).why(), run.io.now(), run.calls
            except EnsembleError as error:
                return str(error)

    assert told(race) == told(lambda *members: hedge(*members, after=0))


def test_ballots_come_as_they_land_and_the_winner_last() -> None:
    chain = race(m(fail=[BadRequest("no")], delay=1), m("b", delay=3), m("c", delay=2))
    with scripted() as run:
        told = list(chain.events("hi", run=run))
    assert [e.path for e in told if isinstance(e, BallotCast)] == ["race[0]", "race[2]"]
    assert isinstance(told[-1], Completed)
    assert told[-1].value.value.text == "c"
    assert [b.cancelled for b in told[-1].value.ballots] == [False, True, False]


@pytest.mark.parametrize("build", [race, lambda *ms: hedge(*ms, after=1, extra=1)], ids=["race", "hedge"])
class TestBoth:
    def test_the_answer_streams_the_winners_text_and_nothing_of_the_loser(self, build: Any) -> None:
        with scripted() as run:
            stream = build(m("slow and wrong", delay=9), m("quick and right", delay=1)).answer.stream("hi", run=run)
            assert "".join(stream) == "quick and right"

    def test_they_answer_alike_on_a_loop(self, build: Any) -> None:
        chain = build(m("a", delay=9), m("b", delay=1))
        assert virtual_run(chain.ainvoke("hi")).value.text == ask(chain).value.text == "b"

    def test_the_runs_deadline_ends_it(self, build: Any) -> None:
        with scripted(deadline=4) as run:
            with pytest.raises(DeadlineExceeded):
                build(m(delay=50), m(delay=50)).invoke("hi", run=run)
            assert [r.outcome for r in run.rows] == ["cut"] * 2
            assert run.io.now() == 4

    def test_cancelling_it_cancels_all_that_were_asked(self, build: Any) -> None:
        run = Run(keep=True)

        async def cancelled() -> None:
            task = asyncio.create_task(build(m(delay=50), m(delay=50)).ainvoke("hi", run=run))
            await asyncio.sleep(2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        virtual_run(cancelled())
        assert [r.outcome for r in run.rows] == ["cancelled"] * 2


@pytest.fixture
def asking() -> Any:
    yield lambda server, **rules: model(
        "openai:gpt-4o-mini", api="chat", base_url=server.url_v1, api_key="none", **rules
    )
    CLIENTS.close_all()


@pytest.mark.parametrize("on_loop", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("after", [0, 0.02], ids=["race", "hedge"])
def test_the_losers_socket_is_closed_and_the_winners_is_kept(asking: Any, after: float, on_loop: bool) -> None:
    async def later(chain: Any) -> Any:
        found = await chain.ainvoke("hi")
        return found, await asyncio.to_thread(slow.wait_closed)

    with FaultServer(faults.stall()) as slow, FaultServer("first") as quick:
        chain = hedge(asking(slow), asking(quick), after=after)
        found, closed = asyncio.run(later(chain)) if on_loop else (chain.invoke("hi"), slow.wait_closed())
        assert found.value.text == "first"
        assert closed
        assert (slow.connections, quick.connections) == (1, 1)
        assert found.ballots[0].cost.kind != "Exact"


@pytest.mark.parametrize("code", [500, 400])
def test_a_server_that_refuses_hands_on_and_is_not_asked_more(asking: Any, code: int) -> None:
    with FaultServer(faults.status(code)) as bad, FaultServer("first") as good:
        found = hedge(asking(bad, attempts=1), asking(good), after=60).invoke("hi")
        assert found.value.text == "first"
        assert (len(bad.requests), len(good.requests)) == (1, 1)


def test_a_forked_child_begins_with_nothing_learned_and_no_lock_held() -> None:
    chain: Any = hedge("openai:a", after="p95")
    latency, allowance = chain.pace.latency, chain.pace.allowance
    for _ in range(30):
        latency.tell(1.0)
    allowance.spend()
    with latency._lock, allowance._lock:
        child = os.fork()
        if not child:
            signal.alarm(20)
            os._exit(0 if latency.percentile(0.5) is None and allowance.spend() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert latency.percentile(0.5) == 1.0

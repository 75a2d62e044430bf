"""Streams that end early: closed, left, dropped or interrupted, they leave no connection and no thread."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import threading

import pytest

from chainkit import Run, parallel
from chainkit.run.events import TextDelta
from chainkit.run.io.stream import REAPER
from chainkit.testing import FaultServer, faults

HELD = faults.stall(faults.answer("one two three"), after=600)
"""Some pieces, and then nothing more."""


def shown(stream):
    """Read until the first text."""
    return next(e for e in stream if isinstance(e, str | TextDelta))


def workers():
    return {t for t in threading.enumerate() if t.name != "fault-server" and t.name != "chainkit-reaper"}


def test_leaving_the_with_closes_the_connection(asking):
    with FaultServer(HELD) as server:
        with asking(server).stream("x") as stream:
            assert next(stream) == "one "
            assert server.busy == 1
        assert server.wait_idle()
        assert list(stream) == []


def test_closing_twice_and_before_the_first_piece_is_fine(asking):
    with FaultServer(HELD) as server:
        stream = asking(server).stream("x")
        stream.close()
        stream.close()
        assert not server.requests
        with pytest.raises(RuntimeError, match="not read to its end"):
            _ = stream.value


@pytest.mark.parametrize("cycle", [False, True], ids=["dropped", "in a cycle"])
@pytest.mark.parametrize("kind", ["stream", "events"])
def test_a_stream_dropped_by_the_collector_leaves_nothing_open(asking, kind, cycle):
    with FaultServer(HELD) as server:
        before = workers()
        run = Run()
        stream = getattr(asking(server), kind)("x", run=run)
        shown(stream)
        if cycle:
            stream.itself = stream
        del stream
        gc.collect()
        assert server.wait_idle()
        assert server.wait_closed()
        # The connection goes first, then the row is written.
        assert REAPER.settle(5)
        assert [r.outcome for r in run.rows] == ["cancelled"]
        assert workers() == before


def test_a_dropped_stream_of_members_side_by_side_is_cancelled_too(asking):
    with FaultServer(HELD) as server:
        chain = parallel(a=asking(server), b=asking(server))
        stream = chain.events("x")
        shown(stream)
        assert server.wait_busy(2)
        del stream
        gc.collect()
        assert server.wait_idle()


def test_an_abandoned_async_stream_leaves_nothing_open(asking):
    async def go(server):
        async for piece in asking(server).astream("x"):
            assert piece == "one "
            break
        gc.collect()
        await asyncio.to_thread(server.wait_idle)
        me = asyncio.current_task()
        return server.busy, [t for t in asyncio.all_tasks() if t is not me]

    with FaultServer(HELD) as server:
        assert asyncio.run(go(server)) == (0, [])


def test_closing_an_async_stream_waits_for_its_task(asking):
    async def go(server):
        async with asking(server).astream("x") as stream:
            await anext(stream)
        return len(asyncio.all_tasks())

    with FaultServer(HELD) as server:
        assert asyncio.run(go(server)) == 1
        assert server.wait_idle()


def test_a_consumer_that_fails_takes_the_connection_with_it(asking):
    with FaultServer(HELD) as server:
        with pytest.raises(ZeroDivisionError), asking(server).stream("x") as stream:
            for _ in stream:
                _ = 1 / 0
        assert server.wait_idle()


def test_a_slow_consumer_loses_nothing(asking):
    text = " ".join(str(i) for i in range(3000))

    async def go(server):
        async with asking(server).astream("x") as stream:
            pieces = []
            async for piece in stream:
                pieces.append(piece)
                await asyncio.sleep(0)
            return "".join(pieces)

    with FaultServer(faults.answer(text)) as server:
        assert asyncio.run(go(server)) == text


_PROGRAM = """
import sys
from chainkit import model
chain = model("openai:gpt-4o-mini", api="chat", base_url=sys.argv[1], api_key="none")
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
CALLS = {
    "invoke": 'chain.invoke("x")',
    "stream": 'list(chain.stream("x"))',
    "batch": 'chain.batch(["x"] * 4)',
    "members": 'from chainkit import parallel; parallel(a=chain, b=chain).invoke("x")',
    "asyncio": 'import asyncio; asyncio.run(chain.ainvoke("x"))',
}


@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_ends_the_call_and_closes_its_connections(call):
    behaviour = HELD if call == "stream" else faults.stall()
    with FaultServer(behaviour) as server:
        program = _PROGRAM.format(call=CALLS[call])
        child = subprocess.Popen([sys.executable, "-c", program, server.url_v1], stdout=subprocess.PIPE, text=True)
        assert server.wait_busy(timeout=20)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=10)
        assert (said, child.returncode) == ("interrupted\n", 0)
        assert server.wait_idle()

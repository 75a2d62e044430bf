"""Calls within calls, many threads, and somebody's running loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainkit import Run, each, ensemble, parallel, prompt, step, vote
from chainkit.errors import ChainkitError
from chainkit.testing import FaultServer, ScriptedModel


def echo(seen):
    return seen.json["messages"][-1]["content"]


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_invoke_inside_a_function_step_inside_an_ensemble(asking, mode):
    with FaultServer(echo) as server:
        inner = asking(server)

        def asks(value):
            return inner.invoke(f"{value}!").text

        chain = ensemble(step(asks), step(lambda v: inner.invoke(f"{v}!").text), inner.text, combine=vote())
        run = Run()
        call = chain.invoke("yes", run=run) if mode == "invoke" else asyncio.run(chain.ainvoke("yes", run=run))
        assert call.value == "yes!"
        assert len(run.rows) == 3


def test_three_levels_of_blocking_calls_do_not_lock_up(asking):
    with FaultServer(echo) as server:
        inner = asking(server).text
        low = parallel(a=inner, b=inner) | (lambda d: d["a"])
        middle = each(step(lambda v: low.invoke(v)))
        high = parallel(x=step(lambda v: middle.invoke([v] * 5)), y=step(lambda v: middle.invoke([v] * 5)))
        run = Run()
        assert high.invoke("deep", run=run) == {"x": ["deep"] * 5, "y": ["deep"] * 5}
        assert run.calls == 20


def test_an_async_step_may_await_a_chain_and_may_not_block(asking):
    with FaultServer(echo) as server:
        inner = asking(server)

        async def good(value):
            return (await inner.ainvoke(value)).text

        async def bad(value):
            return inner.invoke(value).text

        assert step(good).invoke("x") == "x"
        with pytest.raises(ChainkitError, match="ainvoke"):
            step(bad).invoke("x")


def test_fifty_threads_share_a_chain_and_mix_nothing_up(asking):
    with FaultServer(echo) as server:
        chain = prompt("say {{ word }}", word=str) | asking(server) | (lambda r: r.text)

        def ask(i):
            run = Run()
            said = [chain.invoke({"word": f"{i}.{j}"}, run=run) for j in range(4)]
            return said == [f"say {i}.{j}" for j in range(4)] and len(run.rows) == 4

        with ThreadPoolExecutor(50) as threads:
            assert all(threads.map(ask, range(50)))
        assert server.connections <= 50


def test_threads_with_runs_of_their_own_keep_their_ledgers_apart():
    chain = ScriptedModel(lambda messages: messages[-1].text)

    def ask(i):
        with Run() as run:
            for _ in range(i):
                chain.invoke("x")
            return run.calls

    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(ask, range(30))) == list(range(30))


def test_loops_in_many_threads_share_a_chain(asking):
    async def several(chain, i):
        return [r.text for r in await asyncio.gather(*(chain.ainvoke(f"{i}.{j}") for j in range(5)))]

    with FaultServer(echo) as server:
        chain = asking(server)
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda i: asyncio.run(several(chain, i)), range(16)))
        assert found == [[f"{i}.{j}" for j in range(5)] for i in range(16)]
        assert server.wait_closed()


_INSIDE = """
import asyncio, sys, warnings
from chainkit import model, parallel
chain = model("openai:gpt-4o-mini", api="chat", base_url=sys.argv[1], api_key="none")
async def main():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        texts = [chain.invoke("x").text, "".join(chain.stream("x")), chain.batch(["x"])[0].text]
        texts.append(parallel(a=chain).invoke("x")["a"].text)
        assert texts == ["ok"] * 4, texts
    print(len([w for w in told if "ainvoke" in str(w.message)]), told[0].filename == "<string>")
asyncio.run(main())
"""


def test_inside_a_running_loop_it_works_and_warns_once():
    with FaultServer() as server:
        ran = subprocess.run(
            [sys.executable, "-c", _INSIDE, server.url_v1], capture_output=True, text=True, timeout=20, check=False
        )
        assert ran.stdout.split() == ["1", "True"], ran.stdout + ran.stderr


def test_outside_of_a_loop_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ScriptedModel("ok").invoke("x").text == "ok"

"""What ensembles cost and save: a hedge against a slow tail, a vote's own CPU, and many ensembles at once.

    python -m benchmarks.ensembles [--json]

The servers answer on loopback from processes of their own. Times are wall clock where the waiting is the point (the tail,
many at once) and CPU where the work is (a vote).
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.report import ensemble_table
from benchmarks.server import TEXT, completion, plain
from chainkit import Run, ensemble, model, vote
from chainkit.ensembles.hedge import hedge
from chainkit.testing import ScriptedModel

SLOW, QUICK_MS, SLOW_MS = 0.05, (8.0, 12.0), (400.0, 1200.0)
"""The share of slow answers, and how long quick and slow ones take."""
CALLS, AT_ONCE, KNOWN = 2000, 8, 100
ENSEMBLES, MEMBERS, WAIT_MS = 1000, 5, 50


async def serve(port_told: Callable[[int], None]) -> None:
    """Answers after 8 to 12 ms, and one in twenty after 0.4 to 1.2 s; `/wait/MS/...` after so long."""
    draw = random.Random(7)  # noqa: S311 - drawing delays
    answer = plain(completion(TEXT))

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                at = head.find(b"content-length:")
                await reader.readexactly(int(head[at + 15 : head.find(b"\r\n", at)]))
                path = head.split(b" ", 2)[1]
                if path.startswith(b"/wait/"):
                    milliseconds = float(path.split(b"/")[2])
                else:
                    milliseconds = draw.uniform(*(SLOW_MS if draw.random() < SLOW else QUICK_MS))
                await asyncio.sleep(milliseconds / 1000)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=8192)
    port_told(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def asked(base: str, carrier: Any = "httpx") -> Any:
    """A model on that server."""
    return model("openai:m", api="chat", base_url=base, api_key="k" * 20, carrier=carrier)


async def tail(base: str) -> dict[str, Any]:
    """Latencies of single calls and of hedged ones, and the calls made."""
    single = asked(f"{base}/v1")
    hedged = hedge(single, after="p95", start=0.05)
    for _ in range(KNOWN):
        await hedged.ainvoke("hi")
    found: dict[str, Any] = {}
    for name, chain in (("single", single), ("hedged", hedged)):
        with Run() as run:
            seconds = await latencies(lambda chain=chain: chain.ainvoke("hi"))
        cuts = statistics.quantiles(seconds, n=100)
        found[name] = {"p50": cuts[49] * 1000, "p99": cuts[98] * 1000, "calls": run.calls / CALLS}
    return found


async def latencies(call: Callable[[], Awaitable[Any]]) -> list[float]:
    """Seconds of each of so many calls, a few at a time."""
    left = iter(range(CALLS))
    found: list[float] = []

    async def worker() -> None:
        for _ in left:
            start = time.perf_counter()
            await call()
            found.append(time.perf_counter() - start)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return found


async def own_cpu(early: bool) -> float:
    """Microseconds of CPU that a vote of three costs above its three calls: the least of many blocks."""
    members = [ScriptedModel("a", name=f"m{i}") for i in range(3)]
    voting = ensemble(*members, combine=vote(early=early))

    async def calls() -> None:
        await asyncio.gather(*(m.ainvoke("hi") for m in members))

    async def votes() -> None:
        await voting.ainvoke("hi")

    best: dict[str, float] = {}
    for _ in range(15):
        for work in (calls, votes):
            start = time.process_time()
            for _ in range(200):
                await work()
            best[work.__name__] = min(best.get(work.__name__, 1.0), (time.process_time() - start) / 200)
    return (best["votes"] - best["calls"]) * 1e6


async def many(base: str, carrier: str) -> dict[str, float]:
    """Wall seconds of 1,000 ensembles of five, and of the 5,000 calls alone, on one carrier."""
    single = asked(f"{base}/wait/{WAIT_MS}/v1", carrier)
    five = ensemble(*[single] * MEMBERS, combine=vote(early=False))
    found: dict[str, float] = {}
    for _ in range(3):
        for name, works in (
            ("calls", [lambda: single.ainvoke("hi")] * (ENSEMBLES * MEMBERS)),
            ("ensembles", [lambda: five.ainvoke("hi")] * ENSEMBLES),
        ):
            start = time.perf_counter()
            await asyncio.gather(*(work() for work in works))
            found[name] = min(found.get(name, 1e9), time.perf_counter() - start)
    return {**found, "ratio": found["ensembles"] / found["calls"]}


def measured() -> dict[str, Any]:
    """All figures."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.ensembles", "serve"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        return {
            "tail": asyncio.run(tail(base)),
            "vote, early": asyncio.run(own_cpu(early=True)),
            "vote, all": asyncio.run(own_cpu(early=False)),
            "many": {carrier: asyncio.run(many(base, carrier)) for carrier in ("httpx", "aiohttp")},
        }
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if "serve" in sys.argv:
        asyncio.run(serve(lambda port: print(port, flush=True)))
    else:
        found = measured()
        print(json.dumps(found, indent=1) if "--json" in sys.argv else ensemble_table(found))

"""Measures one library, inside the environment that has it: `python -m benchmarks.worker PEER BASE`."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

from benchmarks.measure import apaired, each_us, in_flight, paired

PIECES, ITEMS = 1000, 10_000


def main(peer: str, base: str, *what: str) -> dict[str, Any]:
    """All measurements of a peer, or those named."""
    module, raw = import_module(f"benchmarks.peers.{peer}"), import_module("benchmarks.peers.raw")
    found: dict[str, Any] = {}
    for name in what or MEASURES:
        try:
            result = MEASURES[name](module, raw, base)
        except Exception as error:  # noqa: BLE001 - one figure that fails is said, the others go on
            result = {"failed": f"{type(error).__name__}: {error}"[:200]}
        if result is not None:
            found[name] = result
    return found


def _sync(module: Any, raw: Any, base: str) -> Any:
    return paired(module.sync(base), raw.sync(base)) if hasattr(module, "sync") else None


def _sync_sdk(module: Any, _: Any, base: str) -> Any:
    """chainkit over the SDK, against the SDK."""
    if module.NAME != "chainkit":
        return None
    sdk = import_module("benchmarks.peers.openai_sdk")
    return paired(module.sync(base, "sdk"), sdk.sync(base))


def _chain(module: Any, raw: Any, base: str) -> Any:
    return paired(module.chain(base), raw.chain(base)) if hasattr(module, "chain") else None


def _stream(module: Any, raw: Any, base: str) -> Any:
    if not hasattr(module, "stream"):
        return None
    subject, baseline = module.stream(base), raw.stream(base)
    assert subject() >= PIECES, "pieces were lost"
    return paired(subject, baseline, blocks=9, calls=1, warm=1)


def _async(module: Any, raw: Any, base: str) -> Any:
    async def go() -> Any:
        return await apaired(module.asynchronous(base), raw.asynchronous(base))

    return asyncio.run(go()) if hasattr(module, "asynchronous") else None


def _astream(module: Any, raw: Any, base: str) -> Any:
    async def go() -> Any:
        return await apaired(module.astream(base), raw.astream(base), blocks=9, calls=1, warm=1)

    return asyncio.run(go()) if hasattr(module, "astream") else None


def _compose(module: Any, _: Any, __: str) -> Any:
    if not hasattr(module, "compose"):
        return None
    one, ten = each_us(module.compose(1), 200), each_us(module.compose(10), 200)
    return {"one_us": one, "ten_us": ten, "step_us": round((ten - one) / 9, 3)}


def _items(module: Any, _: Any, __: str) -> Any:
    if not hasattr(module, "items"):
        return None
    import time

    call = module.items(ITEMS)
    module.items(500)()
    start, cpu = time.perf_counter(), time.process_time()
    call()
    took = time.perf_counter() - start
    return {"per_second": round(ITEMS / took), "cpu_us": round((time.process_time() - cpu) / ITEMS * 1e6, 1)}


def _flight(carrier: str | None, concurrency: int, calls: int, wait: int) -> Any:
    def measure(module: Any, _: Any, base: str) -> Any:
        if not hasattr(module, "asynchronous") or (carrier is not None and module.NAME != "chainkit"):
            return None
        slow = base.replace("/v1", f"/wait/{wait}/v1")

        async def go() -> Any:
            call = module.asynchronous(slow) if carrier is None else module.asynchronous(slow, carrier)
            return await in_flight(call, calls=calls, concurrency=concurrency)

        return asyncio.run(go())

    return measure


MEASURES: dict[str, Any] = {
    "call": _sync,
    "call over the SDK": _sync_sdk,
    "async call": _async,
    "chain": _chain,
    "stream": _stream,
    "async stream": _astream,
    "compose": _compose,
    "items": _items,
    "200 in flight": _flight(None, 200, 2000, 20),
    "1000 in flight": _flight(None, 1000, 2000, 200),
    "1000 in flight, aiohttp": _flight("aiohttp", 1000, 5000, 200),
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")

"""How a ratio is measured: blocks of the one and of the other in turn, in one process, by CPU time.

The machine may be busy: a single figure means little, the median of paired ratios much more. A null test (raw
against raw) stays within 6 % at 15 blocks.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

Call = Callable[[], Any]


def pinned(core: int) -> list[str]:
    """A prefix that keeps a process on one core, where that is to be had."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(sorted(cores)[core])] if taskset and len(cores) > core else []


def paired(subject: Call, baseline: Call, *, blocks: int = 15, calls: int = 10, warm: int = 10) -> dict[str, float]:
    """CPU and wall microseconds a call of the subject, and the median of the paired ratios."""
    for _ in range(warm):
        subject(), baseline()
    gc.collect()
    rows = [(_block(subject, calls), _block(baseline, calls)) for _ in range(blocks)]
    return _summary(rows, calls)


def _block(call: Call, calls: int) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(calls):
        call()
    return time.process_time() - cpu, time.perf_counter() - wall


async def apaired(
    subject: Callable[[], Awaitable[Any]],
    baseline: Callable[[], Awaitable[Any]],
    *,
    blocks: int = 15,
    calls: int = 10,
    warm: int = 10,
) -> dict[str, float]:
    """The same for coroutines, one at a time."""
    for _ in range(warm):
        await subject()
        await baseline()
    gc.collect()
    rows = [(await _ablock(subject, calls), await _ablock(baseline, calls)) for _ in range(blocks)]
    return _summary(rows, calls)


async def _ablock(call: Callable[[], Awaitable[Any]], calls: int) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(calls):
        await call()
    return time.process_time() - cpu, time.perf_counter() - wall


def _summary(rows: list[tuple[tuple[float, float], tuple[float, float]]], calls: int) -> dict[str, float]:
    return {
        "cpu_us": round(statistics.median(s[0] for s, _ in rows) / calls * 1e6, 1),
        "base_cpu_us": round(statistics.median(b[0] for _, b in rows) / calls * 1e6, 1),
        "wall_us": round(statistics.median(s[1] for s, _ in rows) / calls * 1e6, 1),
        "ratio_cpu": round(statistics.median(s[0] / b[0] for s, b in rows), 3),
        "ratio_wall": round(statistics.median(s[1] / b[1] for s, b in rows), 3),
    }


def each_us(call: Call, count: int, runs: int = 5) -> float:
    """CPU microseconds of one of `count` repetitions, the median of some runs."""
    call()
    found: list[float] = []
    for _ in range(runs):
        start = time.process_time()
        for _ in range(count):
            call()
        found.append((time.process_time() - start) / count * 1e6)
    return round(statistics.median(found), 2)


async def in_flight(call: Callable[[], Awaitable[Any]], *, calls: int, concurrency: int) -> dict[str, float]:
    """Calls a second with so many under way."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(call() for _ in range(min(50, concurrency))))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    took = time.perf_counter() - wall
    return {"per_second": round(calls / took, 1), "cpu_us": round((time.process_time() - cpu) / calls * 1e6, 1)}

"""Cancel and wait: a task that was told to end is awaited to its end, even when the waiter is told to end too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel those still going on and wait for all; an own cancellation is obeyed afterwards."""
    all_of = list(tasks)
    left = [t for t in all_of if not t.done()]
    for task in left:
        task.cancel()
    told: asyncio.CancelledError | None = None
    while left := [t for t in left if not t.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            told = error
    for task in all_of:
        if not task.cancelled():
            task.exception()  # asked for, so that asyncio does not report it as lost
    if told is not None:
        raise told

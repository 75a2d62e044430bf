"""Closing what belongs to an event loop, while that loop still turns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from chainkit.run.carriers.wire import Carrier


def here() -> asyncio.AbstractEventLoop:
    """The loop of the caller."""
    return asyncio.get_running_loop()


def at_end(work: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    """Have work done when the running loop ends; keep what this returns until then.

    A loop tells nobody that it will close, but it closes the async generators that were begun on it
    (`loop.shutdown_asyncgens()`, as `asyncio.run` does). Without this every idle connection would be
    reported as a leak.
    """
    waiting = _waiting(work)
    try:
        waiting.__anext__().send(None)
    except StopIteration:
        """It has begun."""
    return waiting


async def _waiting(work: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await work()


async def end(carrier: Any) -> None:
    """Close a carrier on its own loop, whatever is under way."""
    if hasattr(carrier, "aclose"):
        await carrier.aclose()
    else:
        carrier.close()


def end_on(carrier: Carrier, loop: asyncio.AbstractEventLoop) -> None:
    """Close a carrier from wherever the caller is; one whose loop has ended is dropped."""
    if loop.is_closed():
        return
    if loop.is_running():
        loop.call_soon_threadsafe(carrier.close)
    else:
        carrier.close()

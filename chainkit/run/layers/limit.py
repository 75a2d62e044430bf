"""The queue: a slot for each attempt, given back before any back-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.run.call import Call


async def limit(call: Call, send: Callable[[Call], Awaitable[Any]]) -> Any:
    """Send while holding a slot of every queue that the call stands in."""
    held = 0
    try:
        for queue in call.limits:
            await queue.take(call.io, call.until)
            held += 1
        return await send(call)
    finally:
        for queue in call.limits[:held]:
            queue.give()

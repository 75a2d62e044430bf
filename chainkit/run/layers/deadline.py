"""The deadline: an absolute time that every wait of the call is cut to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.run.call import Call


async def deadline(call: Call, send: Callable[[Call], Awaitable[Any]]) -> Any:
    """Send within the time that is left."""
    if call.until is None:
        return await send(call)
    return await call.io.within(call.until, send(call))

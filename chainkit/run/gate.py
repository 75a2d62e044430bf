"""The gate: the one way out of the process.

    deadline > privacy > journal > cache > retry > limit > budget > attempt > carrier

What stands left of retry happens once a call, what stands right of it once an attempt. A layer is
`async def layer(call, send) -> Reply`; pieces leave through `call.emit`. A layer that nobody asked for
costs nothing. Privacy, journal and cache have their places here and no layer yet.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.run.layers.attempt import attempt
from chainkit.run.layers.budget import budget
from chainkit.run.layers.deadline import deadline
from chainkit.run.layers.limit import limit
from chainkit.run.layers.retry import retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.run.call import Call

    Send = Callable[[Call], Awaitable[Any]]
    Layer = Callable[[Call, Send], Awaitable[Any]]

ORDER = ("deadline", "privacy", "journal", "cache", "retry", "limit", "budget", "attempt")
LAYERS: dict[str, Layer] = {
    "deadline": deadline,
    "retry": retry,
    "limit": limit,
    "budget": budget,
    "attempt": attempt,
}


async def carrier(call: Call) -> Any:
    """The right end: whoever carries the request out."""
    return await call.send(call)


@lru_cache(maxsize=64)
def composed(wanted: frozenset[str]) -> Send:
    """The layers that were asked for, in the gate's order, around the carrier."""
    send: Send = carrier
    for name in reversed(ORDER):
        if name in wanted:
            send = _around(LAYERS[name], send)
    return send


def _around(layer: Layer, inner: Send) -> Send:
    def send(call: Call) -> Awaitable[Any]:
        return layer(call, inner)

    return send


_PLAIN = frozenset({"retry", "attempt"})


def through(call: Call) -> Awaitable[Any]:
    """Send a call through the gate."""
    if call.until is None and not call.limits and not call.run.purses:
        return composed(_PLAIN)(call)
    asked = {"deadline": call.until is not None, "limit": bool(call.limits), "budget": bool(call.run.purses)}
    return composed(_PLAIN | {name for name, on in asked.items() if on})(call)

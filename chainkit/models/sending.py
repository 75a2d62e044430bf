"""One request of any kind through the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.models.resolve import FREE_KINDS, check
from chainkit.run.call import Call
from chainkit.run.gate import through
from chainkit.usage import FREE

if TYPE_CHECKING:
    from chainkit.models.resolve import Resolved
    from chainkit.run.call import Tries
    from chainkit.run.frame import Frame
    from chainkit.usage import Cost, Usage


def _free(_: Usage) -> Cost:
    return FREE


async def sent(resolved: Resolved, request: Any, frame: Frame, path: str, tries: Tries, listener: Any = None) -> Any:
    """The reply to a request; what is missing before it could start is said first, and no row written for it."""
    if not resolved.checked:
        check(resolved, tries)
    call = Call(
        frame,
        tries,
        kind=request.kind,
        provider=resolved.provider,
        model=resolved.model,
        path=frame.prefix + path,
        request=request,
        send=resolved.backend.send,
        price=_free if request.kind in FREE_KINDS else resolved.price,
    )
    call.limits = frame.limits if resolved.limit is None else (*frame.limits, resolved.limit)
    call.bound = lambda: resolved.bound(request)
    call.hashed = lambda: resolved.hashed(request)
    if listener is not None:
        call.emit, call.restart = listener.emit, listener.restart
    tier = request.options.get("service_tier")
    if tier is not None:
        call.price = lambda usage: resolved.price(usage, {"service_tier": str(tier)})
    reply: Any = await through(call)
    if reply.price is None:
        reply.price = call.price
    return reply

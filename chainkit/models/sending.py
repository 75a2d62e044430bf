"""One request of any kind through the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import Media
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


def _holds_media(request: Any) -> bool:
    if request.kind == "chat":
        return any(type(part) is Media for turn in request.messages for part in turn.parts)
    return bool(getattr(request, "media", ()))


async def _with_media(resolved: Resolved, request: Any, frame: Frame, path: str) -> Any:
    """The request with what its URLs hold, where the vendor does not open them itself."""
    from chainkit.models.fetching import opened, pretended, unopened

    parts = unopened(request, resolved.profile.fetches)
    if not parts:
        return request
    if getattr(resolved.backend, "pretends", False):
        return pretended(request, parts)
    return await opened(request, parts, frame, path)


async def sent(resolved: Resolved, request: Any, frame: Frame, path: str, tries: Tries, listener: Any = None) -> Any:
    """The reply to a request; what is missing before it could start is said first, and no row written for it."""
    if not resolved.checked:
        check(resolved, tries)
    if _holds_media(request):
        request = await _with_media(resolved, request, frame, path)
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

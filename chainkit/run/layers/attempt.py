"""The attempt: a row that opens before sending and closes exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import ChainkitError, DeadlineExceeded, ProviderError, StreamBroken
from chainkit.usage import NO_USAGE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.run.call import Call
    from chainkit.run.ledger import Outcome


async def attempt(call: Call, send: Callable[[Call], Awaitable[Any]]) -> Any:
    """Write the row around the sending."""
    row = call.run.open(
        kind=call.kind,
        path=call.path,
        provider=call.provider,
        model=call.model,
        draw=call.draw,
        attempt=call.tries.used,
        hashed=call.hashed,
    )
    call.row = row
    try:
        reply = await send(call)
    except BaseException as error:
        usage = getattr(error, "usage", NO_USAGE)
        # A request that was refused outright costs nothing that anybody knows of: Unknown, not 0.
        row.close(_outcome(call, error), usage, call.price, type(error).__name__)
        call.run.closed(row)
        raise
    row.close("ok", reply.usage, call.price)
    call.run.closed(row)
    return reply


def _outcome(call: Call, error: BaseException) -> Outcome:
    if isinstance(error, StreamBroken | DeadlineExceeded):
        return "cut"
    if isinstance(error, ProviderError | ChainkitError):
        return "error"
    if isinstance(error, Exception):
        return "error"
    late = call.until is not None and call.io.now() >= call.until
    return "cut" if late else "cancelled"

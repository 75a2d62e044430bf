"""The attempt: a row that opens before sending and closes exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import DeadlineExceeded, StreamBroken
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
        outcome, name = _ending(call, error)
        row.close(outcome, usage, call.price, name)
        call.run.closed(row)
        raise
    # Some services tell what an answer cost: that is worth more than a price list.
    row.close("ok", reply.usage, getattr(reply, "price", None) or call.price)
    call.run.closed(row)
    return reply


def _ending(call: Call, error: BaseException) -> tuple[Outcome, str | None]:
    """How it ended, in words that are the same whether a socket or a task was cut."""
    if isinstance(error, StreamBroken | DeadlineExceeded):
        return "cut", type(error).__name__
    if isinstance(error, Exception):
        return "error", type(error).__name__
    if call.until is not None and call.io.now() >= call.until:
        return "cut", DeadlineExceeded.__name__
    return "cancelled", None

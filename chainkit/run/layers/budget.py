"""The budget: the most that an attempt may cost is set aside before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.usage import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.run.budget import Purse, Reservation
    from chainkit.run.call import Call


async def budget(call: Call, send: Callable[[Call], Awaitable[Any]]) -> Any:
    """Reserve in every purse, send, and settle by the row that was written."""
    held = await _reserved(call)
    call = call.copy(row=None)
    try:
        return await send(call)
    finally:
        row = call.row
        for purse, reservation in held:
            if row is None:
                purse.drop(reservation)
            else:
                purse.settle(reservation, row.usage, row.cost)


async def _reserved(call: Call) -> list[tuple[Purse, Reservation]]:
    tokens, cost = call.bound() if call.bound is not None else (0, UNKNOWN)
    what = f"{call.provider}:{call.model}"
    held: list[tuple[Purse, Reservation]] = []
    try:
        for purse in call.run.purses:
            held.append((purse, await purse.reserve(call.io, call.until, what, tokens, cost)))  # noqa: PERF401
    except BaseException:
        for purse, reservation in held:
            purse.drop(reservation)
        raise
    return held

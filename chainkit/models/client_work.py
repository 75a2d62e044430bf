"""Blocking work of another's client (a database's, a search server's) as one call through the gate.

The wait for it ends with the deadline. The work itself cannot be cut off: it goes on in its thread until the client's own
time is over, and what it gives then is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.models.task import TaskReply
from chainkit.run.call import Call, Tries
from chainkit.run.gate import through
from chainkit.usage import FREE, Cost, Usage

if TYPE_CHECKING:
    from chainkit.run.frame import Frame

ATTEMPTS = 3


@dataclass(slots=True, kw_only=True)
class Worked(TaskReply):
    """What a client gave."""

    found: Any = None


async def worked(
    frame: Frame,
    job: Callable[[], Any],
    *,
    kind: str,
    provider: str,
    path: str,
    what: str,
    model: str | None = None,
    attempts: int = ATTEMPTS,
) -> Any:
    """What the job gives. `what` tells it apart from others in the ledger, where only its hash stands."""
    call = Call(
        frame,
        Tries(attempts),
        kind=kind,
        provider=provider,
        model=model or provider,
        path=f"{frame.prefix}{path} > {kind}",
        request=job,
        send=_send,
        price=_free,
    )
    call.limits = frame.limits
    call.bound = lambda: (0, FREE)
    call.hashed = lambda: hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    reply: Worked = await through(call)
    return reply.found


async def _send(call: Call) -> Worked:
    job: Callable[[], Any] = call.request
    return Worked(found=await waited(call, job))


async def waited(call: Call, job: Callable[[], Any]) -> Any:
    """Wait for blocking work, no longer than the call may take."""
    if call.until is None or not call.io.blocking:
        return await call.io.call(job)
    return await call.io.pump(lambda _: job(), None, None, call.until)


def _free(_: Usage) -> Cost:
    return FREE

"""A memory's blocking work as one call: where it is on this machine, and through the gate where it leaves the process."""

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
    from chainkit.memory.keeping import Talk
    from chainkit.run.frame import Frame

_ATTEMPTS = 3


@dataclass(slots=True, kw_only=True)
class Remembered(TaskReply):
    """What a memory gave."""

    found: Any = None


async def read(talk: Talk, frame: Frame, what: str, function: Callable[..., Any], *given: Any) -> Any:
    """Read; a connection that failed is tried again."""
    return await _reached(talk, frame, what, frame.attempts or _ATTEMPTS, lambda: function(*given))


async def write(talk: Talk, frame: Frame, what: str, function: Callable[..., Any], *given: Any) -> None:
    """Write, once: what may have been written already must not stand there twice."""
    await _reached(talk, frame, what, 1, lambda: function(*given))


async def _reached(talk: Talk, frame: Frame, what: str, attempts: int, job: Callable[[], Any]) -> Any:
    memory = talk.memory
    if not memory.remote:
        return job() if frame.io.blocking else await frame.io.call(job)
    call = Call(
        frame,
        Tries(attempts),
        kind="memory",
        provider=memory.name,
        model=what,
        path=f"{frame.prefix}{talk.path} > memory",
        request=job,
        send=_send,
        price=_free,
    )
    call.limits = frame.limits
    call.bound = lambda: (0, FREE)
    call.hashed = lambda: hashlib.sha256(f"{memory.where} {what} {talk.conversation}".encode()).hexdigest()[:32]
    reply: Remembered = await through(call)
    return reply.found


async def _send(call: Call) -> Remembered:
    return Remembered(found=await call.io.call(call.request))


def _free(_: Usage) -> Cost:
    return FREE

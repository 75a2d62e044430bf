"""A memory's blocking work as one call: where it is on this machine, and through the gate where it leaves the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainkit.models.client_work import ATTEMPTS, worked

if TYPE_CHECKING:
    from chainkit.memory.keeping import Talk
    from chainkit.run.frame import Frame


async def read(talk: Talk, frame: Frame, what: str, function: Callable[..., Any], *given: Any) -> Any:
    """Read; a connection that failed is tried again."""
    return await _reached(talk, frame, what, frame.attempts or ATTEMPTS, lambda: function(*given))


async def write(talk: Talk, frame: Frame, what: str, function: Callable[..., Any], *given: Any) -> None:
    """Write, once: what may have been written already must not stand there twice."""
    await _reached(talk, frame, what, 1, lambda: function(*given))


async def _reached(talk: Talk, frame: Frame, what: str, attempts: int, job: Callable[[], Any]) -> Any:
    memory = talk.memory
    if not memory.remote:
        return job() if frame.io.blocking else await frame.io.call(job)
    told = f"{memory.where} {what} {talk.conversation}"
    return await worked(
        frame, job, kind="memory", provider=memory.name, model=what, path=talk.path, what=told, attempts=attempts
    )

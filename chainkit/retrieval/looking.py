"""A search in a store as one call: inline where it is on this machine, through the gate where it leaves the process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.models.task import TaskReply
from chainkit.run.call import Call, Tries
from chainkit.run.gate import through
from chainkit.usage import FREE, Cost, Usage

if TYPE_CHECKING:
    from chainkit.documents import Retrieved
    from chainkit.retrieval.store import Store
    from chainkit.run.frame import Frame

_ATTEMPTS = 3
Found = list["list[Retrieved]"]


@dataclass(slots=True, kw_only=True)
class Looked(TaskReply):
    """What a store gave."""

    found: Any = None


async def looked(store: Store, frame: Frame, path: str, what: str, job: Callable[[], Any]) -> Any:
    """Do a store's blocking work. `what` tells it apart from others in the ledger."""
    if not store.remote:
        return job() if frame.io.blocking else await frame.io.call(job)
    call = Call(
        frame,
        Tries(frame.attempts or _ATTEMPTS),
        kind="search",
        provider=store.name,
        model=store.name,
        path=f"{frame.prefix}{path} > search",
        request=job,
        send=_send,
        price=_free,
    )
    call.limits = frame.limits
    call.bound = lambda: (0, FREE)
    call.hashed = lambda: hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    reply: Looked = await through(call)
    return reply.found


async def _send(call: Call) -> Looked:
    return Looked(found=await call.io.call(call.request))


def _free(_: Usage) -> Cost:
    return FREE


def named(way: str, queries: Sequence[Any], k: int, where: Any) -> str:
    """What a search looks for, as one text."""
    return f"{way} {k} {where!r} {list(queries)!r}"

"""A search in a store: inline where it is on this machine, through the gate where it leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from chainkit.models.client_work import ATTEMPTS, worked

if TYPE_CHECKING:
    from chainkit.retrieval.store import Store
    from chainkit.run.frame import Frame


async def looked(store: Store, frame: Frame, path: str, what: str, job: Callable[[], Any]) -> Any:
    """Do a store's blocking work. `what` tells it apart from others in the ledger."""
    if not store.remote:
        return job() if frame.io.blocking else await frame.io.call(job)
    attempts = frame.attempts or ATTEMPTS
    return await worked(frame, job, kind="search", provider=store.name, path=path, what=what, attempts=attempts)


def named(way: str, queries: Sequence[Any], k: int, where: Any) -> str:
    """What a search looks for, as one text."""
    return f"{way} {k} {where!r} {list(queries)!r}"

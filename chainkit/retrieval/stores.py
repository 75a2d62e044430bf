"""Which stores there are: found through entry points of the group "chainkit.stores", ours and a stranger's alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.retrieval.named import known, opened

if TYPE_CHECKING:
    from chainkit.retrieval.store import Store

GROUP = "chainkit.stores"
_OWN = {"sqlite": "chainkit.retrieval.sqlite:SqliteStore", "memory": "chainkit.retrieval.memory:MemoryStore"}


def store(spec: str, **options: Any) -> Store:
    """A store by its name, and where it is: "sqlite:wiki.index", "memory", "qdrant:http://localhost:6333/wiki".

    What stands behind the colon, and which options there are, is the store's own: a file or folder for those on this
    machine, an address for servers. Raises CompositionError for an unknown name or option, MissingExtra where its package
    is not installed, ConnectionFailed where a server does not answer.
    """
    name, _, where = spec.partition(":")
    found: Store = opened("store", name, where, options, _OWN, GROUP)
    return found


def names() -> tuple[str, ...]:
    """All stores that can be named, sorted."""
    return known(_OWN, GROUP)

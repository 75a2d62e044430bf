"""Which memories there are: found through entry points of the group "chainkit.memory", ours and a stranger's alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.retrieval.named import known, opened

if TYPE_CHECKING:
    from chainkit.memory.store import Memory

GROUP = "chainkit.memory"
_OWN = {"sqlite": "chainkit.memory.sqlite:SqliteMemory", "file": "chainkit.memory.file:FileMemory"}
_SCHEMES = {"postgresql": "postgres", "rediss": "redis", "unix": "redis"}
"""Schemes of addresses that a memory of another name understands."""


def memory(spec: str, **options: Any) -> Memory:
    """A memory of conversations by its name, and where it is.

    "sqlite:chat.db", "sqlite" (in memory), "file:folder", "redis://localhost:6379/0", "postgresql://localhost/chats"; a
    name may stand before an address too: "redis:rediss://...". Raises CompositionError for an unknown name or option,
    MissingExtra where its package is not installed, ConnectionFailed where a server does not answer.
    """
    name, _, where = spec.partition(":")
    if where.startswith("//"):
        name, where = _SCHEMES.get(name, name), spec
    found: Memory = opened("memory", name, where, options, _OWN, GROUP)
    return found


def names() -> tuple[str, ...]:
    """All memories that can be named, sorted."""
    return known(_OWN, GROUP)

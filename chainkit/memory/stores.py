"""Which memories there are: found through entry points of the group "chainkit.memory", ours and a stranger's alike."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError, MissingExtra, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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
    try:
        opened: Any = _opener(name)
        found: Memory = opened(where or None, **options)
    except MissingExtra:
        raise
    except ImportError as error:
        msg = f"the memory {name!r} needs a package that is not installed: {error}"
        raise MissingExtra(msg, cure=f"pip install 'chainkit[{name}]'") from error
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise CompositionError(f"the memory {name!r} was given an option that it does not know: {error}") from error
    return found


def names() -> tuple[str, ...]:
    """All memories that can be named, sorted."""
    return tuple(sorted({*_OWN, *_entries()}))


def _opener(name: str) -> Any:
    if name in _OWN:
        module, _, attribute = _OWN[name].partition(":")
        return getattr(import_module(module), attribute)
    if name not in _entries():
        raise CompositionError(f"there is no memory {name!r}", cure=did_you_mean(name, names()))
    return _entries()[name].load()


@lru_cache(maxsize=1)
def _entries() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}

"""Which stores there are: found through entry points of the group "chainkit.stores", ours and a stranger's alike."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError, MissingExtra, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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
    try:
        opened: Any = _opener(name)
    except ImportError as error:
        msg = f"the store {name!r} needs a package that is not installed: {error}"
        raise MissingExtra(msg, cure=f"pip install 'chainkit[{name}]'") from error
    try:
        found: Store = opened(where or None, **options)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise CompositionError(f"the store {name!r} was given an option that it does not know: {error}") from error
    return found


def names() -> tuple[str, ...]:
    """All stores that can be named, sorted."""
    return tuple(sorted({*_OWN, *_entries()}))


def _opener(name: str) -> Any:
    if name in _OWN:
        from importlib import import_module

        module, _, attribute = _OWN[name].partition(":")
        return getattr(import_module(module), attribute)
    if name not in _entries():
        raise CompositionError(f"there is no store {name!r}", cure=did_you_mean(name, names()) or ", ".join(names()))
    return _entries()[name].load()


@lru_cache(maxsize=1)
def _entries() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}

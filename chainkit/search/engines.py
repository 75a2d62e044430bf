"""Which search engines there are: found through entry points of the group "chainkit.search"."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError, MissingExtra, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from chainkit.search.engine import Engine

GROUP = "chainkit.search"
_REGISTERED: dict[str, Engine] = {}


def register(engine: Engine) -> None:
    """Make an engine known in this process, before any that is installed under the same name."""
    _REGISTERED[engine.name] = engine


def unregister(name: str) -> None:
    """Forget an engine that was registered."""
    _REGISTERED.pop(name, None)


def names() -> tuple[str, ...]:
    """All engines that can be named, sorted. Loads none of them."""
    return tuple(sorted({*_entries(), *_REGISTERED}))


def find(spec: str) -> Engine:
    """The engine of that name, or "name/variant". Raises CompositionError with the nearest names."""
    name, slash, variant = spec.partition("/")
    engine = _REGISTERED.get(name) or _loaded(name)
    return engine.variant(variant) if slash else engine


@lru_cache(maxsize=64)
def _loaded(name: str) -> Engine:
    if name not in _entries():
        cure = did_you_mean(name, names()) or f"one of: {', '.join(names())}"
        raise CompositionError(f"there is no search engine {name!r:.60}", cure=cure)
    try:
        found: Any = _entries()[name].load()
    except ImportError as error:
        msg = f"the search engine {name!r} cannot be imported: {error}"
        raise MissingExtra(msg, cure="pip install 'chainkit[search]'") from error
    engine: Engine = found
    return engine


@lru_cache(maxsize=1)
def _entries() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}

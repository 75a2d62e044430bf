"""Things that are opened by their name: ours, and those that packages offer through an entry point."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError, MissingExtra, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def opened(
    what: str, name: str, where: str | None, options: Mapping[str, Any], own: Mapping[str, str], group: str
) -> Any:
    """The one of that name. `own` says where ours stand ("module:attribute").

    Raises CompositionError for an unknown name or option, MissingExtra where its package is not installed.
    """
    try:
        made: Any = _opener(what, name, own, group)
        return made(where or None, **options)
    except MissingExtra:
        raise
    except ImportError as error:
        msg = f"the {what} {name!r} needs a package that is not installed: {error}"
        raise MissingExtra(msg, cure=f"pip install 'chainkit[{name}]'") from error
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise CompositionError(f"the {what} {name!r} was given an option that it does not know: {error}") from error


def known(own: Mapping[str, str], group: str) -> tuple[str, ...]:
    """All that can be named, sorted."""
    return tuple(sorted({*own, *_entries(group)}))


def _opener(what: str, name: str, own: Mapping[str, str], group: str) -> Any:
    if name in own:
        module, _, attribute = own[name].partition(":")
        return getattr(import_module(module), attribute)
    if name not in _entries(group):
        names = known(own, group)
        raise CompositionError(f"there is no {what} {name!r}", cure=did_you_mean(name, names) or ", ".join(names))
    return _entries(group)[name].load()


@lru_cache(maxsize=8)
def _entries(group: str) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=group)}

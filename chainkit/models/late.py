"""Things named by where they are, and made or imported when they are first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Late:
    """A wire that is made when it is first asked for: `make` is the import string of a function, `given` its arguments."""

    make: str
    given: tuple[Any, ...] = ()


def imported(what: Any) -> Any:
    """What an import string "package.module:name" names, or a `Late` makes; anything else is itself."""
    if isinstance(what, Late):
        return _made(what)
    return _imported(what) if isinstance(what, str) else what


@lru_cache(maxsize=512)
def _made(what: Late) -> Any:
    return _imported(what.make)(*what.given)


@lru_cache(maxsize=256)
def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)

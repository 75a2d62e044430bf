"""What loading may be told: which files, and how much of each. Every bound has a default, and its error names it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from chainkit.errors import CompositionError, did_you_mean


class LoadOptions(TypedDict, total=False):
    """What `load` and `sources` take beside the place.

    `kinds`: only these kinds ("pdf", "markdown") or suffixes (".pdf"). `exclude`: file names or globs to pass over,
    against the name and against the path inside the folder. `encoding`: of texts that are not UTF-8, instead of a
    guess. `max_bytes`: the most of a file that must be held as a whole, and of an answer to a URL. `part_size`: a text
    file of more bytes is read in parts of so many characters. `max_chars`: of one document's text. `max_pages`: of a
    PDF or a set of slides. `max_unpacked` (bytes) and `max_ratio`: of what is packed. `max_nodes`: tags and
    attributes of XML that is held as a tree. `max_row`: characters in a row
    of a table or a line of JSON. `max_depth`: how deep JSON or mail may be nested. `max_urls`: of a sitemap.
    `max_seconds`: for one file, looked at between its pages, slides, rows and chapters.
    """

    kinds: Iterable[str] | None
    exclude: str | Iterable[str]
    encoding: str | None
    max_bytes: int
    part_size: int
    max_chars: int
    max_pages: int
    max_unpacked: int
    max_ratio: int
    max_nodes: int
    max_row: int
    max_depth: int
    max_urls: int
    max_seconds: int


@dataclass(frozen=True, slots=True)
class Options:
    """`LoadOptions` with their defaults."""

    kinds: frozenset[str] | None = None
    exclude: tuple[str, ...] = ()
    encoding: str | None = None
    max_bytes: int = 100_000_000
    part_size: int = 8_000_000
    max_chars: int = 50_000_000
    max_pages: int = 20_000
    max_unpacked: int = 100_000_000
    max_ratio: int = 200
    max_nodes: int = 3_000_000
    max_row: int = 1_000_000
    max_depth: int = 100
    max_urls: int = 50_000
    max_seconds: int = 600


class Unreadable(ValueError):
    """Why a source gives no document, in words for its user."""


def options(given: LoadOptions) -> Options:
    """Raises CompositionError for an option that is not there, or a bound that is no positive whole number."""
    known = [f.name for f in fields(Options)]
    values: dict[str, Any] = dict(given)
    for name, value in values.items():
        if name not in known:
            raise CompositionError(f"load() has no option {name!r}", cure=did_you_mean(name, known))
        if name not in ("kinds", "exclude", "encoding") and (type(value) is not int or value < 1):
            raise CompositionError(f"{name}={value!r} is no positive whole number")
    if (kinds := values.get("kinds")) is not None:
        values["kinds"] = frozenset(k.lower() for k in ([kinds] if isinstance(kinds, str) else kinds))
    exclude = values.get("exclude", ())
    values["exclude"] = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    return Options(**values)


def too_much(what: str, limits: Options, name: str) -> Unreadable:
    """The error of a bound: what was found, the bound and the option that moves it."""
    return Unreadable(f"{what}; the bound is {name}={getattr(limits, name):,}")

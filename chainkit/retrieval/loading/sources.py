"""Sources: what documents are read from, each with an id and a cheap stamp that tells whether it has changed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, Unpack
from urllib.parse import unquote, urldefrag, urlsplit

from chainkit.documents import Document
from chainkit.errors import ChainkitError, CompositionError, did_you_mean
from chainkit.retrieval.loading.formats import KINDS, format_of, suffix_of
from chainkit.retrieval.loading.listing import paths
from chainkit.retrieval.loading.opened import Opened
from chainkit.retrieval.loading.options import LoadOptions, Options, Unreadable, options
from chainkit.retrieval.loading.reading import read_file, read_opened, seen
from chainkit.retrieval.loading.unread import shown

if TYPE_CHECKING:
    from chainkit.retrieval.loading.fetching import Page

Where: TypeAlias = "str | Path | Iterable[str | Path]"
_PART = re.compile(r"#part=\d+\Z")
_URL = re.compile(r"(?i)\A[a-z][a-z0-9+.-]+://")


class Source(Protocol):
    """Something that documents are read from. `id` is a path or a URL."""

    @property
    def id(self) -> str: ...

    def stamp(self) -> str:
        """What changes when the source does; cheap. Raises ValueError or ChainkitError where it cannot be had."""
        ...

    def read(self) -> Iterator[Document]:
        """Its documents: one with the source's id, of a long text more. Raises ValueError or ChainkitError."""
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file; its stamp is its time and size, and it is not opened for that."""

    id: str
    options: Options = field(default_factory=Options, repr=False)

    def stamp(self) -> str:
        """`mtime_ns:size`. Raises ValueError."""
        about = seen(self.id)
        return f"{about.st_mtime_ns}:{about.st_size}"

    def read(self) -> Iterator[Document]:
        """Its documents. Raises ValueError, and MissingExtra where a parser is not installed."""
        return read_file(self.id, self.options)


@dataclass(slots=True)
class UrlSource:
    """A page or file by its address; `changed` is what a sitemap says of its last change."""

    id: str
    options: Options = field(default_factory=Options, repr=False)
    changed: str | None = None
    _page: Page | None = field(default=None, repr=False, compare=False)

    def stamp(self) -> str:
        """The sitemap's date, else the server's etag or date, else a hash of the content."""
        if self.changed:
            return f"lastmod:{self.changed}"
        from chainkit.retrieval.loading.fetching import fetch, marks

        told = marks(self.id, self.options)
        if told is None:
            self._page = fetch(self.id, self.options)
            told = self._page.mark
        return told

    def read(self) -> Iterator[Document]:
        """Its document. Raises ValueError, EgressBlocked and other errors of the network."""
        from chainkit.retrieval.loading.fetching import fetch

        page, self._page = self._page or fetch(self.id, self.options), None
        name = unquote(urlsplit(page.url).path.rpartition("/")[2]) or "index.html"
        known = {"source": self.id, "modified": self.changed or page.modified}
        metadata = {k: v for k, v in known.items() if v}
        stream = io.BytesIO(page.data)
        opened = Opened(self.id, name, suffix_of(name), stream, len(page.data), self.options, metadata, page.charset)
        if format_of(name, page.content_type) is None and page.content_type.startswith("text/"):
            opened.name, opened.suffix = "page.txt", ".txt"
        yield from read_opened(opened, page.content_type)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A sitemap inside a sitemap that could not be read: an error in the place of its pages."""

    id: str
    error: Exception

    def stamp(self) -> str:
        """Raises its error."""
        raise self.error

    def read(self) -> Iterator[Document]:
        """Raises its error."""
        raise self.error


def sources(where: Where, **given: Unpack[LoadOptions]) -> list[Source]:
    """What a path, folder, glob, URL or sitemap means, or several of them: sorted by path, each once.

    A path that is a text keeps the form in which it was given. Raises ChainkitError where there is nothing.
    """
    limits = options(given)
    for kind in limits.kinds or ():
        if kind not in KINDS and not kind.startswith("."):
            raise CompositionError(f"kinds={kind!r} is neither a kind nor a suffix", cure=did_you_mean(kind, KINDS))
    found = {source.id: source for one in _listed(where) for source in _meant(one, limits)}
    return list(found.values())


def origin(id: str) -> str:
    """The id of the source that a document of this id was read from."""
    return _PART.sub("", id)


def _listed(where: Where) -> list[str | Path]:
    if isinstance(where, str | Path):
        return [where]
    found: list[str | Path] = []
    for one in where:
        if not isinstance(one, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance] - an iterable may hold anything
            msg = f"load() takes paths and URLs, and got {type(one).__name__}: {one!r:.60}"
            raise CompositionError(msg)
        found.append(one)
    return found


def _meant(where: str | Path, limits: Options) -> list[Source]:
    if isinstance(where, str) and _URL.match(where):
        return _of_url(urldefrag(where)[0], limits)
    found = paths(where, limits)
    if len(found) == 1 and found[0].lower().endswith((".xml", ".xml.gz")):
        from chainkit.retrieval.loading.sitemap import pages_of_file

        pages = pages_of_file(found[0], limits)
        if pages is not None:
            return _some(pages, where)
    return [FileSource(path, limits) for path in found]


def _of_url(url: str, limits: Options) -> list[Source]:
    if urlsplit(url).path.lower().endswith((".xml", ".xml.gz")):
        from chainkit.retrieval.loading.sitemap import pages_of_url

        pages = pages_of_url(url, limits)
        if pages is not None:
            return _some(pages, url)
    return [UrlSource(url, limits)]


def _some(pages: list[Source], where: str | Path) -> list[Source]:
    if not pages:
        raise ChainkitError(f"no documents at {shown(str(where))!r}: it is a sitemap that lists no pages")
    return pages


__all__ = ["FileSource", "Source", "Unreadable", "UrlSource", "Where", "origin", "sources"]

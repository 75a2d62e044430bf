"""The splitter that fits a document: by what is known of it, by its file's ending, by its text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from chainkit.documents import Chunk, Document
from chainkit.retrieval.splitting.code import ByCode
from chainkit.retrieval.splitting.filling import filled
from chainkit.retrieval.splitting.recursion import Recursive
from chainkit.retrieval.splitting.spans import Passage, chunks, trimmed
from chainkit.retrieval.splitting.splitter import SIZE, Splitter, sized


@dataclass(frozen=True)
class Automatic(Splitter):
    """See `automatic`."""

    size: int = SIZE

    def __post_init__(self) -> None:
        sized(self.size)

    def chosen(self, document: Document) -> Splitter:
        """What cuts this document."""
        if document.regions and all("row" in about for _, about in document.regions):
            return ByRow(self.size)
        language = _language(document)
        return Recursive(self.size) if language is None else ByCode(language, self.size)

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        return self.chosen(document).split(document)


@dataclass(frozen=True)
class ByRow(Splitter):
    """Whole rows of a table, as many as fit; one that does not fit is cut as text."""

    size: int = SIZE

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        return chunks(document, _rows(document, self.size))


def _rows(document: Document, size: int) -> Iterator[Passage]:
    text, starts = document.text, sorted({start for start, _ in document.regions} | {0})
    start = 0
    while start < len(text):
        n = bisect_right(starts, start)
        end = _bound(starts, n, len(text))
        while end < len(text) and trimmed(text, start, _bound(starts, n + 1, len(text)))[1] - start <= size:
            n += 1
            end = _bound(starts, n, len(text))
        for a, b in filled(text, start, end, size):
            yield a, b, ()
        start = end


def _bound(starts: list[int], n: int, end: int) -> int:
    return starts[n] if n < len(starts) else end


def _language(document: Document) -> str | None:
    from chainkit.retrieval.loading.text import LANGUAGES

    source = str(document.metadata.get("source", document.id))
    by_suffix = LANGUAGES.get(PurePosixPath(source.lower()).suffix)
    said = document.metadata.get("language")  # of a page it is what people speak there
    return by_suffix or (said if said in LANGUAGES.values() else None)


def automatic(size: int = SIZE) -> Automatic:
    """Chooses for each document: code along its functions, tables by rows, all else at headings and paragraphs.

    It goes by what a loader noted (`language`, rows), else by the ending of the source.
    """
    return Automatic(size)

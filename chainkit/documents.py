"""Documents, their chunks, and what a search gives. Leaf data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Region: TypeAlias = tuple[int, Mapping[str, Any]]
"""(start, what is known of the text from there to the next region): a page, a sheet, a slide, a line of a table."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with an id and what is known of it: `source` (a path or address), `title`, whatever you add.

    `regions` say what holds for a stretch of the text only, such as its page: (start, metadata) in order of start.
    """

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    regions: tuple[Region, ...] = ()

    def at(self, start: int) -> Mapping[str, Any]:
        """What is known of the text at a character: the document's metadata, and its region's."""
        found = bisect_right(self.regions, start, key=lambda r: r[0])
        return {**self.metadata, **self.regions[found - 1][1]} if found else self.metadata

    def __hash__(self) -> int:
        return hash((self.id, self.text))

    def __repr__(self) -> str:
        return f"Document({self.id!r}, {len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document: `text` is exactly `document.text[start:end]`; `headings` lead to it.

    `id` is the document's.
    """

    id: str
    text: str
    start: int
    end: int
    headings: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def span(self) -> tuple[int, int]:
        """(start, end) in characters of the document's text."""
        return self.start, self.end

    @property
    def key(self) -> tuple[str, int, int]:
        """(document, start, end): which chunk it is."""
        return self.id, self.start, self.end

    @property
    def source(self) -> str:
        """Where the document came from: its `source`, else its id."""
        return str(self.metadata.get("source", self.id))

    def __hash__(self) -> int:
        return hash((self.id, self.start, self.end))

    def __repr__(self) -> str:
        text = " ".join(self.text[:80].split())
        return f"Chunk({self.source!r}, {self.start}-{self.end}, {text[:40] + '…' if len(text) > 40 else text!r})"


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A chunk that a search found, and how well it fits: higher is better, comparable within one search."""

    document: Chunk
    score: float

    @property
    def text(self) -> str:
        """The chunk's text."""
        return self.document.text

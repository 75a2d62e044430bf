"""Documents, their passages, and what a search gives. Leaf data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """A text with an id and what is known of it: `source` (a path or address), `title`, whatever you add."""

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __hash__(self) -> int:
        return hash((self.id, self.text))

    def __repr__(self) -> str:
        return f"Document({self.id!r}, {len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document: `text` is exactly `document.text[start:end]`; `headings` lead to it."""

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
    def source(self) -> str:
        """Where the document came from: its `source`, else its id."""
        return str(self.metadata.get("source", self.id))

    def __hash__(self) -> int:
        return hash((self.id, self.start, self.end))


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A passage that a search found, and how well it fits: higher is better, comparable within one search."""

    document: Passage
    score: float

    @property
    def text(self) -> str:
        """The passage's text."""
        return self.document.text

"""By headings down to a level: a chapter, a section is a chunk, where it fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chainkit.documents import Chunk, Document
from chainkit.errors import CompositionError
from chainkit.retrieval.splitting.filling import filled
from chainkit.retrieval.splitting.outline import Outline, outline
from chainkit.retrieval.splitting.spans import Passage, chunks
from chainkit.retrieval.splitting.splitter import Splitter, sized

_DEEPEST = 6


@dataclass(frozen=True)
class ByHeading(Splitter):
    """See `by_heading`."""

    level: int = 2
    size: int = 4000

    def __post_init__(self) -> None:
        sized(self.size)
        if not 1 <= self.level <= _DEEPEST:
            raise CompositionError(f"headings have the levels 1 to {_DEEPEST}, not {self.level}")

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        return chunks(document, _passages(document.text, self.level, self.size))


def _passages(text: str, level: int, size: int) -> Iterator[Passage]:
    marks = outline(text)
    parts, first = marks.sections, 0
    for n in range(1, len(parts) + 1):
        if n < len(parts) and marks.levels[n] > level:
            continue
        yield from _joined(text, parts[first:n], size, marks)
        first = n


def _joined(text: str, parts: list[Passage], size: int, marks: Outline) -> Iterator[Passage]:
    """The parts of a section, as many together as fit; what does not fit alone is cut at paragraphs."""
    at = 0
    while at < len(parts):
        start, end, path = parts[at]
        at += 1
        while at < len(parts) and parts[at][1] - start <= size:
            end = parts[at][1]
            at += 1
        for a, b in filled(text, start, end, size, 0, marks):
            yield a, b, path


def by_heading(level: int = 2, *, size: int = 4000) -> ByHeading:
    """A chunk for each Markdown heading of this level or above, with what stands below it.

    One of more than `size` characters is cut at its deeper headings, then as `recursive` cuts. Text without headings is
    cut like that too. Raises CompositionError for a level that there is not.
    """
    return ByHeading(level, size)

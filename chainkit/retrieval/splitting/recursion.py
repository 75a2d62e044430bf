"""By headings, then paragraphs, lines, sentences and words: the splitter that an index has unless it is given another."""

from __future__ import annotations

from dataclasses import dataclass

from chainkit.documents import Chunk, Document
from chainkit.retrieval.splitting.filling import filled
from chainkit.retrieval.splitting.outline import Outline, outline
from chainkit.retrieval.splitting.spans import Passage, chunks, trimmed
from chainkit.retrieval.splitting.splitter import SIZE, Splitter, sized


@dataclass(frozen=True)
class Recursive(Splitter):
    """See `recursive`."""

    size: int = SIZE
    overlap: int = 0

    def __post_init__(self) -> None:
        sized(self.size, self.overlap)

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        return chunks(document, passages(document.text, outline(document.text), self.size, self.overlap))


def passages(text: str, marks: Outline, size: int, overlap: int = 0) -> list[Passage]:
    """The pieces of each section that fit, with its headings."""
    found: list[Passage] = []
    for start, end, path in marks.sections:
        if end - start > size:
            found += [(a, b, path) for a, b in filled(text, start, end, size, overlap, marks)]
            continue
        first, stop = trimmed(text, start, end)
        if stop > first:
            found.append((first, stop, path))
    return found


def recursive(size: int = SIZE, *, overlap: int = 0) -> Recursive:
    """Chunks of at most `size` characters: cut at Markdown headings first, then as full as they may be.

    Within a section the cut is at the last blank line that fits, else at the end of a line, a sentence, a word. Fenced code
    and tables that fit are not cut. With `overlap` a chunk repeats up to so many characters of the one before in its
    section, from where a sentence or a word begins. Raises CompositionError where the sizes make no sense.
    """
    return Recursive(size, overlap)


def split(document: Document, size: int = SIZE) -> list[Chunk]:
    """The chunks of a document as `recursive` cuts them: their spans do not overlap, and hold all but white space."""
    return Recursive(size).split(document)

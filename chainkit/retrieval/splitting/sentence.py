"""By sentences: so many to a chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chainkit.documents import Chunk, Document
from chainkit.retrieval.splitting.filling import filled
from chainkit.retrieval.splitting.outline import Outline, outline
from chainkit.retrieval.splitting.sentences import sentences
from chainkit.retrieval.splitting.spans import Passage, Span, chunks
from chainkit.retrieval.splitting.splitter import Splitter, sized

LONGEST = 2000


@dataclass(frozen=True)
class BySentence(Splitter):
    """See `by_sentence`."""

    n: int = 5
    overlap: int = 0
    size: int = LONGEST

    def __post_init__(self) -> None:
        sized(self.n, self.overlap, "sentences")
        sized(self.size)

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        return chunks(document, self._passages(document.text))

    def _passages(self, text: str) -> Iterator[Passage]:
        marks = outline(text)
        for start, end, path in marks.sections:
            for a, b in grouped(list(told(text, start, end, self.size, marks)), self.n, self.overlap, self.size):
                yield a, b, path


def told(text: str, start: int, end: int, size: int, marks: Outline) -> Iterator[Span]:
    """The sentences of a section; a heading belongs to the first, and one that is too long comes in pieces."""
    heading: int | None = None
    for a, b in _unbroken(text, start, end, marks):
        if heading is None and text.startswith("#", a) and a == start:
            heading = a
            continue
        first = a if heading is None or b - heading > size else heading
        if heading is not None and first == a:
            yield from filled(text, heading, a, size)
        heading = None
        if b - first <= size:
            yield first, b
        else:
            yield from filled(text, first, b, size, 0, marks)
    if heading is not None:
        yield from filled(text, heading, end, size)


def _unbroken(text: str, start: int, end: int, marks: Outline) -> Iterator[Span]:
    """Sentences, and fenced code as one."""
    at = start
    for a, b in marks.fences_in(start, end):
        yield from sentences(text, at, a)
        yield a, b
        at = b
    yield from sentences(text, at, end)


def grouped(spans: list[Span], n: int, overlap: int, size: int) -> Iterator[Span]:
    """So many at once, fewer where they would be too long; each begins with the last `overlap` of the ones before."""
    at = 0
    while at < len(spans):
        stop = at + 1
        while stop < min(len(spans), at + n) and spans[stop][1] - spans[at][0] <= size:
            stop += 1
        yield spans[at][0], spans[stop - 1][1]
        if stop == len(spans):
            return
        at = max(at + 1, _again(spans, at, stop, overlap, size))


def _again(spans: list[Span], at: int, stop: int, overlap: int, size: int) -> int:
    """The sentence to begin with again: such that the next new one still fits."""
    first = max(at + 1, stop - overlap)
    while first < stop and spans[stop][1] - spans[first][0] > size:
        first += 1
    return first


def by_sentence(n: int = 5, *, overlap: int = 0, size: int = LONGEST) -> BySentence:
    """Chunks of `n` sentences, `overlap` of them shared with the chunk before; never across a heading.

    Fewer where they would have more than `size` characters; a longer sentence is cut at its words. What is a sentence:
    rules for German, English, Chinese and Japanese, which know abbreviations, initials and ordinals. Raises
    CompositionError where the overlap is not smaller than `n`.
    """
    return BySentence(n, overlap, size)

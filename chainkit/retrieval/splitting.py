"""A document in chunks: by heading first, then by paragraph, sentence and word, each with its exact span."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from chainkit.documents import Chunk, Document

SIZE = 800
"""Characters that a chunk has at the most, unless asked otherwise."""

Span: TypeAlias = tuple[int, int]
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_CUTS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n"), re.compile(r"(?<=[.!?…\"”»])\s+"), re.compile(r"\s+"))


def split(document: Document, size: int = SIZE) -> list[Chunk]:
    """The chunks of a document: their spans do not overlap, and hold all its text but white space."""
    text = document.text
    return [
        Chunk(document.id, text[a:b], a, b, headings, document.metadata)
        for start, end, headings in _sections(text)
        for a, b in _fitted(text, start, end, size)
    ]


def _sections(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    fences = [m.span() for m in _FENCE.finditer(text)] if "```" in text or "~~~" in text else []
    stack: list[tuple[int, str]] = []
    start = 0
    for match in _HEADING.finditer(text):
        if any(a <= match.start() < b for a, b in fences):
            continue
        if match.start() > start:
            yield start, match.start(), tuple(t for _, t in stack)
        level = len(match.group(1))
        stack = [s for s in stack if s[0] < level] + [(level, match.group(2))]
        start = match.start()
    yield start, len(text), tuple(t for _, t in stack)


def _fitted(text: str, start: int, end: int, size: int) -> Iterator[Span]:
    """Pieces of a section, filled up to the size."""
    held: Span | None = None
    for a, b in _pieces(text, start, end, size, 0):
        if held is not None and b - held[0] <= size:
            held = held[0], b
            continue
        if held is not None:
            yield held
        held = a, b
    if held is not None:
        yield held


def _pieces(text: str, start: int, end: int, size: int, level: int) -> Iterator[Span]:
    start, end = _trimmed(text, start, end)
    if start >= end:
        return
    if end - start <= size:
        yield start, end
    elif level == len(_CUTS):
        for a in range(start, end, size):
            yield a, min(a + size, end)
    else:
        at = start
        for match in _CUTS[level].finditer(text, start, end):
            yield from _pieces(text, at, match.start(), size, level + 1)
            at = match.end()
        yield from _pieces(text, at, end, size, level + 1)


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


@dataclass(frozen=True)
class Recursive:
    """By heading, paragraph, sentence and word: chunks of at most `size` characters."""

    size: int = SIZE

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        return split(document, self.size)


def recursive(size: int = SIZE) -> Recursive:
    """A splitter."""
    return Recursive(size)

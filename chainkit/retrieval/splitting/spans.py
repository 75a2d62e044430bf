"""Spans of a text, and the chunks that they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TypeAlias

from chainkit.documents import Chunk, Document

Span: TypeAlias = tuple[int, int]
Headings: TypeAlias = tuple[str, ...]
Passage: TypeAlias = tuple[int, int, Headings]
"""(start, end, the headings that lead to it)."""

INK = re.compile(r"\S")
_FARTHEST = 40
"""Characters that a cluster is followed back for: a flag, a family of emoji, a letter with a pile of accents."""
_JOINER = "\u200d"


def chunks(document: Document, passages: Iterable[Passage]) -> list[Chunk]:
    """The chunks of a document for these spans of it."""
    id, text, about = document.id, document.text, document.metadata  # noqa: A001 - what a document's id is called
    if not document.regions:
        return [Chunk(id, text[a:b], a, b, headings, about) for a, b, headings in passages]
    return [Chunk(id, text[a:b], a, b, headings, document.at(a)) for a, b, headings in passages]


def trimmed(text: str, start: int, end: int) -> Span:
    """A span without white space at its ends; an empty one where there is nothing else."""
    end = start + len(text[start:end].rstrip())
    if start == end or not text[start].isspace():
        return start, end
    first = INK.search(text, start, end)
    return (first.start() if first else end), end


def whole(text: str, low: int, at: int) -> int:
    """The last place up to `at`, and after `low`, that is not within what a reader takes for one character."""
    for place in range(at, max(low, at - _FARTHEST), -1):
        if not within(text, place):
            return place
    return at


def within(text: str, at: int) -> bool:
    """Whether a cut here would part a letter from its accents, an emoji from its parts, a line break in two.

    An approximation of the extended grapheme clusters of Unicode (UAX 29), without Hangul in single letters.
    """
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return before == "\r" and after == "\n"
    if before == _JOINER:
        return True
    if _joins(after):
        return not before.isspace()
    return _flag(after) and _flag(before) and _flags_before(text, at) % 2 == 1


def _joins(letter: str) -> bool:
    """Whether it is drawn upon the one before: accents, selectors, skin tones, tags, a joiner, half a surrogate."""
    code = ord(letter)
    return (
        unicodedata.category(letter)[0] == "M"
        or letter == _JOINER
        or 0x1F3FB <= code <= 0x1F3FF
        or 0xE0020 <= code <= 0xE007F
        or 0xDC00 <= code <= 0xDFFF
    )


def _flag(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    start = at
    while start > max(0, at - _FARTHEST) and _flag(text[start - 1]):
        start -= 1
    return at - start

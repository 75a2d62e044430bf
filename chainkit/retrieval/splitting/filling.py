"""A long stretch of text in pieces that fit: as full as they may be, cut where it hurts least. Pure.

A cut is looked for from the end of what fits: the last blank line, else the last line's end, the last sentence's end, the
last white space, and only then between two letters. The first third of a piece is passed over, so that a heading does not
stand alone before a long paragraph; fenced code and tables that fit by themselves are not cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainkit.retrieval.splitting.outline import Outline, table
from chainkit.retrieval.splitting.sentences import ends, last_end
from chainkit.retrieval.splitting.spans import INK, Span, trimmed, whole

_BLANK = re.compile(r"\n[ \t\r\f\v]+\n")
_GAP = re.compile(r"\s|(?<=[、，；：,;])(?=[^\s\d])")
NO_OUTLINE = Outline([], [], [])


def filled(text: str, start: int, end: int, size: int, overlap: int = 0, marks: Outline = NO_OUTLINE) -> Iterator[Span]:
    """Pieces of at most `size` characters, each without white space at its ends.

    With an overlap a piece begins up to so many characters before the end of the one before, where a sentence or word does.
    """
    start, end = trimmed(text, start, end)
    reached = start
    while end - start > size:
        cut = cut_of(text, start, reached, start + size, marks)
        if cut <= reached and start < reached:
            start = reached  # what comes next fits, but not together with what would be repeated
            continue
        stop = start + len(text[start:cut].rstrip())
        yield start, stop
        follows = INK.search(text, cut, end)
        if follows is None:
            return
        reached = follows.start()
        start = back(text, start, reached, stop, overlap) if overlap else reached
    if end > start:
        yield start, end


def cut_of(text: str, start: int, reached: int, most: int, marks: Outline = NO_OUTLINE) -> int:
    """The best place after `reached`, and up to `most`, to end a piece that begins at `start`."""
    least = max(start + (most - start) // 3, reached) + 1
    at = text.rfind("\n\n", least, most + 2)
    finer = at < 0
    if finer:
        at = _finer(text, start, reached, least, most)
    kept = marks.fence(at) if marks.fences else None
    if kept is None and finer and marks.bars:
        kept = table(text, at, most - start)
    if kept is None or kept[1] - kept[0] > most - start:
        return at
    return kept[1] if kept[1] <= most else kept[0]


def _finer(text: str, start: int, reached: int, least: int, most: int) -> int:
    """Where no empty line stands in the last two thirds."""
    blank = _paragraph(text, least, most)
    if blank >= 0:
        return blank
    early = _paragraph(text, reached + 1, least)
    if early >= 0 and not _heading(text, start, early) and _fits(text, early, most - start):
        return early
    for looked in (_line, last_end):
        at = looked(text, least, most)
        if at >= 0:
            return at
    at = early if early >= 0 else _word(text, least, most)
    return at if at >= 0 else whole(text, least - 1, most)


def _heading(text: str, start: int, end: int) -> bool:
    return text.startswith("#", start) and text.find("\n", start, end) < 0


def _fits(text: str, at: int, size: int) -> bool:
    """Whether the paragraph that follows a blank line is no longer than that."""
    follows = INK.search(text, at)
    if follows is None:
        return False
    most = follows.start() + size
    return len(text) <= most or _paragraph(text, follows.start(), most) >= 0


def _paragraph(text: str, least: int, most: int) -> int:
    at = text.rfind("\n\n", least, most + 2)
    return at if at >= 0 else max((m.start() for m in _BLANK.finditer(text, least, most + 2)), default=-1)


def _line(text: str, least: int, most: int) -> int:
    return text.rfind("\n", least, most + 1)


def _word(text: str, least: int, most: int) -> int:
    at = text.rfind(" ", least, most + 1)
    return at if at >= 0 else max((m.start() for m in _GAP.finditer(text, least, most + 1)), default=-1)


def back(text: str, start: int, reached: int, stop: int, overlap: int) -> int:
    """Where the next piece begins, so that it shares up to `overlap` characters with the one that ends at `stop`."""
    low = max(start + 1, stop - overlap)
    for at in ends(text, max(start, low - 2), stop):
        found = INK.search(text, at, stop)
        if found is not None and found.start() >= low:
            return found.start()
    gap = _GAP.search(text, low - 1, stop)
    found = INK.search(text, max(low, gap.start()), stop) if gap else None
    if found is not None:
        return found.start()
    at = whole(text, start, low)
    return at if start < at < stop and not text[at].isspace() else reached

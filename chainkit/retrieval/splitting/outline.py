"""What Markdown says of a text's build: its headings, its fenced code, its tables. One pass over the text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from chainkit.retrieval.splitting.spans import Headings, Passage, Span

_MARK = r" {0,3}(?:(#{1,6})[ \t]+(\S[^\n]*)|(`{3,}|~{3,})([^\n]*))"
_MARKS = re.compile(r"\n" + _MARK)
_FIRST = re.compile(_MARK)
_CLOSING = re.compile(r"(?:^|[ \t]+)#+$")


@dataclass(frozen=True, slots=True)
class Outline:
    """`sections`: from a heading to the next one, each with its path; `fences`: blocks of code, fences included."""

    sections: list[Passage]
    fences: list[Span]

    def fence(self, at: int) -> Span | None:
        """The block of code that a cut here would go through."""
        found = bisect_right(self.fences, (at,)) - 1
        if found >= 0 and self.fences[found][0] < at < self.fences[found][1]:
            return self.fences[found]
        return None

    def fences_in(self, start: int, end: int) -> list[Span]:
        """The blocks of code between two places."""
        return self.fences[bisect_left(self.fences, (start,)) : bisect_left(self.fences, (end,))]


def outline(text: str, deepest: int = 6) -> Outline:
    """The sections of a text, by headings down to a level, and its fenced code, in which nothing is a heading."""
    marks = _marks(text)
    fences = _fences(marks, len(text)) if "```" in text or "~~~" in text else []
    sections: list[Passage] = []
    stack: list[tuple[int, str]] = []
    path: Headings = ()
    start, inside = 0, 0
    for match in marks:
        sign = match.group(1)
        if sign is None or len(sign) > deepest:
            continue
        at = match.start(1)
        while inside < len(fences) and fences[inside][1] <= at:
            inside += 1
        if inside < len(fences) and fences[inside][0] <= at:
            continue
        if at > start:
            sections.append((start, at, path))
        stack = [s for s in stack if s[0] < len(sign)]
        stack.append((len(sign), _title(match.group(2))))
        path = tuple([title for _, title in stack])
        start = at
    sections.append((start, len(text), path))
    return Outline(sections, fences)


def _marks(text: str) -> list[re.Match[str]]:
    first = _FIRST.match(text)
    return [*([first] if first else []), *_MARKS.finditer(text)]


def _title(words: str) -> str:
    words = words.rstrip()
    return _CLOSING.sub("", words) if words.endswith("#") else words


def _fences(marks: list[re.Match[str]], end: int) -> list[Span]:
    """Blocks between a fence and the next one of its kind that is as long and says nothing; an open one is none."""
    found: list[Span] = []
    opened: list[re.Match[str]] = [m for m in marks if m.group(3) is not None]
    never: dict[str, int] = {}
    n = 0
    while n < len(opened):
        sign = opened[n].group(3)
        kind, length = sign[0], len(sign)
        close = None if length >= never.get(kind, end + 1) else _closing(opened, n + 1, sign)
        if close is None:
            never[kind] = min(length, never.get(kind, length))
            n += 1
            continue
        found.append((opened[n].start(3), opened[close].end()))
        n = close + 1
    return found


def _closing(fences: list[re.Match[str]], start: int, sign: str) -> int | None:
    for n in range(start, len(fences)):
        if fences[n].group(3).startswith(sign) and not fences[n].group(4).strip():
            return n
    return None


def table(text: str, at: int, size: int) -> Span | None:
    """The table whose lines a cut here would part, where it has no more than `size` characters.

    A table is lines one after the other that begin with a bar.
    """
    farthest = max(0, at - size - 1)
    start = text.rfind("\n", farthest, at) + 1
    if not _row(text, start) or (start == 0 and farthest > 0):
        return None
    while start > farthest and _row(text, above := text.rfind("\n", farthest, start - 1) + 1) and above < start:
        start = above
    end = at
    while end != -1 and end - start <= size:
        end = text.find("\n", end)
        if end == -1 or not _row(text, end + 1):
            break
        end += 1
    end = len(text) if end == -1 else end
    return (start, end) if start < at < end and end - start <= size else None


def _row(text: str, start: int) -> bool:
    return text[start : start + 4].lstrip(" ").startswith("|")

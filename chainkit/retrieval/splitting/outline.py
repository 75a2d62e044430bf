"""What Markdown says of a text's build: its headings, its fenced code, its tables. One pass over the text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from chainkit.retrieval.splitting.spans import Headings, Passage, Span

_MARK = r" {0,3}(?:(#{1,6})[ \t]+(\S[^\n]*)|(`{3,}|~{3,})([^\n]*))"
_MARKS = re.compile(r"\n" + _MARK)
_FIRST = re.compile(_MARK)
_HEADING, _FENCE = 2, 4
"""The last group of either kind of mark."""
_CLOSING = re.compile(r"(?:^|[ \t]+)#+$")


@dataclass(frozen=True, slots=True)
class Outline:
    """`sections`: from a heading to the next one, each with its path; `fences`: blocks of code, fences included.

    `levels` are those of the headings with which the sections begin, 0 for what stands before the first; `bars` says
    that there may be tables.
    """

    sections: list[Passage]
    fences: list[Span]
    levels: list[int]
    bars: bool = False

    def fence(self, at: int) -> Span | None:
        """The block of code that a cut here would go through."""
        found = bisect_right(self.fences, (at,)) - 1
        if found >= 0 and self.fences[found][0] < at < self.fences[found][1]:
            return self.fences[found]
        return None

    def fences_in(self, start: int, end: int) -> list[Span]:
        """The blocks of code between two places."""
        return self.fences[bisect_left(self.fences, (start,)) : bisect_left(self.fences, (end,))]


def outline(text: str) -> Outline:
    """The sections of a text, and its fenced code, in which nothing is a heading."""
    marks = _marks(text)
    fences = _fences(marks, len(text)) if "```" in text or "~~~" in text else []
    sections: list[Passage] = []
    levels: list[int] = []
    stack: list[tuple[int, str]] = []
    path: Headings = ()
    start, level = 0, 0
    hidden = iter([*fences, (len(text) + 1, len(text) + 1)])
    opens, closes = next(hidden)
    for match in marks:
        if match.lastindex != _HEADING:
            continue
        at = match.start(1)
        while closes <= at:
            opens, closes = next(hidden)
        if opens <= at:
            continue
        if at > start:
            sections.append((start, at, path))
            levels.append(level)
        start, level = at, match.end(1) - at
        while stack and stack[-1][0] >= level:
            stack.pop()
        stack.append((level, _title(match.group(2))))
        path = tuple([title for _, title in stack])
    return Outline([*sections, (start, len(text), path)], fences, [*levels, level], "|" in text)


def _marks(text: str) -> list[re.Match[str]]:
    first = _FIRST.match(text)
    return [*([first] if first else []), *_MARKS.finditer(text)]


def _title(words: str) -> str:
    words = words.rstrip()
    return _CLOSING.sub("", words) if words.endswith("#") else words


def _fences(marks: list[re.Match[str]], end: int) -> list[Span]:
    """Blocks between a fence and the next one of its kind that is as long and says nothing; an open one is none."""
    found: list[Span] = []
    opened = [m for m in marks if m.lastindex == _FENCE]
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
        if not fences[n][4].strip() and fences[n][3].startswith(sign):
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

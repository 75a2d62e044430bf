"""A template's text, and showing the line in it that is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainkit.prompts.parts import Spot

_INSIDE = re.compile(r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)")
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text and where it was written."""

    text: str
    spot: Spot

    def show(self, line: int, word: str | None = None) -> str:
        """The line (counted from 1 in this text) with a caret under `word`, or under all of it."""
        lines = self.text.split("\n")
        text = lines[min(max(line, 1), len(lines)) - 1].expandtabs(4)
        start, end = _span(text, word)
        first = max(0, start - _WIDTH // 2) if len(text) > _WIDTH else 0
        shown = text[first : first + _WIDTH]
        carets = " " * (start - first) + "^" * max(1, min(end, first + _WIDTH) - start)
        number = self.spot.first_line + line - 1
        return f"  in {self.spot.label}, line {number}:\n    {shown}\n    {carets}"

    def line_with(self, word: str) -> int | None:
        """The first line that holds `word` as a whole word."""
        for number, text in enumerate(self.text.split("\n"), 1):
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text):
                return number
        return None


def _span(text: str, word: str | None) -> tuple[int, int]:
    if word:
        wanted = re.compile(_bounded(word))
        for inside in _INSIDE.finditer(text):
            if found := wanted.search(text, inside.start() + 2, inside.end()):
                return found.span()
        if found := wanted.search(text):
            return found.span()
    stripped = text.strip()
    start = text.find(stripped) if stripped else 0
    return start, start + len(stripped)


def _bounded(word: str) -> str:
    before = r"(?<!\w)" if word[0].isalnum() or word[0] == "_" else ""
    after = r"(?!\w)" if word[-1].isalnum() or word[-1] == "_" else ""
    return before + re.escape(word) + after

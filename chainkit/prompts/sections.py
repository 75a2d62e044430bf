r"""The body of a prompt file: lines `+++ WORDS` and the texts between them.

Sections are split before anything is rendered, so a value can never begin one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from chainkit.errors import PromptError
from chainkit.prompts.parts import Spot

_MARK = re.compile(r"\+\+\+(?:[ \t]|$)")
_ESCAPED = re.compile(r"\\+\+\+\+(?:[ \t]|$)")
_TO_ESCAPE = re.compile(r"\\*\+\+\+(?:[ \t]|$)")


@dataclass(frozen=True, slots=True)
class Section:
    """One marked text: the words of its line, options such as `last=20`, and the text below it.

    `line` is the marker's line in the file, `first` the text's. `exact` keeps the blank lines around the text.
    """

    words: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    exact: bool = False
    line: int = 1
    first: int = 1

    def spot(self, where: str) -> Spot:
        """Where its text was written."""
        return Spot(f"{where} ({' '.join(self.words)})", self.first)


def is_mark(line: str) -> bool:
    """Whether a line begins a section."""
    return _MARK.match(line) is not None


def sections(lines: list[str], first: int, where: str) -> list[Section]:
    """The sections of a file's body, whose first line is line `first` of the file."""
    starts = [i for i, line in enumerate(lines) if is_mark(line)]
    found: list[Section] = []
    head = lines[: starts[0] if starts else len(lines)]
    if any(line.strip() for line in head):
        found.append(_section("user", head, first - 1, where))
    for start, end in pairwise([*starts, len(lines)]):
        found.append(_section(lines[start][3:], lines[start + 1 : end], first + start, where))
    return found


def _section(head: str, lines: list[str], line: int, where: str) -> Section:
    try:
        words = shlex.split(head)
    except ValueError as error:
        raise PromptError(f"{where}, line {line}: {error}") from None
    options = dict(w.split("=", 1) for w in words if "=" in w)
    plain = tuple(w for w in words if "=" not in w) or ("user",)
    exact = "exact" in plain[1:]
    skipped, kept = (0, lines) if exact else _without_blank(lines)
    text = "\n".join(each[1:] if _ESCAPED.match(each) else each for each in kept)
    said = tuple(w for i, w in enumerate(plain) if i == 0 or w != "exact")
    return Section(said, options, text, exact, line, line + 1 + skipped)


def _without_blank(lines: list[str]) -> tuple[int, list[str]]:
    """The lines without blank ones around them, and how many were before."""
    held = [i for i, line in enumerate(lines) if line.strip()]
    return (held[0], lines[held[0] : held[-1] + 1]) if held else (0, [])


def written(found: Iterable[Section]) -> Iterator[str]:
    """The lines of a file's body."""
    for section in found:
        lines = section.text.split("\n") if section.text or section.exact else []
        exact = section.exact or _without_blank(lines)[1] != lines
        options = [f"{k}={v}" for k, v in section.options.items()]
        words = [*section.words, *(["exact"] if exact else []), *options]
        yield f"+++ {' '.join(shlex.quote(w) for w in words)}"
        for line in lines:
            yield "\\" + line if _TO_ESCAPE.match(line) else line

"""Where the sentences of a text stand, and the marks that a model put behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
_END = re.compile(r"[.!?…。！？]+[\"”“»«’')\]*_]*(?=\s|$|\[|【)|\n+")
_MARK = re.compile(
    r"\s{0,8}(?:\[{1,4}\s{0,8}(?:passages?|sources?|chunks?|documents?|quellen?|abschnitte?|no\.?|nr\.?)?\s{0,8}[#^]?"
    r"(\d+(?:\s?[,;]\s?\d+)*)\s{0,8}\]{1,4}|【(\d+)[^】\n]{0,40}】)",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[\[\]【】]")
_NESTED = 8
"""Marks within marks that are taken out one by one; of what is deeper, all brackets are."""
_DOUBT = re.compile(r"\s{0,8}\[\s{0,8}\?\s{0,8}\]")
_MARKS = re.compile(rf"(?:{_MARK.pattern})+", re.IGNORECASE)
_SHORT = frozenset(
    """z b d h u a o i e g s v st str dr prof nr abs art bzw ca evtl ggf inkl exkl max min mio mrd tel usw vgl zzgl bspw
    mr mrs ms jr sr vs no etc fig approx dept inc ltd co jan feb mär apr jun jul aug sep sept okt oct nov dez dec""".split()
)
_SECTION = re.compile(r"(?<![\w.])\d{1,2}(?:\.\d{1,2}){2,}\.$")
_LAST = re.compile(r"(\w+)\.$")
_MONTH = re.compile(
    r"\s+(?:jan|feb|mär|mar|apr|mai|may|jun|jul|aug|sep|okt|oct|nov|dez|dec)|\s+(?:quartal|jahrhundert|stock|klasse)",
    re.IGNORECASE,
)
_LINE = re.compile(r"\s*(?:#{1,6}\s|[-*+•|]\s?|\d{1,3}[.)]\s|$)")
_BULLET = re.compile(r"\s*(?:[-*+•]\s+|\(?\d{1,2}[.)]\s+|#{1,6}\s+)")


def spans(text: str, *, wrapped: bool) -> list[Span]:
    """The sentences of a text, without the white space around them; marks behind a sentence belong to it.

    `wrapped`: a single end of line is white space, unless a heading, a list or a table goes on there.
    """
    return [s for s in _trimmed(text, _cuts(text, wrapped=wrapped)) if s[0] < s[1]]


def _cuts(text: str, *, wrapped: bool) -> Iterator[Span]:
    start = 0
    for match in _END.finditer(text):
        if match.end() <= start or not _ends(text, start, match, wrapped=wrapped):
            continue
        marks = _MARKS.match(text, match.end())
        end = match.end() if marks is None or "\n" in marks.group() else marks.end()
        yield start, end
        start = end
    yield start, len(text)


def _ends(text: str, start: int, match: re.Match[str], *, wrapped: bool) -> bool:
    if match.group()[0] == "\n":
        line = text.rfind("\n", 0, match.start()) + 1
        own = _LINE.match(text[line : line + 8])
        heading = text.startswith("#", line) or text.startswith("|", line)
        following = _LINE.match(text, match.end()) if match.end() < len(text) else own
        return not wrapped or len(match.group()) > 1 or heading or following is not None
    if match.group() != ".":
        return True
    last = _LAST.search(text, max(start, match.end() - 12), match.end())
    if last is None:
        return True
    word = last.group(1)
    if _SECTION.search(text, max(start, match.end() - 20), match.end()):
        return False
    if word.isdigit() and len(word) < 3:
        # "am 3. März", and the number of a list: "1. Open the lid".
        return _MONTH.match(text, match.end()) is None and text[start : last.start()].strip() != ""
    return word.lower() not in _SHORT


def _trimmed(text: str, found: Iterator[Span]) -> Iterator[Span]:
    for start, end in found:
        held = text[start:end]
        yield start + len(held) - len(held.lstrip()), end - len(held) + len(held.rstrip())


def marked(sentence: str) -> tuple[str, tuple[int, ...]]:
    """A sentence without its marks, and the passages (from 0) that they name, those that cannot be left out."""
    numbers: list[int] = []
    for match in _MARK.finditer(sentence):
        said = match.group(1) or match.group(2)
        numbers += [int(n) - 1 for n in re.split(r"[,;\s]+", said) if 0 < len(n) <= 6]
    return unmarked(sentence), tuple(dict.fromkeys(n for n in numbers if n >= 0))


def unmarked(text: str) -> str:
    """A text in which nothing looks like a mark, also not what is left when marks in marks are taken out."""
    for _ in range(_NESTED):
        bare = _DOUBT.sub("", _MARK.sub("", text))
        if bare == text:
            return bare.strip()
        text = bare
    return _BRACKETS.sub("", text).strip()


def unlisted(sentence: str) -> str:
    """A sentence without the sign of a list or heading before it."""
    return _BULLET.sub("", sentence, count=1) if _BULLET.match(sentence) else sentence

"""Where a quote stands in a text: told apart from it by white space, typographic signs, hyphens at line ends or case."""

from __future__ import annotations

import re
import unicodedata

from chainkit.retrieval.grounding.sentences import Span

_SAME = {ord(c): "'" for c in '"“”„‟«»‹›‘’‚‛`´″′'} | {ord(c): "-" for c in "‐‑‒–—―−"}
_NOTHING = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
_LEFT_OUT = re.compile(r"\s*(?:\[\s*(?:\.{3}|…)\s*\]|\(\s*(?:\.{3}|…)\s*\)|\.{3,}|…)\s*")
_CUT = re.compile(r"(?<=[^\W\d_])[-‐\u00ad][ \t]*\n\s*(?=[^\W\d_])")
_LONGEST = 5000


def located(text: str, quote: str) -> list[Span]:
    """The spans of a quote in a text, several where something is left out of it ("..."); none where it does not stand there.

    The words, figures and their order must be those of the text; a quote does not begin or end within a word.
    """
    if len(quote) > _LONGEST:
        return []
    parts = [p for p in _LEFT_OUT.split(quote) if any(c.isalnum() for c in p)]
    for hyphens in (True, False):
        found = _all(text, parts, hyphens=hyphens)
        if found:
            return found
    return []


def _all(text: str, parts: list[str], *, hyphens: bool) -> list[Span]:
    held, places = _normal(text, hyphens=hyphens)
    spans: list[Span] = []
    at = 0
    for part in parts:
        wanted = _normal(part, hyphens=hyphens)[0].strip(" '.,;:-")
        start = _from(held, wanted, at)
        if not wanted or start < 0:
            return []
        at = start + len(wanted)
        spans.append((places[start], places[at - 1] + 1))
    return [_whole(text, span) for span in spans]


def _from(held: str, wanted: str, at: int) -> int:
    """Where it stands as whole words."""
    start = held.find(wanted, at)
    while start >= 0:
        end = start + len(wanted)
        if not (held[start - 1 : start].isalnum() and wanted[:1].isalnum()) and not (
            held[end : end + 1].isalnum() and wanted[-1:].isalnum()
        ):
            return start
        start = held.find(wanted, start + 1)
    return -1


def _whole(text: str, span: Span) -> Span:
    """With the accents that stand as characters of their own behind the last letter."""
    start, end = span
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return start, end


def _normal(text: str, *, hyphens: bool) -> tuple[str, list[int]]:
    """A text as it is compared, and for each of its characters the place in the text."""
    held: list[str] = []
    places: list[int] = []
    left_out = frozenset[int]() if hyphens else frozenset(n for m in _CUT.finditer(text) for n in range(*m.span()))
    for at, sign in enumerate(text):
        if sign in _NOTHING or at in left_out or (sign.isspace() and held and held[-1] == " "):
            continue
        plain = " " if sign.isspace() else unicodedata.normalize("NFKD", sign.translate(_SAME)).casefold()
        held += plain
        places += [at] * len(plain)
    return "".join(held), places

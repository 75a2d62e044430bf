"""HTML cut into texts and tags, in time linear in its length.

The standard library's parser takes minutes for a megabyte of `<a <a <a`, and a page may come from anybody. This one
looks at each character a bounded number of times: what has no end is text, and is not searched for again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

RAW = frozenset({"script", "style", "title", "noscript", "iframe", "noembed", "noframes", "xmp"})
"""What stands in these is no markup."""
_NAME = re.compile(r"(/?)([a-zA-Z][^\s/<>]{0,40})")
_GIVEN = re.compile(r"""([^\s=/>"'<]{1,40})\s{0,20}=\s{0,20}("[^"]*"|'[^']*'|[^\s"'>]+)""")
_LOOKED_AT = 4_000
"""Characters of a tag in which its attributes are looked for."""
_RAW_END = {tag: re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE) for tag in RAW}


class Token(NamedTuple):
    """A text (`kind` "text"), a tag (`kind` "open" or "close") or what a raw element holds ("raw")."""

    kind: str
    name: str
    text: str


def tokens(markup: str) -> Iterator[Token]:
    """The pieces of a page, in order. Comments and declarations are left out."""
    at, end = 0, len(markup)
    while at < end:
        start = markup.find("<", at)
        if start < 0:
            break
        if start > at:
            yield Token("text", "", unescape(markup[at:start]))
        token, at = _tag(markup, start)
        if token is None:
            if at < 0:
                at = start
                break
            continue
        yield token
        if token.kind == "open" and token.name in RAW:
            found = _RAW_END[token.name].search(markup, at)
            stop = end if found is None else found.start()
            yield Token("raw", token.name, markup[at:stop])
            at = stop
    if at < end:
        yield Token("text", "", unescape(markup[at:end]))


def _tag(markup: str, start: int) -> tuple[Token | None, int]:
    """The tag that begins here, and where the next piece does: -1 where nothing ends any more."""
    if markup.startswith("<!--", start):
        stop = markup.find("-->", start + 4)
        if stop >= 0:
            return None, stop + 3
    name = _NAME.match(markup, start + 1)
    if name is None and markup[start + 1 : start + 2] not in ("!", "?", "/"):
        return Token("text", "", "<"), start + 1
    stop = _end(markup, start)
    if stop < 0:
        return None, -1
    if name is None:
        return None, stop + 1
    kind = "close" if name.group(1) else "open"
    return Token(kind, name.group(2).lower(), markup[name.end() : min(stop, name.end() + _LOOKED_AT)]), stop + 1


def _end(markup: str, start: int) -> int:
    """Where a tag ends: at the first `>` that no quote holds, within reason."""
    stop = markup.find(">", start)
    for _ in range(8):
        inside = markup[start : min(stop, start + _LOOKED_AT)]
        if stop < 0 or stop - start > _LOOKED_AT or not _quoted(inside):
            return stop
        later = markup.find(">", stop + 1, start + _LOOKED_AT)
        if later < 0:
            return stop
        stop = later
    return stop


def _quoted(inside: str) -> bool:
    """Whether a quote that follows `=` is still open."""
    rest = _GIVEN.sub("", inside)
    return '="' in rest or "='" in rest


def given(text: str) -> dict[str, str]:
    """The attributes of a tag, by their lower-case names; the first of a name counts."""
    found: dict[str, str] = {}
    for name, value in _GIVEN.findall(text):
        bare = value[1:-1] if value[:1] in "\"'" and len(value) > 1 else value
        found.setdefault(name.lower(), unescape(bare))
    return found

"""HTML cut into texts and tags, in time linear in its length.

The standard library's parser takes minutes for a megabyte of `<a <a <a`, and a page may come from anybody. This one
looks at each character a bounded number of times: what has no end is text, and is not searched for again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import TypeAlias

RAW = frozenset({"script", "style", "title", "noscript", "iframe", "noembed", "noframes", "xmp"})
"""What stands in these is no markup."""
_NAME = re.compile(r"(/?)([a-zA-Z][^\s/<>]{0,40})")
_GIVEN = re.compile(r"""([^\s=/>"'<]{1,40})\s{0,20}=\s{0,20}("[^"]*"|'[^']*'|[^\s"'>]+)""")
_LOOKED_AT = 4_000
"""Characters of a tag in which its attributes are looked for."""
_RAW_END = {tag: re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE) for tag in RAW}


_PLAIN = re.compile(r"""<(/?)([a-zA-Z][a-zA-Z0-9:_-]{0,40}+)(?![^\s/>])((?:[^<>"']++|"[^"<>]*+"|'[^'<>]*+')*+)>""")
"""A tag as most are. It is looked for no farther than the next `<` or `>`, so that no form of text makes it slow."""

Token: TypeAlias = tuple[str, str, str]
"""("text", "", text), ("open" or "close", tag, its attributes), or what a raw element holds: ("raw", tag, text)."""


def tokens(markup: str) -> Iterator[Token]:
    """The pieces of a page, in order. Comments and declarations are left out."""
    at, end = 0, len(markup)
    while at < end:
        start = markup.find("<", at)
        if start < 0:
            break
        if start > at:
            yield _text(markup[at:start])
        plain = _PLAIN.match(markup, start)
        token: Token | None
        if plain is not None:
            closes, name, inside = plain.groups()
            token, at = ("close" if closes else "open", name.lower(), inside), plain.end()
        else:
            token, at = _tag(markup, start)
        if at < 0:
            at = start
            break
        if token is not None:
            yield token
            if token[0] == "open" and token[1] in RAW:
                found = _RAW_END[token[1]].search(markup, at)
                stop = end if found is None else found.start()
                yield "raw", token[1], markup[at:stop]
                at = stop
    if at < end:
        yield _text(markup[at:end])


def _text(text: str) -> Token:
    return "text", "", unescape(text) if "&" in text else text


def _tag(markup: str, start: int) -> tuple[Token | None, int]:
    """The tag that begins here, and where the next piece does: -1 where nothing ends any more."""
    if markup.startswith("<!--", start):
        stop = markup.find("-->", start + 4)
        if stop >= 0:
            return None, stop + 3
    name = _NAME.match(markup, start + 1)
    if name is None and markup[start + 1 : start + 2] not in ("!", "?", "/"):
        return ("text", "", "<"), start + 1
    stop = _end(markup, start)
    if stop < 0:
        return None, -1
    if name is None:
        return None, stop + 1
    kind = "close" if name.group(1) else "open"
    return (kind, name.group(2).lower(), markup[name.end() : min(stop, name.end() + _LOOKED_AT)]), stop + 1


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
    for name, value in _GIVEN.findall(text[:_LOOKED_AT]):
        bare = value[1:-1] if value[:1] in "\"'" and len(value) > 1 else value
        found.setdefault(name.lower(), unescape(bare))
    return found

"""HTML to text. Headings stay as `# ...` lines, lists as `- ...`, tables as rows.

What a page marks as its main part (`<main>`, else its articles) is taken, and what it marks as being around that
(navigation, footer, forms) is left out, unless nothing else is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape

from chainkit.retrieval.html_tokens import given, tokens

_SILENT = frozenset({"template", "svg", "object", "select", "math", "textarea", "canvas", "audio", "video"})
_AROUND = frozenset({"nav", "footer", "aside", "form", "button", "dialog", "menu"})
_BLOCK = frozenset(
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 "
    "h6 header hr main nav ol p pre section summary table ul".split()
)
_LINE = frozenset({"br", "li", "tr", "caption"})
_NOTE = re.compile(r"\b(?:foot|end)notes?\b|\badmonition\b|\bnote\b", re.IGNORECASE)
_ROLES = {"main": "main", "navigation": "nav", "contentinfo": "footer", "search": "form"}
_NAMES = {
    "author": "author", "article:author": "author", "dc.creator": "author", "dcterms.creator": "author",
    "article:modified_time": "modified", "last-modified": "modified", "dcterms.modified": "modified",
    "og:title": "og_title", "article:published_time": "published",
}  # fmt: skip
_REFRESH = re.compile(r"\s*(\d+)[.\d]*\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"'\s>]+)", re.IGNORECASE)


@dataclass(slots=True)
class HtmlPage:
    """What a page says: its text, its title, its language, what its head tells, and where it sends its reader on to."""

    text: str
    title: str | None = None
    language: str | None = None
    told: dict[str, str] = field(default_factory=dict[str, str])
    refresh: str | None = None


def _meaning(tag: str, about: Mapping[str, str]) -> str:
    """What a part is: a footnote belongs to the text, though it stands aside."""
    role = about.get("role", "")
    if tag == "aside" and _NOTE.search(f"{role} {about.get('class', '')}"):
        return "note"
    return _ROLES.get(role, tag)


class _Reader:
    """Pieces of text, each with whether it stands in the main part and whether it stands around it."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bool, bool]] = []
        self.page = HtmlPage("")
        self._silent = ""
        self._depth = 0
        self._open: list[tuple[str, str]] = []
        self._names: Counter[str] = Counter()
        self._main = self._around = self._articles = self._pre = 0

    def read(self, markup: str) -> None:
        for kind, name, text in tokens(markup):
            if kind == "raw":
                if name == "title" and self.page.title is None and not self._silent:
                    self.page.title = " ".join(unescape(text).split()) or None
            elif kind == "text":
                if not self._silent:
                    self._put(text if self._pre else text.replace("\n", " "))
            elif self._silent:
                self._heed(kind, name)
            elif kind == "open":
                self._begin(name, text)
            else:
                self._end(name)

    def _heed(self, kind: str, name: str) -> None:
        """Inside of what is left out only its own end counts, and that of the page."""
        if name == self._silent:
            self._depth += 1 if kind == "open" else -1
        if self._depth == 0 or (kind == "close" and name in ("head", "body", "html")):
            self._silent, self._depth = "", 0

    def _begin(self, tag: str, text: str) -> None:
        if tag in ("meta", "html"):
            self._heard(tag, given(text))
        elif tag in _SILENT and not text.endswith("/"):
            self._silent, self._depth = tag, 1
        elif tag in _AROUND or tag in ("main", "article") or (tag in ("div", "section") and "role" in text):
            self._enter(tag, _meaning(tag, given(text)))
        self._shape(tag)

    def _end(self, tag: str) -> None:
        if tag == "pre" and self._pre:
            self._pre -= 1
            self._put("\n```\n\n")
        elif tag in _BLOCK:
            self._put("\n\n")
        self._leave(tag)

    def _enter(self, tag: str, meaning: str) -> None:
        self._open.append((tag, meaning))
        self._names[tag] += 1
        self._count(meaning, 1)

    def _count(self, meaning: str, by: int) -> None:
        if meaning == "main":
            self._main += by
        elif meaning == "article":
            self._articles += by
        elif meaning in _AROUND:
            self._around += by

    def _shape(self, tag: str) -> None:
        if tag in _BLOCK:
            self._put("\n\n")
            if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
                self._put("#" * int(tag[1]) + " ")
            elif tag == "pre":
                self._pre += 1
                self._put("```\n")
        elif tag in _LINE:
            self._put("\n- " if tag == "li" else "\n")
        elif tag in ("td", "th"):
            self._put(" | ")

    def _leave(self, tag: str) -> None:
        """An end that fits the innermost ends it. One that is wrongly nested ends what stands open inside as well."""
        if tag not in _AROUND and tag not in ("main", "article") and not (self._open and self._open[-1][0] == tag):
            return
        while self._open and (self._names[tag] > 0):
            name, meaning = self._open.pop()
            self._names[name] -= 1
            self._count(meaning, -1)
            if name == tag:
                break

    def _put(self, text: str) -> None:
        self.parts.append((text, self._main > 0 or self._articles > 0, self._around > 0))

    def _heard(self, tag: str, given: dict[str, str]) -> None:
        if tag == "html":
            self.page.language = self.page.language or given.get("lang") or given.get("xml:lang") or None
            return
        name = (given.get("name") or given.get("property") or given.get("http-equiv") or "").lower()
        if name == "refresh" and self.page.refresh is None:
            found = _REFRESH.match(given.get("content", ""))
            self.page.refresh = found.group(2) if found and int(found.group(1)) <= 10 else None
        elif name in _NAMES and given.get("content", "").strip():
            self.page.told.setdefault(_NAMES[name], given["content"].strip())


def html_page(markup: str) -> HtmlPage:
    """A page's text and what it says of itself."""
    reader = _Reader()
    reader.read(markup)
    page = reader.page
    page.title = page.title or page.told.pop("og_title", None)
    page.text = _chosen(reader.parts)
    return page


def read_html(markup: str) -> tuple[str, str | None]:
    """(text, title) of a page."""
    page = html_page(markup)
    return page.text, page.title


def _chosen(parts: list[tuple[str, bool, bool]]) -> str:
    """The main part without what stands around, if it says anything; else all that does not; else all."""
    inner = _laid("".join(t for t, main, around in parts if main and not around))
    outer = _laid("".join(t for t, _, around in parts if not around))
    if len(inner) * 4 >= len(outer) and inner:
        return inner
    return outer or _laid("".join(t for t, _, _ in parts))


def _laid(text: str) -> str:
    """Lines without the markup's spaces; code blocks as they are."""
    blocks = re.split(r"(^```\n.*?\n```$)", text, flags=re.MULTILINE | re.DOTALL)
    for n in range(0, len(blocks), 2):
        whole = "\n".join(" ".join(line.split()).removeprefix("| ") for line in blocks[n].split("\n"))
        whole = _BEGUN.sub(r"\1 ", whole)
        blocks[n] = _EMPTY.sub("", whole)
    return re.sub(r"\n{3,}", "\n\n", "".join(blocks)).strip()


_BEGUN = re.compile(r"^(#{1,6}|-)\n+(?=[^\s#-])", re.MULTILINE)
"""A mark whose text stands in a block of its own."""
_EMPTY = re.compile(r"^(?:#{1,6}|-|\|)$\n?", re.MULTILINE)
"""A mark without a text."""

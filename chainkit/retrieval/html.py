"""HTML to text: the standard library's parser. Headings stay as `# ...` lines, lists as `- ...`, tables as rows.

What a page marks as its main part (`<main>`, else its articles) is taken, and what it marks as being around that
(navigation, footer, forms) is left out, unless nothing else is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "title", "iframe", "object", "select", "math"})
_AROUND = frozenset({"nav", "footer", "aside", "form", "button", "dialog", "menu"})
_BLOCK = frozenset(
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 "
    "h6 header hr main nav ol p pre section summary table ul".split()
)
_LINE = frozenset({"br", "li", "tr", "caption"})
_ROLES = {"main": "main", "navigation": "nav", "contentinfo": "footer", "search": "form"}
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_NAMES = {
    "author": "author", "article:author": "author", "dc.creator": "author", "dcterms.creator": "author",
    "article:modified_time": "modified", "last-modified": "modified", "dcterms.modified": "modified",
    "og:title": "og_title", "article:published_time": "published",
}  # fmt: skip
_REFRESH = re.compile(r"\s*(\d+)[.\d]*\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"'\s>]+)", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


@dataclass(slots=True)
class HtmlPage:
    """What a page says: its text, its title, its language, what its head tells, and where it sends its reader on to."""

    text: str
    title: str | None = None
    language: str | None = None
    told: dict[str, str] = field(default_factory=dict[str, str])
    refresh: str | None = None


class _Reader(HTMLParser):
    """Pieces of text, each with whether it stands in the main part and whether it stands around it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[str, bool, bool]] = []
        self.page = HtmlPage("")
        self.title: list[str] = []
        self._silent: list[str] = []
        self._open: list[str] = []
        self._main = self._around = self._articles = self._pre = 0
        self._in_main = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "html"):
            self._heard(tag, {k: v or "" for k, v in attrs})
        if tag in _SILENT:
            self._silent.append(tag)
        if self._silent or tag in _VOID:
            if not self._silent and tag in ("br", "hr"):
                self._put("\n" if tag == "br" else "\n\n")
            return
        if tag in _AROUND or tag in ("main", "article", "div", "section"):
            self._enter(tag, attrs)
        self._shape(tag)

    def _enter(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        role = next((_ROLES.get(v or "", "") for k, v in attrs if k == "role"), "")
        meaning = role or tag
        self._open.append(f"{tag} {meaning}")
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

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                del self._silent[len(self._silent) - 1 - self._silent[::-1].index(tag) :]
            elif tag in ("head", "body", "html"):
                self._silent.clear()
            return
        if tag == "pre" and self._pre:
            self._pre -= 1
            self._put("\n```\n\n")
        elif tag in _BLOCK or tag in _LINE:
            self._put("\n\n" if tag in _BLOCK else "\n")
        self._leave(tag)

    def _leave(self, tag: str) -> None:
        if self._open and self._open[-1].startswith(tag + " "):
            self._count(self._open.pop().partition(" ")[2], -1)
        elif tag in _AROUND or tag in ("main", "article"):
            # Wrongly nested: what stands open inside ends with it. Divs are too many to search for.
            at = next((n for n in range(len(self._open) - 1, -1, -1) if self._open[n].startswith(tag + " ")), None)
            while at is not None and len(self._open) > at:
                self._count(self._open.pop().partition(" ")[2], -1)

    def handle_data(self, data: str) -> None:
        if self._silent:
            if self._silent == ["title"] and not self.page.title:
                self.title.append(data)
        else:
            self._put(data if self._pre else _SPACE.sub(" ", data))

    def _put(self, text: str) -> None:
        self.parts.append((text, self._main > 0 or (self._articles > 0 and not self._in_main), self._around > 0))

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
    reader.feed(markup)
    reader.close()
    page = reader.page
    page.title = " ".join("".join(reader.title).split()) or page.told.pop("og_title", None)
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
        lines = [" ".join(line.split()) for line in blocks[n].split("\n")]
        blocks[n] = "\n".join(line.removeprefix("| ") for line in lines if line not in ("-", "|"))
    whole = "".join(blocks)
    whole = re.sub(r"(?m)^(#{1,6}|-)\n+(?=\S)", r"\1 ", whole)
    return re.sub(r"\n{3,}", "\n\n", whole).strip()

"""EPUB: a region for each chapter, in the order of the book's spine."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from chainkit.documents import Document
from chainkit.retrieval.html import html_page
from chainkit.retrieval.loading.decoding import declared, text_of
from chainkit.retrieval.loading.opened import Growing, Opened, utc_of
from chainkit.retrieval.loading.options import Unreadable
from chainkit.retrieval.loading.packed import Packed
from chainkit.retrieval.loading.xml import parsed

_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(opened: Opened) -> Iterator[Document]:
    """The chapters' texts with their headings; `chapter` counts from 1."""
    packed = Packed(opened)
    where = _package(packed, opened)
    root = parsed(packed.read(where), opened.options)
    growing, folder = Growing(opened), posixpath.dirname(where)
    for number, href in enumerate(_spine(root), start=1):
        data = packed.read(posixpath.normpath(posixpath.join(folder, unquote(href))))
        page = html_page(text_of(opened, data, declared(data)))
        growing.add(page.text, chapter=number)
    if not growing.size:
        raise Unreadable("its chapters hold no text")
    yield growing.document(
        title=_said(root, "title"),
        author=", ".join(_all(root, "creator")) or None,
        language=_said(root, "language"),
        modified=_modified(root),
    )


def _package(packed: Packed, opened: Opened) -> str:
    found = next(parsed(packed.read("META-INF/container.xml"), opened.options).iter("rootfile"), None)
    path = "" if found is None else found.get("full-path", "")
    if not path:
        raise Unreadable("it is no book: its container names no package")
    return path


def _spine(root: Element) -> Iterator[str]:
    items = {item.get("id"): item for item in root.iter("item")}
    for ref in root.iter("itemref"):
        item = items.get(ref.get("idref"))
        if item is not None and item.get("media-type") in _PAGES and item.get("href"):
            yield item.get("href", "").partition("#")[0]


def _all(root: Element, name: str) -> list[str]:
    about = next(root.iter("metadata"), None)
    return [] if about is None else [" ".join((e.text or "").split()) for e in about.iter(name) if e.text]


def _said(root: Element, name: str) -> str | None:
    return next(iter(_all(root, name)), None)


def _modified(root: Element) -> str | None:
    told = [e.text for e in root.iter("meta") if e.get("property") == "dcterms:modified"]
    return utc_of(next(iter(told), None)) or utc_of(_said(root, "date"))

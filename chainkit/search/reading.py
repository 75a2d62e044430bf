"""A page that was fetched, as a document: the main part of HTML, the text of a PDF, plain text as it is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from chainkit.documents import Document
from chainkit.errors import BadRequest, MissingExtra
from chainkit.retrieval.loading.decoding import declared, text_of
from chainkit.retrieval.loading.formats import format_of, suffix_of
from chainkit.retrieval.loading.opened import Opened, clean, utc
from chainkit.retrieval.loading.options import Options, Unreadable
from chainkit.retrieval.loading.reading import read_opened
from chainkit.retrieval.loading.unread import shown

if TYPE_CHECKING:
    from chainkit.search.asking import Answered

Reader = Literal["auto", "plain", "trafilatura"]
_SUFFIXES = {"text/html": ".html", "application/xhtml+xml": ".html", "application/pdf": ".pdf", "text/markdown": ".md"}
_SHORT = 200
"""Characters below which what an extractor took for the main part is not believed."""


def document_of(page: Answered, asked: str, reader: Reader, most: int) -> Document:
    """The document. Raises BadRequest for what holds no text, MissingExtra where a parser is not installed."""
    opened = _opened(page, asked, most)
    try:
        documents = list(_read(opened, page.content_type))
    except Unreadable as error:
        raise BadRequest(f"{shown(page.url)} gives no text: {error}") from error
    if not documents:
        raise BadRequest(f"{shown(page.url)} gives no text")
    whole = documents[0] if len(documents) == 1 else _joined(documents, asked)
    if opened.suffix == ".html" and reader != "plain":
        whole = _main_part(whole, opened, page, reader)
    return replace(whole, metadata={**whole.metadata, "source": page.url, "trusted": False})


def _opened(page: Answered, asked: str, most: int) -> Opened:
    name = unquote(urlsplit(page.url).path.rpartition("/")[2]) or "index.html"
    suffix = _SUFFIXES.get(page.content_type) or _guessed(page, name)
    name = f"{PurePosixPath(name).stem or 'page'}{suffix}"
    known = {"source": page.url, "modified": _modified(page)}
    metadata = {k: v for k, v in known.items() if v}
    stream = io.BytesIO(page.data)
    return Opened(asked, name, suffix, stream, len(page.data), Options(max_bytes=most), metadata, page.charset)


def _guessed(page: Answered, name: str) -> str:
    """The suffix of what a server names no type of its own for."""
    head = page.data[:1024].lstrip().lower()
    if head.startswith(b"%pdf-"):
        return ".pdf"
    if page.content_type in ("", "application/octet-stream") and (b"<html" in head or b"<!doctype html" in head):
        return ".html"
    if format_of(name, page.content_type) is not None:
        return suffix_of(name)
    textual = page.content_type.startswith("text/") or (not page.content_type and b"\0" not in page.data[:4096])
    return ".txt" if textual else suffix_of(name)


def _modified(page: Answered) -> str | None:
    try:
        return utc(parsedate_to_datetime(page.headers.get("last-modified", "")))
    except (ValueError, TypeError):
        return None


def _read(opened: Opened, media: str) -> Iterator[Document]:
    if format_of(opened.name, media) is None:
        raise Unreadable(f"it is of the type {media or 'unknown'}")
    return read_opened(opened, media)


def _joined(documents: list[Document], id: str) -> Document:
    """Several documents of one file (rows, mails) as one."""
    return Document(id, "\n\n".join(d.text for d in documents), documents[0].metadata)


def _main_part(plain: Document, opened: Opened, page: Answered, reader: Reader) -> Document:
    try:
        package: Any = import_module("trafilatura")
    except ImportError as error:
        if reader == "auto":
            return plain
        msg = 'fetch(reader="trafilatura") needs the package trafilatura'
        raise MissingExtra(msg, cure="pip install 'chainkit[pages]'") from error
    text = _extracted(package, text_of(opened, page.data, page.charset or declared(page.data)), page.url)
    return replace(plain, text=text, regions=()) if len(text) >= _SHORT else plain


def _extracted(package: Any, markup: str, url: str) -> str:
    """What the extractor takes for the main part; nothing where it breaks on a page."""
    try:
        found = package.extract(markup, url=url, output_format="markdown", include_comments=False, include_tables=True)
    except Exception:
        return ""
    return clean(found or "").strip()

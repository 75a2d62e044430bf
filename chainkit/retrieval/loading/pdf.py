"""PDF, by pypdf: a region for each page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from chainkit.documents import Document
from chainkit.retrieval.loading.opened import Growing, Opened, package, utc
from chainkit.retrieval.loading.options import Unreadable, too_much

_FORGET = 50
"""Pages after which what was read of the file is forgotten."""


def read_pdf(opened: Opened) -> Iterator[Document]:
    """The text of the pages, in their order; `page` counts from 1. A scan has none, and is told as an error."""
    pypdf = package("pypdf", "PDF")
    if logging.getLogger("pypdf").level == logging.NOTSET:
        # It tells each fault of a file as one of the program, with whole tables of characters.
        logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = pypdf.PdfReader(opened.stream, strict=False)
    _unlocked(reader)
    count = reader.get_num_pages()
    if count > opened.options.max_pages:
        raise too_much(f"it has {count:,} pages", opened.options, "max_pages")
    known = _told(reader)
    growing = Growing(opened)
    for number, page in enumerate(reader.pages, start=1):
        growing.add(page.extract_text().replace("\0", "\ufffd").strip(), page=number)
        if number % _FORGET == 0:
            _forget(reader)
    if not growing.size and count:
        raise Unreadable("its pages hold no text, as those of a scan; make it searchable first (OCR)")
    yield growing.document(**known, pages=count)


def _unlocked(reader: Any) -> None:
    if not reader.is_encrypted:
        return
    try:
        opens = reader.decrypt("")
    except Exception as error:
        if type(error).__name__ == "DependencyError":
            raise Unreadable(
                "it is encrypted; pip install 'pypdf[crypto]' where it opens without a password"
            ) from error
        raise
    if not opens:
        raise Unreadable("it is protected by a password")


def _told(reader: Any) -> dict[str, Any]:
    """What the file says of itself; a broken date or title is none."""
    found: dict[str, Any] = {}
    for name, field in (("title", "title"), ("author", "author"), ("modified", "modification_date")):
        try:
            value = getattr(reader.metadata, field, None)
        except Exception:  # noqa: S112 - a file may say anything of itself
            continue
        found[name] = utc(value) if name == "modified" else value and " ".join(str(value).split())
    return found


def _forget(reader: Any) -> None:
    """pypdf keeps every object that it has resolved."""
    reader.resolved_objects.clear()

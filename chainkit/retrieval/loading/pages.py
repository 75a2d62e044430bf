"""HTML files and pages."""

from __future__ import annotations

from collections.abc import Iterator

from chainkit.documents import Document
from chainkit.retrieval.html import html_page
from chainkit.retrieval.loading.decoding import declared, text_of
from chainkit.retrieval.loading.opened import Opened, utc_of
from chainkit.retrieval.loading.text import heading_of


def read_page(opened: Opened) -> Iterator[Document]:
    """A page: its main part as text, with headings; its title, author, language and date as metadata."""
    data = opened.whole()
    page = html_page(text_of(opened, data, opened.charset or declared(data)))
    title = page.title or heading_of(page.text)
    modified = utc_of(page.told.get("modified"))
    yield opened.document(
        page.text, title=title, author=page.told.get("author"), language=page.language, modified=modified
    )

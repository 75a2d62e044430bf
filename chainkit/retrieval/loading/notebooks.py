"""Jupyter notebooks: a region for each cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from chainkit.documents import Document
from chainkit.retrieval.loading.decoding import text_of
from chainkit.retrieval.loading.opened import Growing, Opened
from chainkit.retrieval.loading.options import Unreadable
from chainkit.retrieval.loading.records import parsed
from chainkit.retrieval.loading.text import heading_of


def read_notebook(opened: Opened) -> Iterator[Document]:
    """Text cells as they are, code in fences with what it printed after it; `cell` counts from 1. Pictures are left out."""
    value = parsed(opened, text_of(opened, opened.whole()))
    cells = _of(value, "cells")
    if not isinstance(cells, list):
        raise Unreadable("it is no notebook of the present form: it has no cells")
    told = _of(_of(value, "metadata"), "language_info")
    language = str(_of(told, "name") or "python")
    growing = Growing(opened)
    for number, cell in enumerate(cast("list[Any]", cells), start=1):
        growing.add("\n\n".join(_blocks(cell, language)), cell=number)
    title = _of(_of(value, "metadata"), "title") or heading_of(growing.text)
    yield growing.document(title=title if isinstance(title, str) else None)


def _blocks(cell: Any, language: str) -> Iterator[str]:
    source = _joined(_of(cell, "source")).strip("\n")
    if _of(cell, "cell_type") != "code":
        if source:
            yield source
        return
    if source:
        yield f"```{language}\n{source}\n```"
    outputs = _of(cell, "outputs")
    for output in cast("list[Any]", outputs if isinstance(outputs, list) else []):
        text = _joined(_of(output, "text") or _of(_of(output, "data"), "text/plain")).strip("\n")
        if text:
            yield f"```text\n{text}\n```"


def _of(value: Any, name: str) -> Any:
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(str(line) for line in cast("list[Any]", source))
    return source if isinstance(source, str) else ""

"""Markdown, text and HTML files, one document each: what `index` reads until it reads every kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from glob import glob
from pathlib import Path

from chainkit.documents import Document
from chainkit.errors import ChainkitError
from chainkit.retrieval.html import read_html
from chainkit.retrieval.loading.unread import Unread

SUFFIXES = frozenset({".md", ".markdown", ".txt", ".text", ".rst", ".html", ".htm"})
_FRONT = re.compile(r"\A(---|\+\+\+)\n(.*?)\n\1\n", re.DOTALL)
_PAIR = re.compile(r"^([\w-]+)\s*[:=]\s*(.*)$", re.MULTILINE)
_HEADING = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)


def files(where: str | Path) -> list[Path]:
    """The readable files that a path, a folder or a glob means, sorted. Raises ChainkitError where there are none."""
    path = Path(where).expanduser()
    if path.is_dir():
        found = [p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES]
    elif path.is_file():
        found = [path]
    else:
        found = [p for p in map(Path, glob(str(path), recursive=True)) if p.is_file()]  # noqa: PTH207 - absolute globs too
    if not found:
        kinds = ", ".join(sorted(SUFFIXES))
        raise ChainkitError(
            f"no documents at {str(where)!r}", cure=f"name a folder, a file or a glob like docs/**/*.md ({kinds})"
        )
    return sorted(found)


def read(path: Path) -> Document:
    """One file as a document. Raises ValueError saying what is wrong with it."""
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.suffix or 'a file without an ending'} is not read: {', '.join(sorted(SUFFIXES))} are")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise ValueError(str(error.strerror or error)) from None
    return document(str(path), text, markup=path.suffix.lower() in {".html", ".htm"})


def document(source: str, text: str, *, markup: bool = False) -> Document:
    """A text as a document, with its front matter and title as metadata."""
    metadata: dict[str, str] = {"source": source}
    if markup:
        text, title = read_html(text)
        if title:
            metadata["title"] = title
    front = _FRONT.match(text)
    if front is not None:
        metadata |= {k.lower(): v.strip().strip("\"'") for k, v in _PAIR.findall(front.group(2))}
        text = text[front.end() :]
    heading = _HEADING.search(text)
    if heading is not None:
        metadata.setdefault("title", heading.group(1))
    return Document(source, text, metadata)


def read_all(paths: list[Path]) -> Iterator[Document | Unread]:
    """Every file, or what is wrong with it."""
    for path in paths:
        try:
            yield read(path)
        except ValueError as error:
            yield Unread(str(path), str(error))

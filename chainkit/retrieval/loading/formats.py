"""Which files are read, and by what: one row for each kind. A reader's module is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

from chainkit.documents import Document
from chainkit.retrieval.loading.opened import Opened
from chainkit.retrieval.loading.options import Options, Unreadable
from chainkit.retrieval.loading.text import LANGUAGES

Reader = Callable[[Opened], Iterator[Document]]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: its suffixes, the media types that servers call it by, and who reads it."""

    kind: str
    suffixes: tuple[str, ...]
    reader: str
    media: tuple[str, ...] = ()

    def read(self, opened: Opened) -> Iterator[Document]:
        """The documents of a source. Raises Unreadable, and whatever a parser raises."""
        module, _, name = self.reader.partition(":")
        found: Any = import_module(f"chainkit.retrieval.loading.{module}")
        return getattr(found, name)(opened)


_OFFICE = "application/vnd.openxmlformats-officedocument."
FORMATS = (
    Format("markdown", (".md", ".markdown", ".mdx"), "text:read_text", ("text/markdown", "text/x-markdown")),
    Format("text", (".txt", ".text", ".rst", ".log", ".org", ".adoc"), "text:read_text", ("text/plain",)),
    Format("html", (".html", ".htm", ".xhtml"), "pages:read_page", ("text/html", "application/xhtml+xml")),
    Format("pdf", (".pdf",), "pdf:read_pdf", ("application/pdf",)),
    Format("docx", (".docx", ".docm"), "word:read_docx", (_OFFICE + "wordprocessingml.document",)),
    Format("pptx", (".pptx", ".pptm"), "slides:read_pptx", (_OFFICE + "presentationml.presentation",)),
    Format("xlsx", (".xlsx", ".xlsm"), "sheets:read_xlsx", (_OFFICE + "spreadsheetml.sheet",)),
    Format("csv", (".csv", ".tsv", ".tab"), "tables:read_csv", ("text/csv", "text/tab-separated-values")),
    Format("jsonl", (".jsonl", ".ndjson"), "records:read_jsonl", ("application/x-ndjson", "application/jsonl")),
    Format("json", (".json", ".geojson"), "records:read_json", ("application/json",)),
    Format("notebook", (".ipynb",), "notebooks:read_notebook", ("application/x-ipynb+json",)),
    Format("epub", (".epub",), "books:read_epub", ("application/epub+zip",)),
    Format("email", (".eml",), "mail:read_mail", ("message/rfc822",)),
    Format("mbox", (".mbox", ".mbx"), "mail:read_mbox", ("application/mbox",)),
    Format("man", tuple(f".{n}" for n in range(1, 9)), "manual:read_manual", ("text/troff",)),
    Format("code", tuple(LANGUAGES), "text:read_code", ("application/xml", "text/xml")),
)
KINDS = tuple(f.kind for f in FORMATS)
_BY_SUFFIX = {suffix: f for f in FORMATS for suffix in f.suffixes}
_BY_MEDIA = {media: f for f in FORMATS for media in f.media}
_BY_NAME = {
    **dict.fromkeys(("readme", "license", "licence", "copying", "authors", "notice", "changelog", "news", "todo"), "text"),
    **dict.fromkeys(("makefile", "dockerfile"), "code"),
}  # fmt: skip


def suffix_of(name: str) -> str:
    """The suffix that tells what a file is: `.gz` tells nothing, so that of `a.txt.gz` is `.txt`."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


@lru_cache(maxsize=4096)
def _by_suffix(suffix: str, bare: str) -> Format | None:
    found = _BY_SUFFIX.get(suffix)
    if found is None and bare in _BY_NAME:
        kind = _BY_NAME[bare]
        return next(f for f in FORMATS if f.kind == kind)
    return found


def format_of(name: str, media: str = "") -> Format | None:
    """What a file's name says it is, else what a server says; None where neither is known."""
    suffix = suffix_of(name)
    found = _by_suffix(suffix, "" if suffix else name.lower().removesuffix(".gz"))
    if found is not None and found.kind != "man":
        return found
    return _BY_MEDIA.get(media.partition(";")[0].strip().lower()) or found


def wanted(found: Format, suffix: str, limits: Options) -> bool:
    """Whether `kinds` lets it through."""
    kinds = limits.kinds
    return kinds is None or found.kind in kinds or suffix in kinds


def unknown(name: str) -> Unreadable:
    """The error of a file that nobody here reads."""
    suffix = suffix_of(name)
    what = f"a {suffix} file" if suffix else "a file of this name"
    if suffix in _OLD:
        return Unreadable(f"{what} is the old binary form; save it as {suffix}x")
    return Unreadable(f"{what} is not read; these kinds are: {', '.join(KINDS)}")


_OLD = frozenset({".doc", ".ppt", ".xls"})

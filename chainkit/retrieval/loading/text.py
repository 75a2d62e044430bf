"""Texts: plain, Markdown, reStructuredText, source code. A long one is read in parts, in bounded memory."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TextIO

from chainkit.documents import Document
from chainkit.retrieval.loading.decoding import declared, encoding_of, text_of
from chainkit.retrieval.loading.opened import Opened, utc_of

_FRONT = re.compile(r"\A(---|\+\+\+)\n(.*?)\n\1\n", re.DOTALL)
_PAIR = re.compile(r"^([\w-]+)[ \t]*[:=][ \t]*(.*)$", re.MULTILINE)
_HEADING = re.compile(r"^#[ \t]+([^\s#].*)$", re.MULTILINE)
_UNDERLINED = re.compile(r"\A(?:(?:\.\. .*|[=*#~^-]{3,}[ \t]*)?\n)*+(\S.*)\n[=*#~^-]{3,}[ \t]*\n")
_OURS = frozenset({"source", "part", "offset", "encoding"})
"""What no text may say of itself: where it came from is what citations show."""
_HEAD = 64 * 1024
"""How far into a text its front matter and title are looked for."""

LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "javascript", ".ts": "typescript", ".tsx": "typescript", ".java": "java", ".kt": "kotlin",
    ".scala": "scala", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp",
    ".cs": "csharp", ".go": "go", ".rs": "rust", ".rb": "ruby", ".php": "php", ".pl": "perl", ".pm": "perl",
    ".swift": "swift", ".m": "objective-c", ".r": "r", ".jl": "julia", ".lua": "lua", ".sh": "shell",
    ".bash": "shell", ".zsh": "shell", ".ps1": "powershell", ".sql": "sql", ".hs": "haskell", ".ex": "elixir",
    ".exs": "elixir", ".erl": "erlang", ".clj": "clojure", ".dart": "dart", ".vue": "vue", ".css": "css",
    ".scss": "scss", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".ini": "ini", ".cfg": "ini",
    ".xml": "xml", ".proto": "protobuf", ".graphql": "graphql", ".tf": "terraform", ".tex": "latex",
}  # fmt: skip
"""Which language a suffix of source code means."""


def read_text(opened: Opened) -> Iterator[Document]:
    """A plain text, Markdown or reStructuredText file, with its front matter and title as metadata."""
    yield from _in_parts(opened, _told)


def read_code(opened: Opened) -> Iterator[Document]:
    """Source code as it stands; its `language` is metadata."""
    opened.metadata["language"] = LANGUAGES.get(opened.suffix, opened.name.lower())
    if opened.suffix == ".xml":
        opened.charset = opened.charset or declared(opened.stream.read(2048))
        opened.stream.seek(0)
    yield from _in_parts(opened, _as_it_is)


def _in_parts(opened: Opened, told: Any) -> Iterator[Document]:
    if opened.size <= opened.options.part_size:
        text, metadata = told(text_of(opened, opened.whole(), opened.charset))
        yield opened.document(text, **metadata)
        return
    known: dict[str, Any] = {}
    offset = 0
    for number, text in enumerate(_cut(lines_of(opened), opened.options.part_size), start=1):
        if number == 1:
            text, known = told(text)  # noqa: PLW2901 - without its front matter
        yield part(opened, text, number, offset, **known)
        offset += len(text)


def part(opened: Opened, text: str, number: int, offset: int, regions: Any = (), **known: Any) -> Document:
    """A part of a long source; the first has the source's id."""
    found = opened.document(text, tuple(regions), **known, part=number)
    metadata = {**found.metadata, "offset": offset}
    return replace(found, id=found.id if number == 1 else f"{found.id}#part={number}", metadata=metadata)


def lines_of(opened: Opened, newline: str | None = None) -> TextIO:
    """The stream as text with newlines, in an encoding that holds for all of it."""
    encoding = encoding_of(opened)
    return io.TextIOWrapper(_Kept(opened.stream), encoding=encoding, newline=newline)


class _Kept(io.BufferedReader):
    """A stream that a text wrapper does not close when it is collected."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream, 1 << 16)

    def close(self) -> None:
        """The source closes it."""


def _cut(stream: TextIO, size: int) -> Iterator[str]:
    """Parts of about `size` characters that end with a line; one very long line is cut where it must be."""
    rest = ""
    while piece := stream.read(size - len(rest)):
        whole = rest + piece
        at = whole.rfind("\n") + 1 if len(whole) >= size else 0
        if len(whole) < size:
            rest = whole
            continue
        at = at or len(whole)
        yield whole[:at]
        rest = whole[at:]
    if rest:
        yield rest


def _as_it_is(text: str) -> tuple[str, dict[str, Any]]:
    return text, {}


def _told(text: str) -> tuple[str, dict[str, Any]]:
    """A text without its front matter, and what that and the first heading say."""
    known: dict[str, Any] = {}
    front = _FRONT.match(text)
    if front is not None:
        known = {k.lower(): v.strip().strip("\"'") for k, v in _PAIR.findall(front.group(2))}
        known = {k: v for k, v in known.items() if k not in _OURS}
        known["modified"] = utc_of(known.get("modified"))
        text = text[front.end() :]
    underlined = _UNDERLINED.match(text[:_HEAD])
    title = heading_of(text) or (underlined.group(1).strip() if underlined else None)
    if title is not None:
        known.setdefault("title", title)
    return text, known


def heading_of(text: str) -> str | None:
    """The first `# ...` line, without its marks."""
    found = _HEADING.search(text[:_HEAD])
    return found.group(1).rstrip("# \t") or None if found is not None else None

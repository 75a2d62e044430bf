"""Source code along its functions and classes: Python by its own parser, other languages by blank lines and indentation.

No grammar is loaded: that well laid out code has a blank line between things that belong apart, and indents what belongs
together, holds for every language that is written in lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainkit.documents import Chunk, Document
from chainkit.retrieval.splitting.filling import filled
from chainkit.retrieval.splitting.spans import Headings, Passage, chunks
from chainkit.retrieval.splitting.splitter import Splitter, sized

_PYTHON = frozenset({"python", "py"})
_LINE = re.compile(r"[^\n]*\n?")
_CLOSES = re.compile(r"\s*(?:[)\]}]|end\b|else\b|elif\b|except\b|finally\b|catch\b|fi\b|done\b|esac\b)")
_NAMED = re.compile(
    r"\b(?:class|struct|interface|trait|impl|enum|namespace|module|protocol|object|record|fn|func|fun|function|def|sub"
    r"|procedure|type)\s+(?:\([^)]*\)\s*)?(?:<[^>]*>\s*)?([A-Za-z_$][\w$.:?!]*)"
)


@dataclass(frozen=True)
class ByCode(Splitter):
    """See `by_code`."""

    language: str | None = None
    size: int = 1600

    def __post_init__(self) -> None:
        sized(self.size)

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        language = self.language or str(document.metadata.get("language", ""))
        units = _python(document.text) if language.lower() in _PYTHON else None
        return chunks(document, _joined(document.text, _laid_out(document.text) if units is None else units, self.size))


@dataclass(frozen=True, slots=True)
class _Unit:
    """Something that belongs together, with what stands above it; `parts` are what it may be cut into."""

    start: int
    end: int
    name: str = ""
    parts: tuple[_Unit, ...] = ()


def _python(text: str) -> list[_Unit] | None:
    """Functions and classes, and what stands between them; None where it is no Python."""
    import ast

    if "\f" in text or "\r" in text.replace("\r\n", ""):
        return None  # the parser counts other lines than we do
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    starts = [m.start() for m in _LINE.finditer(text)]
    return _of_body(tree.body, starts, 0, len(text))


def _of_body(body: list[Any], starts: list[int], start: int, end: int) -> list[_Unit]:
    """Units one after the other without gaps: a comment belongs to what follows it."""
    units: list[_Unit] = []
    at = start
    for n, node in enumerate(body):
        follows = _line(starts, body[n + 1].lineno - 1, end) if n + 1 < len(body) else end
        stop = end if n + 1 == len(body) else min(_line(starts, node.end_lineno, end), follows)
        if stop <= at:
            continue
        units.append(_unit(node, starts, at, stop))
        at = stop
    return units or [_Unit(start, end)]


def _line(starts: list[int], number: int, end: int) -> int:
    return min(starts[number], end) if number < len(starts) else end


def _unit(node: Any, starts: list[int], start: int, end: int) -> _Unit:
    name = getattr(node, "name", "") if type(node).__name__.endswith("Def") else ""
    body: list[Any] = node.body if name else []
    return _Unit(start, end, name, tuple(_of_body(body, starts, start, end)) if len(body) > 1 else ())


def _laid_out(text: str) -> list[_Unit]:
    """Blocks by blank lines, put together by how far they are indented."""
    blocks = list(_blocks(text))
    return _nested(text, blocks, 0, len(blocks))


def _blocks(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, end, indentation of the first line) of what stands between blank lines."""
    start, indent, blank = 0, -1, True
    for line in _LINE.finditer(text):
        said = line.group()
        if not said.strip():
            blank = True
            continue
        if blank and indent >= 0:
            yield start, line.start(), indent
            start, indent = line.start(), -1
        blank = False
        if indent < 0:
            indent = len(said) - len(said.lstrip())
    if indent >= 0:
        yield start, len(text), indent


def _nested(text: str, blocks: list[tuple[int, int, int]], first: int, last: int) -> list[_Unit]:
    """A block that is not indented begins a unit, unless it only closes one; deeper ones are its parts."""
    units: list[_Unit] = []
    at = first
    while at < last:
        shallow, n = blocks[at][2], at + 1
        while n < last and (blocks[n][2] > shallow or _CLOSES.match(text, blocks[n][0])):
            n += 1
        parts = tuple(_Unit(a, b) for a, b, _ in blocks[at:n]) if n - at > 1 else ()
        units.append(_Unit(blocks[at][0], blocks[n - 1][1], _name(text, blocks[at]), parts))
        at = n
    return units


def _name(text: str, block: tuple[int, int, int]) -> str:
    found = _NAMED.search(text, block[0], min(block[1], block[0] + 400))
    return found.group(1) if found else ""


def _joined(text: str, units: list[_Unit], size: int, path: Headings = ()) -> Iterator[Passage]:
    """Units as they fit: small neighbours that have no name together, one that is too long as its parts."""
    held: tuple[int, int] | None = None
    for unit in units:
        if held is not None and unit.end - held[0] > size:
            yield from _lines(text, *held, path)
            held = None
        if unit.end - unit.start <= size:
            held = (unit.start if held is None else held[0]), unit.end
            continue
        own = (*path, unit.name) if unit.name else path
        if unit.parts:
            yield from _joined(text, list(unit.parts), size, own)
        else:
            for a, b in filled(text, unit.start, unit.end, size):
                yield _indented(text, a, b, size), b, own
    if held is not None:
        yield from _lines(text, *held, path)


def _lines(text: str, start: int, end: int, path: Headings) -> Iterator[Passage]:
    """A span from its first line with something in it, indentation included."""
    end = start + len(text[start:end].rstrip())
    while start < end and not text[start : (stop := text.find("\n", start, end) + 1 or end)].strip():
        start = stop
    if end > start:
        yield start, end, path


def _indented(text: str, start: int, end: int, size: int) -> int:
    """Where the line begins of which only the indentation was left out, where it fits."""
    line = text.rfind("\n", max(0, end - size - 1), start) + 1
    return line if 0 < line < start and end - line <= size and not text[line:start].strip() else start


def by_code(language: str | None = None, *, size: int = 1600) -> ByCode:
    """Chunks along functions and classes, as many together as fit into `size` characters.

    A class that does not fit is cut between its methods, a function at its blank lines, then its lines; `headings`
    name the class and function that a piece is of. Python is parsed; other languages go by blank lines and indentation.
    `language` is the document's own where it is not given.
    """
    return ByCode(language, size)

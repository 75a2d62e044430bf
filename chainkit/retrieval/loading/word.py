"""Word documents, by python-docx: paragraphs, headings, lists and tables in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chainkit.documents import Document
from chainkit.retrieval.loading.opened import Growing, Opened, package, utc
from chainkit.retrieval.loading.packed import plain_copy

_LEVEL = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop)\s*(\d)", re.IGNORECASE)
_LISTED = re.compile(r"list|aufzählung", re.IGNORECASE)
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SPARE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""What is said again for programs that do not know the newer form."""
_WRAPPERS = frozenset({"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"})
_SHOWN = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}txbxContent": "\n"}
_TOLD = (f"{_W}t", *_SHOWN)


def read_docx(opened: Opened) -> Iterator[Document]:
    """A Word document: headings as `# ...`, list items as `- ...`, a table's rows as lines, then its notes."""
    docx = package("docx", "Word documents")
    found = docx.Document(plain_copy(opened))
    # A paragraph's own `style` searches all styles each time.
    styles = {style.style_id: str(style.name or "") for style in found.styles}
    growing, lines = Growing(opened), list[str]()
    for block in inside(found.element.body, "p", "tbl"):
        table = block.tag == f"{_W}tbl"
        text = "\n".join(_rows(block)) if table else _line(block, styles)
        if text.startswith("- ") and not table:
            lines.append(text)
            continue
        growing.add("\n".join(lines))
        lines = []
        growing.add(text)
    growing.add("\n".join(lines))
    for note in _notes(found):
        growing.add(note)
    yield growing.document(**told(found.core_properties, growing.text))


def inside(element: Any, *names: str) -> Iterator[Any]:
    """Those elements in an element, also where a form, a marked change or the like is wrapped around them."""
    for child in element:
        name = child.tag.removeprefix(_W) if isinstance(child.tag, str) else ""
        if name in names:
            yield child
        elif name in _WRAPPERS:
            yield from inside(child, *names)


def told(properties: Any, text: str) -> dict[str, Any]:
    """What an Office file says of itself."""
    heading = re.search(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        "title": properties.title or (heading.group(1) if heading else None),
        "author": properties.author,
        "language": properties.language,
        "modified": utc(properties.modified),
    }


def _line(paragraph: Any, styles: dict[str, str]) -> str:
    text = _text(paragraph)
    if not text:
        return ""
    about = paragraph.pPr
    name = "" if about is None or about.pStyle is None else styles.get(about.pStyle.val, "")
    level = _LEVEL.search(name)
    if name.lower() in ("title", "titel"):
        return f"# {text}"
    if level:
        return f"{'#' * min(int(level.group(1)), 6)} {text}"
    numbered = about is not None and about.numPr is not None
    return f"- {text}" if numbered or _LISTED.match(name) else text


def _text(paragraph: Any) -> str:
    """All text of a paragraph: links, insertions, fields and boxes too. What was deleted is not in `w:t`."""
    twice = {t for spare in paragraph.iter(_SPARE) for t in spare.iter(f"{_W}t")}
    parts = [_SHOWN.get(n.tag) or n.text or "" for n in paragraph.iter(*_TOLD) if n not in twice]
    return "".join(parts).strip()


def _rows(table: Any) -> Iterator[str]:
    """A line for each row."""
    for row in inside(table, "tr"):
        cells = [" ".join(" ".join(_pieces(cell)).split()) for cell in inside(row, "tc")]
        if any(cells):
            yield " | ".join(cells)


def _pieces(cell: Any) -> Iterator[str]:
    for block in inside(cell, "p", "tbl"):
        if block.tag == f"{_W}tbl":
            yield from _rows(block)
        else:
            yield _text(block)


def _notes(found: Any) -> Iterator[str]:
    """Footnotes and endnotes, which python-docx keeps as bytes."""
    etree = package("lxml.etree", "Word documents")
    quiet = etree.XMLParser(resolve_entities=False, no_network=True)
    for related in found.part.rels.values():
        if not related.is_external and related.reltype.rsplit("/", 1)[-1] in ("footnotes", "endnotes"):
            root = etree.fromstring(related.target_part.blob, quiet)
            for note in root:
                text = "".join(t.text or "" for t in note.iter(f"{_W}t")).strip()
                if text:
                    yield f"[{note.get(f'{_W}id')}] {text}"

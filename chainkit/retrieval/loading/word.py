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


def read_docx(opened: Opened) -> Iterator[Document]:
    """A Word document: headings as `# ...`, list items as `- ...`, a table's rows as lines, then its notes."""
    docx = package("docx", "Word documents")
    found = docx.Document(plain_copy(opened))
    # A paragraph's own `style` searches all styles each time.
    styles = {style.style_id: str(style.name or "") for style in found.styles}
    growing, lines = Growing(opened), list[str]()
    for block in found.iter_inner_content():
        if hasattr(block, "rows"):
            growing.add("\n".join(lines))
            lines = []
            growing.add("\n".join(_rows(block)))
            continue
        text = _line(block, styles)
        if text.startswith("- "):
            lines.append(text)
            continue
        growing.add("\n".join(lines))
        lines = []
        growing.add(text)
    growing.add("\n".join(lines))
    for note in _notes(found):
        growing.add(note)
    yield growing.document(**told(found.core_properties, growing.text))


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
    text = _text(paragraph._p)
    if not text:
        return ""
    about = paragraph._p.pPr
    name = "" if about is None or about.pStyle is None else styles.get(about.pStyle.val, "")
    level = _LEVEL.search(name)
    if name.lower() in ("title", "titel"):
        return f"# {text}"
    if level:
        return f"{'#' * min(int(level.group(1)), 6)} {text}"
    numbered = about is not None and about.numPr is not None
    return f"- {text}" if numbered or _LISTED.match(name) else text


def _text(paragraph: Any) -> str:
    """All text of a paragraph, links, insertions and fields too; what was deleted is not in `w:t`."""
    parts = [
        node.text or "" if node.tag == f"{_W}t" else "\t" if node.tag == f"{_W}tab" else "\n"
        for node in paragraph.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr")
        if node.tag != f"{_W}tab" or node.getparent().tag != f"{_W}tabs"
    ]
    return "".join(parts).strip()


def _rows(table: Any) -> Iterator[str]:
    """A line for each row. A cell that spans several columns or rows is said once a row."""
    for row in table.rows:
        cells: list[str] = []
        last = None
        for cell in row.cells:
            if cell._tc is not last:
                cells.append(" ".join(" ".join(_text(p) for p in cell._tc.iter(f"{_W}p")).split()))
            last = cell._tc
        if any(cells):
            yield " | ".join(cells)


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

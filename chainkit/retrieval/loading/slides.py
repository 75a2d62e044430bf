"""PowerPoint slides, by python-pptx: a region for each slide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainkit.documents import Document
from chainkit.retrieval.loading.opened import Growing, Opened, package
from chainkit.retrieval.loading.options import too_much
from chainkit.retrieval.loading.packed import plain_copy
from chainkit.retrieval.loading.word import told


def read_pptx(opened: Opened) -> Iterator[Document]:
    """Slides with their titles as `# ...`, their texts, tables and the speaker's notes; `slide` counts from 1."""
    pptx = package("pptx", "PowerPoint files")
    found = pptx.Presentation(plain_copy(opened))
    if len(found.slides) > opened.options.max_pages:
        raise too_much(f"it has {len(found.slides):,} slides", opened.options, "max_pages")
    growing = Growing(opened)
    for number, slide in enumerate(found.slides, start=1):
        growing.add("\n\n".join(_texts(slide)), slide=number)
    yield growing.document(**told(found.core_properties, growing.text))


def _texts(slide: Any) -> Iterator[str]:
    title = slide.shapes.title
    if title is not None and title.text_frame.text.strip():
        yield "# " + " ".join(title.text_frame.text.split())
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if getattr(shape, "has_table", False):
            yield "\n".join(" | ".join(" ".join(c.text.split()) for c in row.cells) for row in shape.table.rows)
        elif shape.has_text_frame:
            yield _lines(shape.text_frame)
    if slide.has_notes_slide:
        frame = slide.notes_slide.notes_text_frame
        if frame is not None and frame.text.strip():
            yield "Notes: " + frame.text.strip()


def _shapes(shapes: Any) -> Iterator[Any]:
    """Shapes in the order of the slide, those in groups too."""
    pending = list(shapes)[::-1]
    while pending:
        shape = pending.pop()
        if hasattr(shape, "shapes"):
            pending.extend(list(shape.shapes)[::-1])
        else:
            yield shape


def _lines(frame: Any) -> str:
    paragraphs = [(p.level, "".join(r.text for r in p.runs).strip() or p.text.strip()) for p in frame.paragraphs]
    said = [(level, text.replace("\v", "\n")) for level, text in paragraphs if text]
    if len(said) == 1:
        return said[0][1]
    return "\n".join(f"{'  ' * level}- {text}" for level, text in said)

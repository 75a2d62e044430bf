"""More of the text around what was found: neighbours, the section, the whole document. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from chainkit.documents import Chunk, Retrieved
from chainkit.retrieval.store import Entry

Expansion: TypeAlias = int | Literal["section", "document"]
"""So many chunks on either side, all of the section (the same headings), or the whole document."""


def expanded(found: Sequence[Retrieved], entries: Mapping[str, Entry], how: Expansion) -> list[Retrieved]:
    """Each chunk with what stands around it. Where two become one text, or overlap, the better keeps the place."""
    wide = [Retrieved(_wider(r.document, entries.get(r.document.id), how), r.score) for r in found]
    kept: list[Retrieved] = []
    for one in wide:
        at = next((i for i, other in enumerate(kept) if _overlap(one.document, other.document)), None)
        if at is None:
            kept.append(one)
        else:
            kept[at] = Retrieved(_joined(kept[at].document, one.document, entries), kept[at].score)
    return kept


def _wider(chunk: Chunk, entry: Entry | None, how: Expansion) -> Chunk:
    at = None if entry is None else next((i for i, c in enumerate(entry.chunks) if c.key == chunk.key), None)
    if entry is None or at is None:
        return chunk
    if how == "document":
        return replace(chunk, text=entry.document.text, start=0, end=len(entry.document.text), headings=())
    first, last = _reach(entry.chunks, at, how)
    return _stretch(entry, entry.chunks[first].start, max(c.end for c in entry.chunks[first : last + 1]), chunk)


def _reach(chunks: Sequence[Chunk], at: int, how: Expansion) -> tuple[int, int]:
    """The numbers of the first and the last chunk."""
    if isinstance(how, int):
        return max(0, at - how), min(len(chunks) - 1, at + how)
    first = last = at
    while first > 0 and chunks[first - 1].headings == chunks[at].headings:
        first -= 1
    while last < len(chunks) - 1 and chunks[last + 1].headings == chunks[at].headings:
        last += 1
    return first, last


def _stretch(entry: Entry, start: int, end: int, chunk: Chunk) -> Chunk:
    return replace(chunk, text=entry.document.text[start:end], start=start, end=end)


def _overlap(one: Chunk, other: Chunk) -> bool:
    return one.id == other.id and one.start < other.end and other.start < one.end


def _joined(kept: Chunk, more: Chunk, entries: Mapping[str, Entry]) -> Chunk:
    return _stretch(entries[kept.id], min(kept.start, more.start), max(kept.end, more.end), kept)

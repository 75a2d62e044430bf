"""Documents and chunks as (id, text, metadata), the form that every library has, and back with nothing lost. Pure.

What has no place there (which document a chunk is of, its span and headings, a document's regions) stands in the metadata
as one text under `KEY`, so that any store keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from chainkit.documents import Chunk, Document, Retrieved

KEY = "chainkit"
SCORE = "score"
START = "start_index"


class Packed(NamedTuple):
    """A text, what it is called, and what is known of it."""

    id: str
    text: str
    metadata: dict[str, Any]


def packed(item: Document | Chunk | Retrieved) -> Packed:
    """Anything of ours that has a text."""
    if isinstance(item, Document):
        more = {KEY: json.dumps({"regions": [[a, dict(m)] for a, m in item.regions]})} if item.regions else {}
        return Packed(item.id, item.text, {**item.metadata, **more})
    if isinstance(item, Retrieved):
        return _chunk(item.document, {SCORE: item.score})
    return _chunk(item, {})


def _chunk(chunk: Chunk, more: dict[str, Any]) -> Packed:
    # A key that the user has is the user's.
    told = {name: value for name, value in {START: chunk.start, **more}.items() if name not in chunk.metadata}
    place = {"document": chunk.id, "start": chunk.start, "end": chunk.end, "headings": chunk.headings, **more}
    held = json.dumps({**place, "added": list(told)}, ensure_ascii=False)
    return Packed(f"{chunk.id}#{chunk.start}-{chunk.end}", chunk.text, {**chunk.metadata, **told, KEY: held})


def document_of(id: str | None, text: str, metadata: Mapping[str, Any]) -> Document:
    """A document; one without an id is called by its text."""
    place = _place(metadata)
    regions = tuple((int(a), m) for a, m in place.get("regions", ()))
    return Document(id or named(text), text, _plain(metadata), regions)


def passage_of(
    id: str | None, text: str, metadata: Mapping[str, Any], score: float,
    *, document: str | None = None, start: int | None = None, end: int | None = None,
) -> Retrieved:  # fmt: skip
    """A chunk that was found; one that says no place is a document by itself.

    `document`, `start` and `end` are what a library says itself of the place; what stands under `KEY` goes before it.
    """
    place = _place(metadata)
    begins = int(place.get("start", start if start is not None else metadata.get(START) or 0))
    chunk = Chunk(
        str(place.get("document") or document or id or named(text)),
        text,
        begins,
        int(place.get("end", begins + len(text) if end is None else end)),
        tuple(place.get("headings", ())),
        _plain(metadata),
    )
    return Retrieved(chunk, score)


def named(text: str) -> str:
    """A name for a text that has none."""
    return f"text-{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()[:12]}"


def _place(metadata: Mapping[str, Any]) -> dict[str, Any]:
    held = metadata.get(KEY)
    return json.loads(held) if isinstance(held, str) else {}


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    ours = {KEY, *_place(metadata).get("added", ())}
    return {name: value for name, value in metadata.items() if name not in ours}


def score_of(metadata: Mapping[str, Any], rank: int) -> float:
    """What a library says a passage is worth; where it says nothing, less for each that stands before it."""
    known = (_place(metadata), metadata)
    found = [m[n] for m in known for n in (SCORE, "relevance_score") if isinstance(m.get(n), int | float)]
    return float(found[0]) if found else 1.0 / (rank + 1)


def unlike(source: str, seen: dict[str, int]) -> str:
    """An id for the next document of a source: a loader may make many of one file."""
    seen[source] = seen.get(source, 0) + 1
    return source if seen[source] == 1 else f"{source}#{seen[source]}"

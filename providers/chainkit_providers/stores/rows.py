"""A record as two texts of JSON: what a search gives, and the rest. And vectors of length one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from chainkit.documents import Chunk
from chainkit.retrieval.store import Record, Vector

_CHUNK = ("document", "text", "start", "end", "headings", "metadata")
"""What a search gives; the rest is read only to put a document together again."""


def parts(row: Record) -> tuple[str, str]:
    """(the chunk, the rest)."""
    held = row.payload()
    chunk = _json([held.pop(name) for name in _CHUNK])
    return chunk, _json({name: value for name, value in held.items() if value not in ("", [], {})})


def record_of(chunk: str | bytes, rest: str | bytes) -> Record:
    """The record of its two parts."""
    return Record.of({**json.loads(rest), **dict(zip(_CHUNK, json.loads(chunk), strict=True))})


def chunk_of(chunk: str | bytes) -> Chunk:
    """The chunk of the first part."""
    # Given bytes, json would look for their encoding first.
    held = json.loads(chunk if isinstance(chunk, str) else str(chunk, "ascii"))
    document, text, start, end, headings, metadata = held
    return Chunk(document, text, start, end, tuple(headings), metadata)


def packed(row: Record) -> str:
    """A whole row as one text, which `Record.of(json.loads(text))` and `chunk_in` read."""
    return _json(row.payload())


def chunk_in(held: str | bytes) -> Chunk:
    """The chunk of such a text."""
    row = json.loads(held)
    return Chunk(row["document"], row["text"], row["start"], row["end"], tuple(row["headings"]), row["metadata"])


def unit(vector: Vector) -> list[float]:
    """A vector of length one."""
    length = math.hypot(*vector)
    return [x / length for x in vector]


def stamped(row: Record) -> str | None:
    """Document and stamp as one text, in the row with ordinal 0; other rows have none."""
    return _json([row.document, row.stamp]) if row.ordinal == 0 else None


def stamps_of(held: Sequence[str]) -> dict[str, str]:
    """Those texts, read: the stamp of every document."""
    return dict(sorted(json.loads(text) for text in held))


def units(vectors: Sequence[Vector]) -> Any:
    """Vectors as rows of a numpy matrix (float32), each of length one."""
    import numpy as np

    made = np.asarray(vectors, np.float64)
    made /= np.abs(made).max(axis=1, keepdims=True)  # first, so that no square is too large or too small
    return np.ascontiguousarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def _json(value: Any) -> str:
    # In ASCII: half a surrogate pair is no text for an engine in another language.
    return json.dumps(value, default=str, separators=(",", ":"))

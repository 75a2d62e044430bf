"""What keeps documents and finds them: one small protocol, and the data that goes in and out.

A store keeps whole documents, each as its chunks in order. What it promises:

- `put` replaces documents by id, each all at once: who searches sees its old chunks or its new ones, and after a crash in
  the middle the document has its old stamp or none, so that whoever filled the store knows to put it again. When `put`
  returns, what was put is found by the next search, and still there after the process is killed (a store in memory
  promises the first half only).
- `search_text` compares terms (BM25 or what the engine has like it), `search_vectors` the cosine of vectors; `searches`
  says which of the two a store can do. Both take several queries at once and give for each the best `k`, best first,
  of what `where` lets through. A query that nothing fits gives an empty list, never an error.
- It may be shared between threads.

A store may have more: `restamp(id, stamp)` gives a document another stamp without putting it again (an unchanged file
that was touched), `save(path)` writes a copy to a file, `len(store)` counts documents.

Stores take vectors, they do not make them. `chainkit.testing.store_conformance` checks all this for any store.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from chainkit.documents import Chunk, Document, Retrieved
from chainkit.errors import CompositionError
from chainkit.retrieval.filters import Condition

Vector: TypeAlias = Sequence[float]


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as a store keeps it: its chunks in order, a vector for each where there are vectors, and a stamp.

    The stamp is a note of whoever fills the store, for telling what has changed; stores do not read it.
    """

    document: Document
    chunks: tuple[Chunk, ...]
    vectors: Sequence[Vector] | None = None
    stamp: str = ""


@runtime_checkable
class Store(Protocol):
    """See the module's text for what a store promises."""

    @property
    def name(self) -> str:
        """What it is called in errors and in the ledger: "sqlite", "memory"."""
        ...

    @property
    def searches(self) -> frozenset[Literal["text", "vectors"]]:
        """The ways in which it can be searched."""
        ...

    @property
    def remote(self) -> bool:
        """Whether its calls leave the process: then a search in a chain passes the gate and has a row in the ledger."""
        ...

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep these documents; one with a known id is replaced."""
        ...

    def remove(self, ids: Collection[str]) -> int:
        """Take documents out; how many there were."""
        ...

    def stamps(self) -> dict[str, str]:
        """The id of every document, and the stamp that it was put with."""
        ...

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """Documents with their chunks, without vectors, in the order of the ids; unknown ids are left out."""
        ...

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """For each query the `k` chunks whose terms fit best."""
        ...

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """For each vector the `k` chunks of the nearest vectors; scores are cosines, from -1 to 1."""
        ...

    def close(self) -> None:
        """Let files and connections go. A second time does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """A chunk as one row of a store that keeps rows. A document's rows together give the document back.

    `before` is the text between the chunk before and this one, `after` what follows the last chunk; `last` is the
    ordinal of the document's last row. The row with ordinal 0 has the document's metadata and regions, and its stamp:
    write it last, and a document that is only half written has no stamp, or its old one.
    """

    document: str
    ordinal: int
    last: int
    text: str
    start: int
    end: int
    before: str = ""
    after: str = ""
    headings: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    about: Mapping[str, Any] | None = None
    regions: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    stamp: str = ""
    vector: Vector | None = None

    @property
    def id(self) -> str:
        """32 hex digits, the same for the same document and ordinal."""
        return record_id(self.document, self.ordinal)

    @property
    def uuid(self) -> str:
        """The id in the form of a UUID."""
        return str(UUID(self.id))

    @property
    def chunk(self) -> Chunk:
        """The chunk itself."""
        return Chunk(self.document, self.text, self.start, self.end, self.headings, self.metadata)

    def payload(self) -> dict[str, Any]:
        """All but the vector, as JSON types. `Record.of(payload)` gives the record back."""
        found: dict[str, Any] = {
            "document": self.document, "ordinal": self.ordinal, "last": self.last, "text": self.text,
            "start": self.start, "end": self.end, "before": self.before, "after": self.after,
            "headings": list(self.headings), "metadata": dict(self.metadata),
        }  # fmt: skip
        if self.ordinal == 0:
            found |= {"about": dict(self.about or {}), "regions": [[a, dict(m)] for a, m in self.regions]}
            found["stamp"] = self.stamp
        return found

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Record:
        """The record of a payload."""
        known = {name: payload[name] for name in cls.__dataclass_fields__ if payload.get(name) is not None}
        known["headings"] = tuple(payload.get("headings") or ())
        known["regions"] = tuple((int(a), m) for a, m in payload.get("regions") or ())
        return cls(**known)


def record_id(document: str, ordinal: int) -> str:
    """32 hex digits for a row of a document."""
    return blake2b(f"{ordinal}:{document}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def records(entry: Entry) -> list[Record]:
    """A document as rows, one for each chunk. Put back together by `entry_of`."""
    text, last, reached = entry.document.text, len(entry.chunks) - 1, 0
    made: list[Record] = []
    for n, chunk in enumerate(entry.chunks):
        held = Record(
            document=entry.document.id, ordinal=n, last=last, text=chunk.text, start=chunk.start, end=chunk.end,
            before=text[reached : chunk.start], after=text[max(reached, chunk.end) :] if n == last else "",
            headings=chunk.headings, metadata=chunk.metadata,
            about=entry.document.metadata if n == 0 else None,
            regions=entry.document.regions if n == 0 else (), stamp=entry.stamp if n == 0 else "",
            vector=None if entry.vectors is None else entry.vectors[n],
        )  # fmt: skip
        made.append(held)
        reached = max(reached, chunk.end)
    return made


def entry_of(rows: Iterable[Record]) -> Entry:
    """The document of its rows, in any order. Raises ValueError where there are none."""
    ordered = sorted(rows, key=lambda r: r.ordinal)
    if not ordered:
        raise ValueError("a document of no rows")
    parts: list[str] = []
    reached = 0
    for row in ordered:
        parts += [row.before, row.text[max(0, reached - row.start) :]]
        reached = max(reached, row.end)
    first = ordered[0]
    text = "".join([*parts, ordered[-1].after])
    document = Document(first.document, text, first.about or {}, first.regions)
    return Entry(document, tuple(r.chunk for r in ordered), None, first.stamp)


def checked(entries: Sequence[Entry], dimensions: int | None, name: str) -> int | None:
    """Hold what is put against what is there: how many numbers its vectors have, None where it has none.

    Raises CompositionError for a document without chunks, for missing, too many, wrong, empty or endless vectors.
    """
    for entry in entries:
        if not entry.chunks:
            raise CompositionError(f"{entry.document.id!r} has no chunks, and {name} keeps documents as their chunks")
        if entry.vectors is None:
            continue
        if len(entry.vectors) != len(entry.chunks):
            msg = f"{entry.document.id!r} has {len(entry.chunks)} chunks and {len(entry.vectors)} vectors"
            raise CompositionError(msg)
        for vector in entry.vectors:
            dimensions = fitting(vector, dimensions, f"{entry.document.id!r} for {name}")
    return dimensions


def fitting(vector: Vector, dimensions: int | None, what: str) -> int:
    """How many numbers a vector has. Raises CompositionError where they are not what is wanted, or no direction."""
    if dimensions is not None and len(vector) != dimensions:
        msg = f"a vector of {what} has {len(vector)} numbers, and {dimensions} are wanted"
        raise CompositionError(msg, cure="one index has one embedding model: make the index anew to change it")
    length = math.hypot(*vector) if len(vector) else 0.0
    if not math.isfinite(length) or length == 0.0:
        raise CompositionError(f"a vector of {what} has length {length}: it points nowhere")
    return len(vector)

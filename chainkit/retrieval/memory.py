"""The store in memory: vectors in one numpy matrix, every one of them compared (exact); terms as in the store on SQLite."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from chainkit.documents import Chunk, Retrieved
from chainkit.errors import CompositionError, MissingExtra
from chainkit.retrieval.filters import Condition, matches
from chainkit.retrieval.sqlite import SqliteStore
from chainkit.retrieval.store import Entry, Vector, checked, fitting

_BLOCK = 64
"""Questions whose scores are worked out at once: 64 against 100,000 chunks are 26 MB."""
_KEPT_MASKS = 16
_SHUT = -2.0
"""The score of what may not be found; cosines end at -1."""


class MemoryStore:
    """Documents in this process's memory, searchable by terms and by vectors. Safe to share between threads.

    Nothing is left of it when the process ends; `save` writes what a `SqliteStore` opens.
    """

    name = "memory"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text", "vectors"})
    remote = False

    def __init__(self, where: None = None) -> None:
        if where is not None:
            raise CompositionError(f"the store 'memory' is nowhere, and was given {where!r}", cure="say sqlite:FILE")
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        self._text = SqliteStore()
        self._vectors: Matrix | None = None

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`."""
        with self._lock:
            dimensions = checked(entries, None if self._vectors is None else self._vectors.dimensions, self.name)
            if self._vectors is None and dimensions is not None:
                self._vectors = Matrix(dimensions)
            self._text.put([replace(e, vectors=None) for e in entries])
            for entry in entries:
                self._drop(entry.document.id)
                self._entries[entry.document.id] = replace(entry, vectors=None)
                if entry.vectors is not None and self._vectors is not None:
                    self._vectors.add(entry.document.id, entry.chunks, entry.vectors)

    def _drop(self, id: str) -> bool:
        if self._vectors is not None:
            self._vectors.drop(id)
        return self._entries.pop(id, None) is not None

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        with self._lock:
            self._text.restamp(id, stamp)
            self._entries[id] = replace(self._entries[id], stamp=stamp)

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        with self._lock:
            self._text.remove(ids)
            return sum(self._drop(i) for i in ids)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        with self._lock:
            return {i: e.stamp for i, e in sorted(self._entries.items())}

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        with self._lock:
            return [self._entries[i] for i in ids if i in self._entries]

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`."""
        return self._text.search_text(queries, k, where)

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`: many vectors at once cost a tenth of one after the other."""
        with self._lock:
            if self._vectors is None or k < 1:
                return [[] for _ in vectors]
            for vector in vectors:
                fitting(vector, self._vectors.dimensions, "the question")
            return self._vectors.nearest(vectors, k, where)

    def save(self, path: str | Path) -> None:
        """Write what is here to a file; `store("sqlite:PATH")` opens it."""
        with self._lock:
            Path(path).unlink(missing_ok=True)
            if self._vectors is None:
                self._text.save(path)
                return
            target = SqliteStore(path)
            held = self._vectors.by_document()
            target.put([replace(e, vectors=held.get(i)) for i, e in self._entries.items()])
            target.close()

    def close(self) -> None:
        """See `Store.close`."""
        with self._lock:
            self._text.close()
            self._vectors, self._entries = None, {}

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"MemoryStore({len(self)} documents)"


class Matrix:
    """Vectors of length 1 as rows, each with its chunk. A row that was dropped is used again."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._np = _numpy()
        self._rows: Any = self._np.zeros((64, dimensions), self._np.float32)
        self._chunks: list[Chunk | None] = []
        self._of: dict[str, list[int]] = {}
        self._free: list[int] = []
        self._masks: OrderedDict[str, Any] = OrderedDict()

    def add(self, id: str, chunks: Sequence[Chunk], vectors: Sequence[Vector]) -> None:
        np = self._np
        made = np.asarray(vectors, np.float32)
        made = made / np.linalg.norm(made, axis=1, keepdims=True)
        places = [self._place() for _ in chunks]
        self._rows[places] = made
        for place, chunk in zip(places, chunks, strict=True):
            self._chunks[place] = chunk
        self._of[id] = places
        self._masks.clear()

    def _place(self) -> int:
        if self._free:
            return self._free.pop()
        if len(self._chunks) == len(self._rows):
            self._rows = self._np.vstack([self._rows, self._np.zeros_like(self._rows)])
        self._chunks.append(None)
        return len(self._chunks) - 1

    def drop(self, id: str) -> None:
        for place in self._of.pop(id, ()):
            self._chunks[place] = None
            self._free.append(place)
            self._masks.clear()

    def by_document(self) -> dict[str, Any]:
        return {i: self._rows[places].tolist() for i, places in self._of.items()}

    def nearest(self, vectors: Sequence[Vector], k: int, where: Condition | None) -> list[list[Retrieved]]:
        np = self._np
        asked = np.asarray(vectors, np.float32)
        asked = asked / np.linalg.norm(asked, axis=1, keepdims=True)
        held, shut = self._rows[: len(self._chunks)], self._shut(where)
        found: list[list[Retrieved]] = []
        for start in range(0, len(asked), _BLOCK):
            scores = asked[start : start + _BLOCK] @ held.T
            if shut is not None:
                scores[:, shut] = _SHUT
            found += [self._best(row, k) for row in scores]
        return found

    def _best(self, scores: Any, k: int) -> list[Retrieved]:
        np = self._np
        places = np.argpartition(scores, -k)[-k:] if k < len(scores) else np.arange(len(scores))
        kept: list[tuple[float, tuple[str, int, int], Chunk]] = []
        near: list[int] = places.tolist()
        for place in near:
            chunk, score = self._chunks[place], float(scores[place])
            if chunk is not None and score > _SHUT:
                kept.append((-score, chunk.key, chunk))
        kept.sort(key=itemgetter(0, 1))
        return [Retrieved(chunk, min(1.0, -score)) for score, _, chunk in kept]

    def _shut(self, where: Condition | None) -> Any:
        """Which rows may not be found: None where all may."""
        if where is None and not self._free:
            return None
        key = repr(where)  # 1 and True are equal, and are not alike
        if key not in self._masks:
            shut = [c is None or not matches(where, c.metadata) for c in self._chunks]
            self._masks[key] = self._np.asarray(shut, bool)
            if len(self._masks) > _KEPT_MASKS:
                self._masks.popitem(last=False)
        return self._masks[key]


def _numpy() -> Any:
    try:
        return import_module("numpy")
    except ImportError:
        raise MissingExtra("vectors in memory need numpy", cure="pip install 'chainkit[numpy]'") from None

"""Chroma: vectors in a folder, by its graph. `store("chroma:folder")`. Searches vectors only.

Chroma has no transactions over several rows. So a document's first row, which has its stamp, is written last: one that is
only half written has no stamp, or its old one. Chroma wants one process for a folder; nothing is downloaded or reported.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from chainkit.documents import Retrieved
from chainkit.errors import ChainkitError, CompositionError, MissingExtra
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.store import Entry, Record, Vector, checked, entry_of, fitting, record_id, records
from chainkit_providers.stores.facts import Asked, Every, Holds, Some, Without, asked, facts
from chainkit_providers.stores.rows import chunk_of, parts, record_of, stamped, stamps_of, units

_ROW = "row"
"""A fact that every row has: Chroma takes no empty list."""
_PAGE = 2_000
"""Rows that are read or written at once; a statement of SQLite's has its limits."""
_COMPARED = 1000
"""Chunks of which every one is compared."""


class ChromaStore:
    """Documents in a collection of Chroma's, searched by vectors. Shared between threads; one process at a time.

    `where` is a folder, or None for memory; `collection` names the collection, in any letters. Every document needs
    vectors. Raises MissingExtra without the package, ChainkitError where the folder cannot be opened.
    """

    name = "chroma"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"vectors"})
    remote = False

    def __init__(self, where: str | Path | None = None, *, collection: str = "chunks") -> None:
        self.path, self._chroma = where, _engine()
        self._pid, self._lock, self._closed = os.getpid(), threading.RLock(), False
        self._known: list[str] | None = None
        # All of Chroma's clients in memory share what they hold.
        self._name = _spelled(collection) if where is not None else f"c{uuid.uuid4().hex}"
        settings = self._chroma.config.Settings(anonymized_telemetry=False)
        try:
            opened = self._chroma.EphemeralClient if where is None else self._chroma.PersistentClient
            self._client: Any = opened(settings=settings, **({} if where is None else {"path": str(where)}))
            graph = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
            held = {"embedding_function": None, "configuration": {"hnsw": graph}}
            self._collection: Any = self._client.get_or_create_collection(self._name, **held)
        except (OSError, ValueError, RuntimeError, self._chroma.errors.ChromaError) as error:
            msg = f"{self._where} cannot be opened as a folder of Chroma's: {error}"
            raise ChainkitError(msg, cure="name another folder") from None

    @property
    def _where(self) -> str:
        return "this store of Chroma in memory" if self.path is None else str(self.path)

    @property
    def _rows(self) -> Any:
        if self._closed:
            raise ChainkitError(f"{self._where} was closed", cure="open it again")
        if self._pid != os.getpid():
            msg = f"{self._where} was opened before this process was forked, and Chroma's threads stayed behind"
            raise ChainkitError(msg, cure="start processes by 'spawn', and open it there")
        return self._collection

    @property
    def _dimensions(self) -> int | None:
        noted: dict[str, Any] = self._rows.metadata or {}
        return noted.get("dimensions")

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`: document by document whole for threads of this process, the first row last on the disk."""
        bare = [e.document.id for e in entries if e.vectors is None and e.chunks]
        if bare:
            msg = f"{bare[0]!r} has no vectors, and chroma keeps nothing without"
            raise CompositionError(msg, cure="give the index embed=")
        with self._lock:
            dimensions = checked(entries, self._dimensions, self.name)
            if dimensions is not None and self._dimensions is None:
                self._rows.modify(metadata={"dimensions": dimensions})
            made = [row for e in {e.document.id: e for e in entries}.values() for row in _rows(e)]
            self._known = None
            self._write([row for row in made if "stamp" not in row["metadatas"]])
            written = {row["ids"] for row in made}
            self._delete([i for i in self._ids({e.document.id for e in entries}) if i not in written])
            self._write([row for row in made if "stamp" in row["metadatas"]])

    def _write(self, made: list[dict[str, Any]]) -> None:
        for some in _pages(made):
            self._rows.upsert(**{name: [row[name] for row in some] for name in some[0]})

    def _delete(self, ids: list[str]) -> None:
        for some in _pages(ids):
            self._rows.delete(ids=some)

    def _ids(self, documents: Collection[str]) -> list[str]:
        """The rows of documents."""
        found: list[str] = []
        for some in _pages([record_id(i, 0) for i in documents]):
            found += self._rows.get(where={"document": {"$in": some}}, include=[])["ids"]
        return found

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        with self._lock:
            for row in self._read([record_id(id, 0)]):
                new = replace(row, stamp=stamp)
                _, rest = parts(new)
                self._rows.update(ids=[new.id], metadatas=[{"rest": rest, "stamp": stamped(new)}])

    def _read(self, ids: list[str]) -> list[Record]:
        found = self._rows.get(ids=ids, include=["documents", "metadatas"])
        return [record_of(d, m["rest"]) for d, m in zip(found["documents"], found["metadatas"], strict=True)]

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        with self._lock:
            first = [record_id(i, 0) for i in dict.fromkeys(ids)]
            there = [i for some in _pages(first) for i in self._rows.get(ids=some, include=[])["ids"]]
            self._known = None
            # First what has the stamps: after a crash in the middle nothing looks whole.
            self._delete(there)
            self._delete(self._ids(ids))
        return len(there)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        with self._lock:
            return stamps_of([m["stamp"] for m in self._metadatas({"ordinal": 0})])

    def _metadatas(self, where: Any = None) -> Iterator[dict[str, Any]]:
        start, many = 0, self._rows.count()
        while start < many:
            yield from self._rows.get(where=where, limit=_PAGE, offset=start, include=["metadatas"])["metadatas"]
            start += _PAGE

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        with self._lock:
            rows: dict[str, list[Record]] = {}
            for some in _pages(self._ids(ids)):
                for row in self._read(some):
                    rows.setdefault(row.document, []).append(row)
        return [entry_of(rows[i]) for i in ids if any(r.ordinal == 0 for r in rows.get(i, ()))]

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """Not what Chroma can in a folder: raises CompositionError."""
        raise CompositionError("the store 'chroma' searches vectors only", cure="by='vectors', or another store")

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`. Of more than a thousand chunks Chroma walks a graph, and may miss some of the nearest."""
        with self._lock:
            dimensions, many = self._dimensions, self._rows.count()
            if dimensions is None or k < 1 or not vectors or not many:
                return [[] for _ in vectors]
            for vector in vectors:
                fitting(vector, dimensions, "the question")
            passing = None if where is None else _where(asked(where, lambda _: self._facts()))
            if many <= _COMPARED:
                return self._compared(vectors, k, passing)
            found = self._rows.query(
                query_embeddings=units(vectors),
                n_results=min(k, many),
                where=passing,
                include=["documents", "distances"],
            )
        pairs = zip(found["documents"], found["distances"], strict=True)
        return [_found(documents, distances) for documents, distances in pairs]

    def _compared(self, vectors: Sequence[Vector], k: int, passing: Any) -> list[list[Retrieved]]:
        """Every vector looked at: a small graph may have parts that no way leads to."""
        held = self._rows.get(where=passing, include=["documents", "embeddings"])
        if not held["ids"]:
            return [[] for _ in vectors]
        chunks = [chunk_of(d) for d in held["documents"]]
        scores = (units(vectors) @ units(held["embeddings"]).T).tolist()
        found = [[Retrieved(c, max(-1.0, min(1.0, s))) for c, s in zip(chunks, row, strict=True)] for row in scores]
        return [sorted(row, key=lambda r: (-r.score, r.document.key))[:k] for row in found]

    def _facts(self) -> list[str]:
        """Every fact there is."""
        if self._known is None:
            self._known = list({fact for held in self._metadatas() for fact in held["facts"]})
        return self._known

    def close(self) -> None:
        """See `Store.close`."""
        with self._lock:
            if not self._closed and self._pid == os.getpid():
                if self.path is None:
                    self._client.delete_collection(self._name)
                self._client.close()
            self._closed = True

    def __len__(self) -> int:
        return len(self.stamps())

    def __repr__(self) -> str:
        return f"ChromaStore({'' if self.path is None else repr(str(self.path))})"


def _engine() -> Any:
    try:
        import_module("chromadb.config")
        return import_module("chromadb")
    except ImportError as error:
        msg = f"the store 'chroma' needs a package that is not installed: {error}"
        raise MissingExtra(msg, cure="pip install 'chainkit[chroma]'") from None


def _spelled(name: str) -> str:
    """A name that Chroma takes (3 to 512 plain characters): the name itself, else a sum of it."""
    plain = all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    if plain and 3 <= len(name) <= 63 and name[0].isalnum() and name[-1].isalnum():
        return name
    return "c" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _rows(entry: Entry) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for row, vector in zip(records(entry), units(entry.vectors or ()), strict=True):
        chunk, rest = parts(row)
        known: dict[str, Any] = {"document": record_id(row.document, 0), "ordinal": row.ordinal, "rest": rest}
        known["facts"] = [_ROW, *facts(row.metadata)]
        stamp = stamped(row)
        if stamp is not None:
            known["stamp"] = stamp
        made.append({"ids": row.id, "embeddings": vector, "metadatas": known, "documents": chunk})
    return made


def _pages(held: list[Any]) -> Iterator[list[Any]]:
    return (held[start : start + _PAGE] for start in range(0, len(held), _PAGE))


def _found(documents: list[str], distances: list[float]) -> list[Retrieved]:
    found = [
        Retrieved(chunk_of(d), max(-1.0, min(1.0, 1 - float(far)))) for d, far in zip(documents, distances, strict=True)
    ]
    return sorted(found, key=lambda r: (-r.score, r.document.key))


def _where(question: Asked, *, denied: bool = False) -> dict[str, Any]:
    """The question as Chroma's filter, which has no "not": it goes down to the facts."""
    match question:
        case Holds(words):
            held = [{"facts": {"$not_contains" if denied else "$contains": w}} for w in words or ("",)]
            return _joined("$and" if denied else "$or", held)
        case Every(parts_):
            return _joined("$or" if denied else "$and", [_where(p, denied=denied) for p in parts_])
        case Some(parts_):
            return _joined("$and" if denied else "$or", [_where(p, denied=denied) for p in parts_])
        case Without(part):
            return _where(part, denied=not denied)


def _joined(word: str, held: list[dict[str, Any]]) -> dict[str, Any]:
    return held[0] if len(held) == 1 else {word: held}

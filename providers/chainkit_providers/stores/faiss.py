"""FAISS: vectors in memory, exact or by graph or cells. `store("faiss:wiki.faiss")`. Searches vectors only.

The truth is one SQLite file with documents and their vectors: a put is one transaction. FAISS's own index is made from it
when the file is opened, and follows it, also when another process writes.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from chainkit.documents import Chunk, Retrieved
from chainkit.errors import ChainkitError, CompositionError, MissingExtra
from chainkit.retrieval.database import Database
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.sqlite_filters import sql
from chainkit.retrieval.store import Entry, Vector, checked, entry_of, fitting, record_id, records
from chainkit_providers.stores.faiss_matrix import Matrix
from chainkit_providers.stores.rows import chunk_of, parts, record_of, stamped, stamps_of, units

_VERSION = 0xFA155
_ASKED_AT_ONCE = 500
_KEPT_FILTERS = 16
_SCHEMA = """
create table rows(
    n integer primary key autoincrement, document text not null, stamp text,
    chunk text not null, rest text not null, metadata text not null, vector blob
);
create index rows_of on rows(document);
create table settings(name text primary key, value integer not null);
insert into settings values ('dimensions', 0), ('removals', 0)
"""


class FaissStore:
    """Documents in one file, or in memory (`where=None`), their vectors searched by FAISS. Shared between threads.

    `how` is FAISS's own description of an index: "Flat" compares every vector and is exact, "HNSW32" walks a graph,
    "IVF256,Flat" looks into some cells (until there are enough vectors to learn cells from, it is flat). `probe` is how
    much of those is looked at: `efSearch` of a graph, `nprobe` of cells. `threads` are FAISS's own: more than one are
    quicker where the machine has nothing else to do, and very much slower where it has.
    """

    name = "faiss"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"vectors"})
    remote = False

    def __init__(
        self, where: str | Path | None = None, *, how: str = "Flat", probe: int | None = None, threads: int = 1
    ) -> None:
        self.path, self._how, self._probe, self._threads = where, how, probe, max(1, threads)
        self._faiss = _engine()
        _known(self._faiss, how)
        if where is not None:
            with suppress(OSError):  # the database says it better
                Path(where).parent.mkdir(parents=True, exist_ok=True)
        self._database = Database(where, _prepare, what="store for FAISS")
        self._pid, self._lock = os.getpid(), threading.RLock()
        self._matrix: Matrix | None = None
        self._seen = -1
        self._passed: dict[tuple[str, int, int], list[int]] = {}
        self._settings()

    def _settings(self) -> tuple[int, int]:
        """(dimensions, removals)."""
        held = dict(self._database.execute("select name, value from settings"))
        return held["dimensions"], held["removals"]

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`: one transaction."""
        dimensions = checked(entries, self._settings()[0] or None, self.name)
        made = [row for e in {e.document.id: e for e in entries}.values() for row in _rows(e)]
        with self._database.writing():
            known, _ = self._settings()
            if known and known != dimensions:  # another process was first
                checked(entries, known, self.name)
            if not known and dimensions is not None:
                self._database.execute("update settings set value = ? where name = 'dimensions'", (dimensions,))
            self._drop({e.document.id for e in entries})
            self._database.executemany(_INSERT, made)

    def _drop(self, ids: Collection[str]) -> int:
        """How many of the documents were there."""
        keys = [(record_id(i, 0),) for i in dict.fromkeys(ids)]
        held = [k for k in keys if self._database.execute("select 1 from rows where document = ? limit 1", k)]
        if held:
            self._database.executemany("delete from rows where document = ?", held)
            self._database.execute("update settings set value = value + 1 where name = 'removals'")
        return len(held)

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        first = "select n, rest from rows where document = ? and stamp is not null"
        with self._database.writing():
            for n, rest in self._database.execute(first, (record_id(id, 0),)):
                values = (json.dumps([id, stamp]), json.dumps({**json.loads(rest), "stamp": stamp}), n)
                self._database.execute("update rows set stamp = ?, rest = ? where n = ?", values)

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        with self._database.writing():
            return self._drop(ids)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        return stamps_of([r[0] for r in self._database.execute("select stamp from rows where stamp is not null")])

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        asked = "select chunk, rest from rows where document = ?"
        found = [self._database.execute(asked, (record_id(i, 0),)) for i in ids]
        return [entry_of(record_of(*row) for row in rows) for rows in found if rows]

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """Not what FAISS can: raises CompositionError."""
        raise CompositionError("the store 'faiss' searches vectors only", cure="by='vectors', or another store")

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`. A graph or cells may miss some of the nearest, "Flat" does not."""
        self._after_fork()
        with self._lock, self._threaded():
            matrix = self._followed()
            if matrix is None or k < 1 or not vectors:
                return [[] for _ in vectors]
            for vector in vectors:
                fitting(vector, matrix.dimensions, "the question")
            among = None if where is None else self._passing(where, matrix.last)
            near = matrix.nearest(units(vectors), k, among)
            return self._hydrated(near)

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            # OpenMP's threads stayed in the parent: a team of one needs none.
            self._threads, self._pid, self._lock = 1, os.getpid(), threading.RLock()

    @contextmanager
    def _threaded(self) -> Generator[None]:
        """As many threads as were asked for, in what this thread asks of FAISS here, and nowhere else."""
        before = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(self._threads)
        try:
            yield
        finally:
            self._faiss.omp_set_num_threads(before)

    def _followed(self) -> Matrix | None:
        """FAISS's index, with all that is in the file. None where there are no vectors."""
        dimensions, removals = self._settings()
        if not dimensions:
            return None
        if self._matrix is None:
            self._matrix = Matrix(self._faiss, self._how, dimensions, self._probe)
        matrix, run = self._matrix, self._database.execute
        if self._seen != removals:
            matrix.keep([r[0] for r in run("select n from rows where vector is not null")])
        new = run("select n, vector from rows where n > ? and vector is not null order by n", (matrix.last,))
        matrix.add([n for n, _ in new], b"".join(v for _, v in new))
        self._seen = removals
        return matrix

    def _passing(self, where: Condition, last: int) -> list[int]:
        """The rows that a filter lets pass, looked for once in each state of the file."""
        key = (repr(where), last, self._seen)  # 1 and True are equal, and are not alike
        if key not in self._passed:
            if len(self._passed) >= _KEPT_FILTERS:
                self._passed.clear()
            passing, values = sql(where, "metadata")
            found = self._database.execute(f"select n from rows where n <= ? and {passing}", [last, *values])
            self._passed[key] = [r[0] for r in found]
        return self._passed[key]

    def _hydrated(self, near: list[list[tuple[int, float]]]) -> list[list[Retrieved]]:
        wanted = list({n for found in near for n, _ in found})
        chunks: dict[int, Chunk] = {}
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            some = wanted[start : start + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._database.execute(f"select n, chunk from rows where n in ({marks})", some)
            chunks |= {n: chunk_of(held) for n, held in rows}
        made = [[Retrieved(chunks[n], score) for n, score in found if n in chunks] for found in near]
        return [sorted(found, key=lambda r: (-r.score, r.document.key)) for found in made]

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()
        self._matrix = None

    def __len__(self) -> int:
        return int(self._database.execute("select count(*) from rows where stamp is not null")[0][0])

    def __repr__(self) -> str:
        return f"FaissStore({'' if self.path is None else repr(str(self.path))})"


_INSERT = "insert into rows(document, stamp, chunk, rest, metadata, vector) values (?, ?, ?, ?, ?, ?)"


def _rows(entry: Entry) -> list[tuple[Any, ...]]:
    blobs: list[bytes | None] = [None] * len(entry.chunks)
    if entry.vectors is not None:
        blobs = [row.tobytes() for row in units(entry.vectors)]
    return [
        (record_id(r.document, 0), stamped(r), *parts(r), json.dumps(dict(r.metadata), default=str), blob)
        for r, blob in zip(records(entry), blobs, strict=True)
    ]


def _prepare(database: Database) -> None:
    with database.writing():
        version = database.execute("pragma user_version")[0][0]
        if version == 0 and not database.execute("select count(*) from sqlite_master")[0][0]:
            for statement in _SCHEMA.strip().split(";\n"):
                database.execute(statement)
            database.execute(f"pragma user_version = {_VERSION}")
        elif version != _VERSION:
            msg = f"{database.where} is another kind of SQLite file, no store for FAISS"
            raise ChainkitError(msg, cure="name another file")


def _engine() -> Any:
    try:
        import_module("numpy")
        return import_module("faiss")
    except ImportError as error:
        msg = f"the store 'faiss' needs a package that is not installed: {error}"
        raise MissingExtra(msg, cure="pip install 'chainkit[faiss]'") from None


def _known(faiss: Any, how: str) -> None:
    """Raises CompositionError for a description that FAISS cannot read."""
    try:
        faiss.index_factory(64, how, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError:
        msg = f"FAISS knows no index {how!r}"
        raise CompositionError(msg, cure='"Flat", "HNSW32", "IVF256,Flat", and others in FAISS\'s guide') from None

"""LanceDB: a table of vectors and text in a folder, larger than memory. `store("lancedb:folder")`. Searches both.

One `put` is one version of the table: all of it is there or nothing. The text that LanceDB searches is our own terms, with
those of headings and title twice.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from chainkit.documents import Retrieved
from chainkit.errors import ChainkitError, CompositionError, MissingExtra
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.matching import chunk_terms, question_terms
from chainkit.retrieval.store import Entry, Vector, checked, entry_of, fitting, record_id, records
from chainkit_providers.stores.facts import Asked, Every, Holds, Some, asked, facts
from chainkit_providers.stores.rows import chunk_of, parts, record_of, stamped, stamps_of, units

_TIDY_AFTER = 20
"""Puts after which the table's small files are joined, and its index of terms takes the new rows in."""
_OLD = timedelta(hours=1)
"""For how long a version stays that others may still be reading."""


class LanceStore:
    """Documents in a table of LanceDB's, searched by terms and vectors. Shared between threads.

    `where` is a folder, or None for memory; `table` names the table in it, in any letters. Raises MissingExtra without
    the package, ChainkitError where the table is none of this store's.
    """

    name = "lancedb"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text", "vectors"})
    remote = False

    def __init__(self, where: str | Path | None = None, *, table: str = "chunks") -> None:
        self.path, self._engine, self._arrow = where, _engine(), import_module("pyarrow")
        self._pid, self._lock, self._closed, self._puts = os.getpid(), threading.RLock(), False, 0
        self._facts: tuple[Any, list[str]] = (None, [])
        try:
            # Every call sees what other processes wrote.
            home = "memory://" if where is None else str(where)
            self._home = self._engine.connect(home, read_consistency_interval=timedelta(0))
            self._held = self._opened(_spelled(table))
        except (OSError, ValueError, RuntimeError) as error:
            msg = f"{self._where} cannot be opened as a folder of LanceDB's: {error}"
            raise ChainkitError(msg, cure="name another folder") from None

    def _opened(self, table: str) -> Any:
        try:
            made = self._home.open_table(table)
        except (ValueError, FileNotFoundError):
            made = self._home.create_table(table, schema=_schema(self._arrow), exist_ok=True)
        if not set(_schema(self._arrow).names) <= set(made.schema.names):
            raise ChainkitError(f"{self._where} has a table {table!r} that is no store", cure="table='another name'")
        if not made.list_indices():
            plain = {"lower_case": False, "stem": False, "remove_stop_words": False, "ascii_folding": False}
            fts = import_module("lancedb.index").FTS
            made.create_index("terms", config=fts(base_tokenizer="whitespace", max_token_length=None, **plain))
        return made

    @property
    def _where(self) -> str:
        return "this store of LanceDB in memory" if self.path is None else str(self.path)

    @property
    def _table(self) -> Any:
        if self._closed:
            raise ChainkitError(f"{self._where} was closed", cure="open it again")
        if self._pid != os.getpid():
            msg = f"{self._where} was opened before this process was forked, and LanceDB's threads stayed behind"
            raise ChainkitError(msg, cure="start processes by 'spawn', and open it there")
        return self._held

    @property
    def _dimensions(self) -> int | None:
        schema = self._table.schema
        return schema.field("vector").type.list_size if "vector" in schema.names else None

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`: one version of the table."""
        with self._lock:
            dimensions = checked(entries, self._dimensions, self.name)
            if not entries:
                return
            if dimensions is not None and self._dimensions is None:
                column = self._arrow.list_(self._arrow.float32(), dimensions)
                self._table.add_columns(self._arrow.field("vector", column))
            held = {e.document.id: e for e in entries}
            self._merge([row for e in held.values() for row in _rows(e)], held)
            self._tidied()

    def _merge(self, rows: list[dict[str, Any]], replaced: Iterable[str]) -> None:
        schema = self._table.schema
        made = self._arrow.Table.from_pylist(rows, schema=schema)
        merge = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        gone = _among("document", [record_id(i, 0) for i in replaced])
        # "null" because a row without a vector is no mistake here; bad ones were refused before.
        merge.when_not_matched_by_source_delete(gone).execute(made, on_bad_vectors="null")

    def _tidied(self) -> None:
        self._puts += 1
        if self._puts % _TIDY_AFTER == 0:
            # Another process may be doing the same; the next time will do.
            with suppress(RuntimeError, OSError, ValueError):
                self._table.optimize(cleanup_older_than=_OLD)

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        first = f"id = '{record_id(id, 0)}'"
        with self._lock:
            for row in self._rows(first, ["rest"]):
                rest = json.dumps({**json.loads(row["rest"]), "stamp": stamp})
                self._table.update(where=first, values={"stamp": json.dumps([id, stamp]), "rest": rest})

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        if not ids:
            return 0
        with self._lock:
            wanted = [record_id(i, 0) for i in dict.fromkeys(ids)]
            there = self._table.count_rows(_among("id", wanted))
            if there:
                self._table.delete(_among("document", wanted))
        return int(there)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        return stamps_of([r["stamp"] for r in self._rows("stamp is not null", ["stamp"])])

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        if not ids:
            return []
        wanted = [record_id(i, 0) for i in ids]
        rows: dict[str, list[Any]] = {}
        for row in self._rows(_among("document", wanted), ["document", "chunk", "rest"]):
            rows.setdefault(row["document"], []).append(record_of(row["chunk"], row["rest"]))
        return [entry_of(rows[key]) for key in wanted if key in rows]

    def _rows(self, where: str, columns: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._table.search().where(where).select(columns).to_list()
        return found

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`: BM25, a heading's term counting twice; equal scores by where they stand."""
        passing = None if where is None else self._passing(where)
        match = import_module("lancedb.query").MatchQuery
        found: list[list[Retrieved]] = []
        for query in queries:
            wanted = question_terms(query)
            if not wanted or k < 1:
                found.append([])
                continue
            asking = self._table.search(match(" ".join(wanted), "terms"), query_type="fts")
            found.append([_found(r, r["_score"]) for r in _best(asking, k, passing, "_score")])
        return [sorted(f, key=_order) for f in found]

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`: every vector is looked at, unless you made an index for them on the table."""
        dimensions = self._dimensions
        if dimensions is None or k < 1 or not vectors:
            return [[] for _ in vectors]
        for vector in vectors:
            fitting(vector, dimensions, "the question")
        passing = None if where is None else self._passing(where)
        found: list[list[Retrieved]] = []
        for vector in units(vectors):
            asking = self._table.search(vector, vector_column_name="vector").distance_type("cosine")
            rows = _best(asking, k, passing, "_distance")
            found.append([_found(r, max(-1.0, min(1.0, 1 - r["_distance"]))) for r in rows])
        return [sorted(f, key=_order) for f in found]

    def _passing(self, where: Condition) -> str:
        return _sql(asked(where, lambda _: self._known_facts()))

    def _known_facts(self) -> list[str]:
        """Every fact in the table, read once for each version of it."""
        with self._lock:
            version = self._table.version
            if self._facts[0] != version:
                column = self._table.search().select(["facts"]).to_arrow()["facts"].combine_chunks()
                self._facts = (version, column.flatten().unique().to_pylist())
            return self._facts[1]

    def close(self) -> None:
        """See `Store.close`."""
        self._closed = True

    def __len__(self) -> int:
        return int(self._table.count_rows("stamp is not null"))

    def __repr__(self) -> str:
        return f"LanceStore({'' if self.path is None else repr(str(self.path))})"


def _engine() -> Any:
    try:
        return import_module("lancedb")
    except ImportError as error:
        msg = f"the store 'lancedb' needs a package that is not installed: {error}"
        raise MissingExtra(msg, cure="pip install 'chainkit[lancedb]'") from None


def _spelled(table: str) -> str:
    """A name that LanceDB takes: letters, digits, _ - and . are themselves, others their UTF-8 in hex after a point."""
    if not table:
        raise CompositionError("a table of LanceDB's needs a name")
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
    return "".join(c if c in plain else "." + c.encode("utf-8", "surrogatepass").hex() + "." for c in table)


def _schema(arrow: Any) -> Any:
    text = arrow.string()
    # So marked, two processes that put the same new document at once conflict, and the later tries again.
    key = arrow.field("id", text, nullable=False, metadata={"lance-schema:unenforced-primary-key": "true"})
    names = ("document", "stamp", "terms", "chunk", "rest")
    return arrow.schema([key, *((name, text) for name in names), ("facts", arrow.list_(text))])


def _rows(entry: Entry) -> list[dict[str, Any]]:
    vectors: Any = [None] * len(entry.chunks) if entry.vectors is None else list(units(entry.vectors))
    made: list[dict[str, Any]] = []
    for row, vector in zip(records(entry), vectors, strict=True):
        chunk, rest = parts(row)
        text = " ".join(chunk_terms(row))
        held = {"id": row.id, "document": record_id(row.document, 0), "stamp": stamped(row), "terms": text}
        made.append({**held, "chunk": chunk, "rest": rest, "facts": facts(row.metadata), "vector": vector})
    return made


def _best(asking: Any, k: int, passing: str | None, score: str) -> list[dict[str, Any]]:
    if passing is not None:
        asking = asking.where(passing, prefilter=True)
    found: list[dict[str, Any]] = asking.select(["chunk", score]).limit(min(k, _MOST)).to_list()
    return found


_MOST = 1_000_000
"""More than this is asked for at once by nobody, and an engine may make room for what is asked."""


def _found(row: dict[str, Any], score: float) -> Retrieved:
    return Retrieved(chunk_of(row["chunk"]), float(score))


def _order(found: Retrieved) -> tuple[Any, ...]:
    return -found.score, found.document.key


def _sql(question: Asked) -> str:
    match question:
        case Holds(words):
            return f"array_has_any(facts, make_array({_quoted(words)}))" if words else "(id is null)"
        case Every(parts):
            return "(" + " and ".join(map(_sql, parts)) + ")"
        case Some(parts):
            return "(" + " or ".join(map(_sql, parts)) + ")"
        case _:
            return f"(not {_sql(question.part)})"


def _among(column: str, values: Sequence[str]) -> str:
    return f"{column} in ({_quoted(values)})"


def _quoted(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)

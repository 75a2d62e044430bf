"""Postgres: chunks, terms and vectors in tables of one database. Vectors need the extension pgvector.

Terms are ours, in a table of their own, and BM25 is worked out in SQL, which Postgres's own text search does not offer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Literal, LiteralString

from chainkit.documents import Retrieved
from chainkit.errors import BadRequest, CompositionError
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.matching import chunk_terms, question_terms
from chainkit.retrieval.store import Entry, Record, Vector, checked, entry_of, fitting, records
from chainkit_providers.connections.postgres import Postgres
from chainkit_providers.stores.jsonb import sql
from chainkit_providers.stores.rows import chunk_in, packed, unit

_LOCK = 7242_1866_2502
"""Under which the tables are made: two processes that begin at once would trip over each other."""
_TABLES: LiteralString = """
create table if not exists {documents} (id text primary key, about text not null, regions text not null, stamp text not null);
create table if not exists {chunks} (
    n bigint generated always as identity primary key, document text not null references {documents} on delete cascade,
    ordinal int not null, row text not null, metadata jsonb not null, long int not null, unique (document, ordinal)
);
create table if not exists {terms} (
    term text not null, chunk bigint not null references {chunks} on delete cascade, often int not null
);
create index if not exists {by_term} on {terms} (term, chunk, often);
create index if not exists {by_chunk} on {terms} (chunk)
"""
_MATCHING: LiteralString = """
with asked as (select term, chunk, often from {terms} where term = any(%s)),
     held as (select term, count(*)::float8 as df from asked group by term),
     about as (select count(*)::float8 as n, greatest(avg(long), 1)::float8 as usual from {chunks})
select c.document, c.row, sum(
    ln(1 + (about.n - held.df + 0.5) / (held.df + 0.5)) * asked.often * 2.2
    / (asked.often + 1.2 * (0.25 + 0.75 * c.long / about.usual))
) as score
from asked join held using (term) join {chunks} c on c.n = asked.chunk cross join about
where """
_NEAR: LiteralString = "select c.row, 1 - (c.vector <=> %s::vector) from {chunks} c where c.vector is not null and "
_IN_ORDER: LiteralString = (
    ' group by c.n, c.document, c.row, c.ordinal order by score desc, c.document collate "C", c.ordinal limit %s'
)


class PostgresStore:
    """Documents in the database at `where` (postgresql://...), in the tables `<table>_documents`, `_chunks` and `_terms`.

    `hnsw=True` makes an index for vectors: quicker for many, and approximate. Without it every vector is compared.
    """

    name = "postgres"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text", "vectors"})
    remote = True

    def __init__(self, where: str | None = None, *, table: str = "chainkit", hnsw: bool = False) -> None:
        words = ("documents", "chunks", "terms", "by_term", "by_chunk", "near")
        self._names = {w: f"{table}_{w}" for w in words}
        self._table, self._hnsw = table, hnsw
        self._postgres = Postgres(where or "", self._names, "documents")
        with self._postgres.transaction():
            self._postgres.rows("select pg_advisory_xact_lock(%s)", _LOCK)
            self._postgres.rows(_TABLES)
        self._dimensions = self._known_dimensions()

    def _known_dimensions(self) -> int | None:
        rows = self._postgres.rows(
            "select atttypmod from pg_attribute where attrelid = %s::regclass and attname = 'vector'",
            _quoted(self._names["chunks"]),
        )
        return int(rows[0][0]) if rows else None

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`: one transaction."""
        checked(entries, self._dimensions, self.name)
        latest = {e.document.id: e for e in entries}
        for entry in latest.values():
            _storable(entry)
        with self._postgres.transaction():
            self._make_room(list(latest.values()))
            # In the order of their names: two writers of the same documents then wait for each other and never both.
            for name in sorted(latest):
                self._postgres.rows("select pg_advisory_xact_lock(hashtextextended(%s, 0))", f"{self._table} {name}")
            self._postgres.rows("delete from {documents} where id = any(%s)", list(latest))
            self._insert(list(latest.values()))

    def _make_room(self, entries: Sequence[Entry]) -> None:
        if self._dimensions is None:
            self._dimensions = self._known_dimensions()
        dimensions = checked(entries, self._dimensions, self.name)
        if dimensions is None or self._dimensions is not None:
            return
        run = self._postgres.rows
        run("select pg_advisory_xact_lock(%s)", _LOCK)
        try:
            run("create extension if not exists vector")
        except BadRequest as error:
            msg = f"this Postgres has no extension for vectors: {error.message}"
            raise CompositionError(
                msg, cure="install pgvector there, or keep vectors elsewhere: store=(..., ...)"
            ) from None
        if self._known_dimensions() is None:
            run(f"alter table {{chunks}} add column vector vector({dimensions})")  # type: ignore[arg-type]  # pyright: ignore
            if self._hnsw:
                run("create index if not exists {near} on {chunks} using hnsw (vector vector_cosine_ops)")
        self._dimensions = self._known_dimensions()
        checked(entries, self._dimensions, self.name)

    def _insert(self, entries: Sequence[Entry]) -> None:
        copy, ids = self._postgres.copy, [e.document.id for e in entries]
        copy(
            "copy {documents} (id, about, regions, stamp) from stdin",
            [(d.id, _json(dict(d.metadata)), _json(d.regions), e.stamp) for e in entries for d in (e.document,)],
        )
        rows = [(r, Counter(chunk_terms(r))) for e in entries for r in records(e)]
        columns = [
            (r.document, r.ordinal, packed(r), _json(dict(r.metadata)), often.total(), _vector(r)) for r, often in rows
        ]
        if self._dimensions is None:
            copy("copy {chunks} (document, ordinal, row, metadata, long) from stdin", [c[:-1] for c in columns])
        else:
            copy("copy {chunks} (document, ordinal, row, metadata, long, vector) from stdin", columns)
        found = self._postgres.rows("select document, ordinal, n from {chunks} where document = any(%s)", ids)
        numbers = {(document, ordinal): n for document, ordinal, n in found}
        postings = [(term, numbers[r.document, r.ordinal], n) for r, often in rows for term, n in often.items()]
        copy("copy {terms} (term, chunk, often) from stdin", postings)

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        return len(self._postgres.rows("delete from {documents} where id = any(%s) returning id", list(ids)))

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        self._postgres.rows("update {documents} set stamp = %s where id = %s", stamp, id)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        return dict(self._postgres.rows("select id, stamp from {documents}"))

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        rows = self._postgres.rows(
            "select d.id, d.about, d.regions, d.stamp, c.row from {documents} d join {chunks} c on c.document = d.id "
            "where d.id = any(%s)",
            list(ids),
        )
        found: dict[str, list[Record]] = {}
        for name, about, regions, stamp, row in rows:
            told = {
                "about": json.loads(about),
                "regions": tuple((a, m) for a, m in json.loads(regions)),
                "stamp": stamp,
            }
            found.setdefault(name, []).append(replace(Record.of(json.loads(row)), **told))
        return [entry_of(found[i]) for i in ids if i in found]

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`: BM25."""
        return [self._matching(query, k, where) for query in queries]

    def _matching(self, query: str, k: int, where: Condition | None) -> list[Retrieved]:
        asked = [t for t in question_terms(query) if "\0" not in t]
        if not asked or k < 1:
            return []
        passing, values = sql(where)
        rows = self._postgres.rows(_MATCHING + passing + _IN_ORDER, asked, *values, k)
        return [Retrieved(chunk_in(row), float(score)) for _, row, score in rows]

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`."""
        if self._dimensions is None:
            self._dimensions = self._known_dimensions()
        if self._dimensions is None or k < 1:
            return [[] for _ in vectors]
        for vector in vectors:
            fitting(vector, self._dimensions, "the question")
        return [self._near(_spelled(vector), k, where) for vector in vectors]

    def _near(self, vector: str, k: int, where: Condition | None) -> list[Retrieved]:
        passing, values = sql(where)
        query: LiteralString = _NEAR + passing + " order by c.vector <=> %s::vector limit %s"
        rows = self._postgres.rows(query, vector, *values, vector, k)
        found = [Retrieved(chunk_in(row), float(score)) for row, score in rows]
        return sorted(found, key=lambda r: (-r.score, r.document.key))

    def close(self) -> None:
        """See `Store.close`."""
        self._postgres.close()

    def __len__(self) -> int:
        return int(self._postgres.rows("select count(*) from {documents}")[0][0])

    def __repr__(self) -> str:
        return f"PostgresStore({self._postgres.where}, table={self._table!r})"


def _vector(record: Record) -> str | None:
    return None if record.vector is None else _spelled(record.vector)


def _storable(entry: Entry) -> None:
    """Raise CompositionError for what no text of Postgres can hold."""
    if "\0" in entry.document.id or "\0" in entry.document.text or "\\u0000" in _json(dict(entry.document.metadata)):
        msg = f"{entry.document.id!r} holds a NUL character, which no text of Postgres can"
        raise CompositionError(msg, cure='take it out: text.replace("\\0", "")')


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _spelled(vector: Vector) -> str:
    return "[" + ",".join(repr(x) for x in unit(vector)) + "]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

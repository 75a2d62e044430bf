"""The embedded store: one file, or memory. Terms by SQLite's full-text search (FTS5, BM25), vectors by sqlite-vec.

What is searched are our own terms (see `analysis`), so that another engine can take the same ones. Vectors are compared
with every vector there is: exact, and quick enough for some ten thousand chunks.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from chainkit.documents import Chunk, Retrieved
from chainkit.errors import ChainkitError, MissingExtra
from chainkit.retrieval.analysis import terms
from chainkit.retrieval.database import Database, Driver
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.matching import heading_terms, question_terms
from chainkit.retrieval.sqlite_filters import sql
from chainkit.retrieval.store import Entry, Record, Vector, checked, entry_of, fitting, records

VERSION = 2
_MOST_NEAR = 4096
"""Neighbours that sqlite-vec gives at the most."""
_SCHEMA = f"""
create table documents(n integer primary key, id text not null unique, metadata text not null, regions text, stamp text);
create table chunks(
    n integer primary key, document integer not null, ordinal integer, start integer, end integer,
    before text, body text not null, after text, headings text, metadata text
);
create unique index chunks_of on chunks(document, ordinal);
create virtual table terms using fts5(heading, body, tokenize = "unicode61 remove_diacritics 0");
insert into terms(terms, rank) values ('rank', 'bm25(2.0, 1.0)');
create table settings(name text primary key, value text);
pragma user_version = {VERSION};
"""
_CHUNK = "d.id, c.body, c.start, c.end, c.headings, coalesce(c.metadata, d.metadata)"
_FROM = "join chunks c on c.n = hit.n join documents d on d.n = c.document"


class SqliteStore:
    """Documents in one file, searchable by terms and by vectors. Safe to share between threads; reopened after a fork.

    Vectors need the extra `sqlite` (apsw and sqlite-vec); the rest runs on the standard library.
    """

    name = "sqlite"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text", "vectors"})
    remote = False

    def __init__(self, path: str | Path | None = None, *, driver: Driver | None = None) -> None:
        self.path = path
        self._dimensions: int | None = None
        self._database = Database(path, self._prepare, driver=driver)

    def _prepare(self, database: Database) -> None:
        version = database.execute("pragma user_version")[0][0]
        if version == 0 and not database.execute("select count(*) from sqlite_master")[0][0]:
            with database.writing():
                for statement in _SCHEMA.strip().rstrip(";").split(";\n"):
                    database.execute(statement)
            version = VERSION
        if version != VERSION:
            msg = f"{database.where} is an index of version {version}, and {VERSION} is read"
            raise ChainkitError(msg, cure="make it anew")
        if _known_dimensions(database) is not None:
            _load_vectors(database)

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`: one transaction."""
        dimensions = checked(entries, self._dimensions, self.name)
        with self._database.writing():
            self._look()
            if self._dimensions is None and dimensions is not None:
                self._make_room(dimensions)
            checked(entries, self._dimensions, self.name)
            for entry in entries:
                self._delete(entry.document.id)
                self._insert(entry)

    def _look(self) -> None:
        """See whether there are vectors: another process may have put some meanwhile."""
        if self._dimensions is None:
            self._dimensions = _known_dimensions(self._database)
            if self._dimensions is not None:
                _load_vectors(self._database)

    def _make_room(self, dimensions: int) -> None:
        _load_vectors(self._database)
        run = self._database.execute
        run(f"create virtual table vectors using vec0(embedding float[{dimensions}] distance_metric=cosine)")
        run("insert into settings values ('dimensions', ?)", (str(dimensions),))
        self._dimensions = dimensions

    def _insert(self, entry: Entry) -> None:
        run, rows = self._database.execute, records(entry)
        about = _json(entry.document.metadata)
        run(
            "insert into documents(id, metadata, regions, stamp) values (?, ?, ?, ?)",
            (entry.document.id, about, _json(entry.document.regions) if entry.document.regions else None, entry.stamp),
        )
        number = run("select last_insert_rowid()")[0][0]
        first = run("select coalesce(max(n), 0) + 1 from chunks")[0][0]
        many = self._database.executemany
        many(_INSERT, [(first + n, number, *_columns(r, about)) for n, r in enumerate(rows)])
        many(
            "insert into terms(rowid, heading, body) values (?, ?, ?)",
            [(first + n, " ".join(heading_terms(r)), " ".join(terms(r.text))) for n, r in enumerate(rows)],
        )
        if entry.vectors is not None:
            many(
                "insert into vectors(rowid, embedding) values (?, ?)",
                [(first + n, _packed(v)) for n, v in enumerate(entry.vectors)],
            )

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        with self._database.writing():
            self._database.execute("update documents set stamp = ? where id = ?", (stamp, id))

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        with self._database.writing():
            self._look()
            return sum(self._delete(i) for i in ids)

    def _delete(self, id: str) -> int:
        run = self._database.execute
        found = run("select n from documents where id = ?", (id,))
        if not found:
            return 0
        numbers = run("select n from chunks where document = ?", found[0])
        self._database.executemany("delete from terms where rowid = ?", numbers)
        if self._dimensions is not None:
            # One by one: for a set of rows the extension would look at all there are.
            self._database.executemany("delete from vectors where rowid = ?", numbers)
        run("delete from chunks where document = ?", found[0])
        run("delete from documents where n = ?", found[0])
        return 1

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        return dict(self._database.execute("select id, stamp from documents order by id"))

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        found = [self._database.execute(_DOCUMENT, (i,)) for i in ids]
        return [_entry(rows) for rows in found if rows]

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`: BM25, headings counting twice; equal scores by where they stand."""
        return [self._matching(query, k, where) for query in queries]

    def _matching(self, query: str, k: int, where: Condition | None) -> list[Retrieved]:
        wanted = question_terms(query)
        if not wanted or k < 1:
            return []
        match = " OR ".join(f'"{t}"' for t in wanted)
        hits = "select rowid as n, rank as score from terms where terms match ? order by rank limit ?"
        values: list[Any] = [match, k]
        if where is not None:
            passing, held = sql(where, "coalesce(c.metadata, d.metadata)")
            hits = (
                "select t.rowid as n, t.rank as score from terms t join chunks c on c.n = t.rowid join documents d on "
                f"d.n = c.document where t.terms match ? and {passing} order by t.rank limit ?"
            )
            values = [match, *held, k]
        order = "order by hit.score, d.id, c.start"
        rows = self._database.execute(f"select {_CHUNK}, -hit.score from ({hits}) hit {_FROM} {order}", values)
        return [Retrieved(_chunk(row), float(row[-1])) for row in rows]

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`: every vector is looked at."""
        self._look()
        if self._dimensions is None or k < 1:
            return [[] for _ in vectors]
        for vector in vectors:
            fitting(vector, self._dimensions, "the question")
        return [self._near(_packed(vector), min(k, _MOST_NEAR), where) for vector in vectors]

    def _near(self, vector: bytes, k: int, where: Condition | None) -> list[Retrieved]:
        hits = "select rowid as n, distance from vectors where embedding match ? and k = ?"
        values: list[Any] = [vector, k]
        if where is not None:
            passing, held = sql(where, "coalesce(c.metadata, d.metadata)")
            among = f"select c.n from chunks c join documents d on d.n = c.document where {passing}"
            hits, values = f"{hits} and rowid in ({among})", [*values, *held]
        order = "order by hit.distance, d.id, c.start"
        rows = self._database.execute(f"select {_CHUNK}, 1 - hit.distance from ({hits}) hit {_FROM} {order}", values)
        return [Retrieved(_chunk(row), float(row[-1])) for row in rows]

    def save(self, path: str | Path) -> None:
        """Write a copy to a file that is not there yet, or replace it."""
        Path(path).unlink(missing_ok=True)
        self._database.execute("vacuum into ?", (str(path),))

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()

    def __len__(self) -> int:
        return int(self._database.execute("select count(*) from documents")[0][0])

    def __repr__(self) -> str:
        return f"SqliteStore({'' if self.path is None else repr(str(self.path))})"


_INSERT = """
insert into chunks(n, document, ordinal, start, end, before, body, after, headings, metadata)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_DOCUMENT = """
select d.id, d.metadata, d.regions, d.stamp, c.ordinal, c.start, c.end, c.before, c.body, c.after, c.headings, c.metadata
from documents d join chunks c on c.document = d.n where d.id = ? order by c.ordinal
"""


def _columns(row: Record, about: str) -> tuple[Any, ...]:
    """A row without what it shares with its document, or with most rows."""
    own = _json(row.metadata)
    headings = _json(row.headings) if row.headings else None
    before, after = row.before or None, row.after or None
    return row.ordinal, row.start, row.end, before, row.text, after, headings, None if own == about else own


def _entry(rows: Sequence[Sequence[Any]]) -> Entry:
    document, about, regions, stamp = rows[0][:4]
    known = json.loads(about)
    made = [
        Record(
            document=document, ordinal=r[4], last=len(rows) - 1, start=r[5], end=r[6], before=r[7] or "", text=r[8],
            after=r[9] or "", headings=_headings(r[10]), metadata=known if r[11] is None else json.loads(r[11]),
            about=known, stamp=stamp, regions=tuple((a, m) for a, m in json.loads(regions or "[]")),
        )
        for r in rows
    ]  # fmt: skip
    return entry_of(made)


def _chunk(row: Sequence[Any]) -> Chunk:
    document, text, start, end, headings, metadata = row[:6]
    return Chunk(document, text, start, end, _headings(headings), json.loads(metadata))


def _headings(held: str | None) -> tuple[str, ...]:
    return () if held is None else tuple(json.loads(held))


def _json(value: Any) -> str:
    return json.dumps(dict(value) if hasattr(value, "keys") else value, ensure_ascii=False, default=str)


def _packed(vector: Vector) -> bytes:
    return array("f", vector).tobytes()


def _known_dimensions(database: Database) -> int | None:
    rows = database.execute("select value from settings where name = 'dimensions'")
    return int(rows[0][0]) if rows else None


def _load_vectors(database: Database) -> None:
    """Load sqlite-vec. Raises MissingExtra where it, or a driver that can load it, is not installed."""
    try:
        if not database.extensible:
            raise ImportError("apsw")
        database.load(import_module("sqlite_vec").loadable_path())
    except ImportError as error:
        msg = f"vectors in {database.where} need a package that is not installed: {error}"
        raise MissingExtra(msg, cure="pip install 'chainkit[sqlite]'") from None

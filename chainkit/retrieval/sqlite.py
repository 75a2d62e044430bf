"""The lexical store: SQLite's full-text search (FTS5, BM25) from the standard library, in one file or in memory.

What is searched are our own terms (see `analysis`), so that another engine can take the same ones.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainkit.documents import Chunk, Document
from chainkit.errors import ChainkitError
from chainkit.retrieval.analysis import terms

VERSION = 1
_MOST_TERMS = 64
"""Different terms of a query that are searched for; a text of megabytes is no better a question."""
_SCHEMA = f"""
create table documents(id text primary key, text text not null, metadata text not null, stamp text);
create table chunks(id integer primary key, document text not null, start integer, end integer, headings text);
create index passages_of on chunks(document);
create virtual table terms using fts5(heading, body, tokenize = "unicode61 remove_diacritics 0");
pragma user_version = {VERSION};
"""


class SqliteStore:
    """Documents and their chunks, searchable. Safe to share between threads; reopened after a fork."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        where = ":memory:" if self.path is None else str(self.path)
        try:
            connection = sqlite3.connect(where, check_same_thread=False)
            version = connection.execute("pragma user_version").fetchone()[0]
            if version == 0 and not connection.execute("select count(*) from sqlite_master").fetchone()[0]:
                connection.executescript(_SCHEMA)
                version = VERSION
            if self.path is not None:
                connection.execute("pragma journal_mode = wal")
                connection.execute("pragma synchronous = normal")
        except sqlite3.DatabaseError as error:
            raise ChainkitError(f"{where} is no index: {error}", cure="delete the file, or name another") from None
        if version != VERSION:
            raise ChainkitError(f"{where} is an index of version {version}, and {VERSION} is read", cure="make it anew")
        return connection

    @contextmanager
    def _using(self) -> Generator[sqlite3.Connection, None, None]:
        if self._pid != os.getpid():
            # A connection of the parent's must not be used here; what is in memory came along.
            self._lock, self._pid = threading.RLock(), os.getpid()
            if self.path is not None:
                self._connection = self._open()
        with self._lock:
            yield self._connection

    def put(self, document: Document, chunks: Sequence[Chunk], stamp: str | None = None) -> None:
        """Add a document, or replace the one of that id: all of it or nothing."""
        with self._using() as db, db:
            self._delete(db, document.id)
            metadata = json.dumps(dict(document.metadata), ensure_ascii=False, default=str)
            db.execute("insert into documents values (?, ?, ?, ?)", (document.id, document.text, metadata, stamp))
            for chunk in chunks:
                row = db.execute(
                    "insert into chunks(document, start, end, headings) values (?, ?, ?, ?)",
                    (document.id, chunk.start, chunk.end, json.dumps(chunk.headings, ensure_ascii=False)),
                ).lastrowid
                heading = " ".join(terms(" ".join((str(document.metadata.get("title", "")), *chunk.headings))))
                db.execute(
                    "insert into terms(rowid, heading, body) values (?, ?, ?)",
                    (row, heading, " ".join(terms(chunk.text))),
                )

    def restamp(self, id: str, stamp: str) -> None:
        """Note that an unchanged document was looked at."""
        with self._using() as db, db:
            db.execute("update documents set stamp = ? where id = ?", (stamp, id))

    def remove(self, ids: Iterable[str]) -> int:
        """Take documents out; how many there were."""
        with self._using() as db, db:
            return sum(self._delete(db, i) for i in ids)

    def _delete(self, db: sqlite3.Connection, id: str) -> int:
        db.execute("delete from terms where rowid in (select id from chunks where document = ?)", (id,))
        db.execute("delete from chunks where document = ?", (id,))
        return db.execute("delete from documents where id = ?", (id,)).rowcount

    def stamps(self) -> dict[str, str | None]:
        """Each document's id and the stamp that it was put with."""
        with self._using() as db:
            return dict(db.execute("select id, stamp from documents"))

    def documents(self) -> list[Document]:
        """All documents, by id."""
        with self._using() as db:
            rows = db.execute("select id, text, metadata from documents order by id").fetchall()
        return [Document(i, text, json.loads(metadata)) for i, text, metadata in rows]

    def __len__(self) -> int:
        with self._using() as db:
            return int(db.execute("select count(*) from documents").fetchone()[0])

    def search(self, query: str, k: int) -> list[tuple[Chunk, float]]:
        """The best chunks by BM25, headings counting twice; equal scores by where they stand."""
        asked = list(dict.fromkeys(terms(query)))[:_MOST_TERMS]
        if not asked or k < 1:
            return []
        match = " OR ".join(f'"{t}"' for t in asked)
        with self._using() as db:
            rows = db.execute(_SEARCH, (match, k)).fetchall()
        return [(_passage(row), float(row[-1])) for row in rows]

    def save(self, path: str | Path) -> None:
        """Write a copy to a file."""
        with self._using() as db:
            target = sqlite3.connect(str(path))
            try:
                db.backup(target)
            finally:
                target.close()

    def close(self) -> None:
        """Let the file go."""
        with self._using() as db:
            db.close()


_SEARCH = """
select p.document, substr(d.text, p.start + 1, p.end - p.start), p.start, p.end, p.headings, d.metadata, hit.score
from (select rowid, -bm25(terms, 2.0, 1.0) as score from terms where terms match ? order by score desc, rowid limit ?) hit
join chunks p on p.id = hit.rowid join documents d on d.id = p.document
order by hit.score desc, p.document, p.start
"""


def _passage(row: Sequence[Any]) -> Chunk:
    document, text, start, end, headings, metadata, _ = row
    return Chunk(document, text, start, end, tuple(json.loads(headings)), json.loads(metadata))

"""Conversations in Postgres: two tables, a row for all that was added at once."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any, LiteralString

from chainkit.errors import AuthenticationError, BadRequest, ChainkitError, ConnectionFailed, MissingExtra, ServerError
from chainkit.memory.as_json import joined, line_of
from chainkit.memory.store import named
from chainkit.messages import Message, Messages

_LOCK = 7242_1866_2501
"""Under which the tables are made: two processes that begin at once would trip over each other."""
_TABLES: tuple[LiteralString, ...] = (
    "create table if not exists {turns} (id bigint generated always as identity primary key, conversation text not null, added text not null)",
    "create index if not exists {index} on {turns} (conversation, id)",
    "create table if not exists {notes} (conversation text, name text, text text not null, primary key (conversation, name))",
)


class PostgresMemory:
    """Conversations in the database at `url` (postgresql://...), in the tables `<prefix>_turns` and `<prefix>_notes`.

    They are made where they are missing. One connection, opened anew where it was lost.
    """

    name = "postgres"
    remote = True

    def __init__(self, url: str | None = None, *, prefix: str = "chainkit") -> None:
        self._psycopg = _driver()
        self._url = url or ""
        self._tables = {w: self._psycopg.sql.Identifier(f"{prefix}_{w}") for w in ("turns", "notes", "index")}
        self._closed = False
        self._connection: Any = None
        self._begin()
        info = self._connected().info
        self.where = f"{info.host}:{info.port}/{info.dbname} {prefix}"
        self._prepare()

    def turns(self, conversation: str) -> Messages:
        """See `Memory.turns`."""
        rows = self._rows("select added from {turns} where conversation = %s order by id", named(conversation))
        return joined((added for (added,) in rows), f"conversation {conversation!r} at {self.where}")

    def add(self, conversation: str, messages: Sequence[Message]) -> None:
        """See `Memory.add`."""
        if messages:
            sql: LiteralString = "insert into {turns} (conversation, added) values (%s, %s)"
            self._rows(sql, named(conversation), line_of(messages))

    def clear(self, conversation: str) -> None:
        """See `Memory.clear`."""
        sql: LiteralString = (
            "with gone as (delete from {notes} where conversation = %s) delete from {turns} where conversation = %s"
        )
        self._rows(sql, named(conversation), conversation)

    def conversations(self) -> list[str]:
        """See `Memory.conversations`."""
        return sorted(name for (name,) in self._rows("select distinct conversation from {turns}"))

    def note(self, conversation: str, name: str) -> str | None:
        """See `Memory.note`."""
        rows = self._rows("select text from {notes} where conversation = %s and name = %s", named(conversation), name)
        return json.loads(rows[0][0]) if rows else None

    def set_note(self, conversation: str, name: str, text: str) -> None:
        """See `Memory.set_note`."""
        sql: LiteralString = "insert into {notes} values (%s, %s, %s) on conflict (conversation, name) do update set text = excluded.text"
        self._rows(sql, named(conversation), name, json.dumps(text))

    def close(self) -> None:
        """See `Memory.close`."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._closed = None, True

    # The connection.

    def _begin(self) -> None:
        self._lock, self._pid = threading.RLock(), os.getpid()
        self._connection = None

    def _prepare(self) -> None:
        with self._lock, self._connected().transaction():
            self._rows("select pg_advisory_xact_lock(%s)", _LOCK)
            for table in _TABLES:
                self._rows(table)

    def _rows(self, query: LiteralString, *values: Any) -> list[Any]:
        if self._pid != os.getpid():
            self._begin()  # the parent's connection stays the parent's
        with self._lock:
            try:
                sql = self._psycopg.sql.SQL(query).format(**self._tables)
                cursor = self._connected().execute(sql, values)
                return cursor.fetchall() if cursor.description is not None else []
            except self._psycopg.Error as error:
                raise self._ours(error) from None

    def _connected(self) -> Any:
        if self._closed:
            raise ChainkitError(f"the memory at {self.where} was closed", cure="open it again")
        if self._connection is None or self._connection.closed:
            try:
                self._connection = self._psycopg.connect(self._url, autocommit=True, connect_timeout=10)
            except self._psycopg.Error as error:
                raise self._unreached(error) from None
        return self._connection

    def _unreached(self, error: Exception) -> ChainkitError:
        said = str(error)
        if "authentication failed" in said or "no password supplied" in said:
            return AuthenticationError(
                "Postgres wants another user or password", cure="postgresql://user:password@host/db"
            )
        if isinstance(error, self._psycopg.ProgrammingError):
            return ChainkitError("this is no address of a Postgres", cure="postgresql://user:password@host/db")
        return ConnectionFailed(f"Postgres does not answer: {type(error).__name__}")

    def _ours(self, error: Exception) -> ChainkitError:
        if isinstance(error, self._psycopg.OperationalError):
            return ConnectionFailed(f"Postgres at {self.where} was lost: {type(error).__name__}")
        kind = (
            BadRequest if isinstance(error, self._psycopg.ProgrammingError | self._psycopg.DataError) else ServerError
        )
        return kind(f"Postgres at {self.where} refused: {type(error).__name__}: {error}")

    def __repr__(self) -> str:
        return f"PostgresMemory({self.where})"


def _driver() -> Any:
    try:
        import_module("psycopg.sql")
        return import_module("psycopg")
    except ImportError:
        raise MissingExtra("conversations in Postgres need psycopg", cure="pip install 'chainkit[postgres]'") from None

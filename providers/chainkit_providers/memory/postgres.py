"""Conversations in Postgres: two tables, a row for all that was added at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import LiteralString

from chainkit.memory.as_json import joined, line_of
from chainkit.memory.store import named
from chainkit.messages import Message, Messages
from chainkit_providers.connections.postgres import Postgres

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
        self._postgres = Postgres(url or "", {w: f"{prefix}_{w}" for w in ("turns", "notes", "index")}, "conversations")
        self._rows = self._postgres.rows
        self.where = f"{self._postgres.where} {prefix}"
        with self._postgres.transaction():
            self._rows("select pg_advisory_xact_lock(%s)", _LOCK)
            for table in _TABLES:
                self._rows(table)

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
        self._postgres.close()

    def __repr__(self) -> str:
        return f"PostgresMemory({self.where})"

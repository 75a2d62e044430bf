"""Conversations in one SQLite file, or in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainkit.errors import CompositionError
from chainkit.memory.as_json import joined, line_of
from chainkit.memory.store import named
from chainkit.messages import Message, Messages
from chainkit.retrieval.database import Database

IN_MEMORY = "memory"
_TABLES = (
    "create table if not exists turns (id integer primary key autoincrement, conversation text not null, added text not null)",
    "create index if not exists turns_of on turns (conversation, id)",
    "create table if not exists notes (conversation text, name text, text text not null, primary key (conversation, name))",
)


class SqliteMemory:
    """Conversations in the SQLite file `path`; without one in memory, for as long as the object lives.

    What was added is there after the process was killed, and after a power cut but for what was added just before it.
    """

    name = "sqlite"
    remote = False

    def __init__(self, path: str | Path | None = None) -> None:
        self._db = Database(path, _prepare, what="memory of conversations")
        self.where = str(Path(path).resolve()) if path is not None else f"{IN_MEMORY} {id(self):x}"

    def turns(self, conversation: str) -> Messages:
        """See `Memory.turns`."""
        rows = self._rows("select added from turns where conversation = ? order by id", conversation)
        return joined((added for (added,) in rows), f"{self.where}, conversation {conversation!r},")

    def add(self, conversation: str, messages: Sequence[Message]) -> None:
        """See `Memory.add`."""
        if not messages:
            return
        line = line_of(messages)
        with self._db.writing():
            self._rows("insert into turns (conversation, added) values (?, ?)", conversation, line)

    def clear(self, conversation: str) -> None:
        """See `Memory.clear`."""
        with self._db.writing():
            self._rows("delete from turns where conversation = ?", conversation)
            self._rows("delete from notes where conversation = ?", conversation)

    def conversations(self) -> list[str]:
        """See `Memory.conversations`."""
        return sorted(name for (name,) in self._db.execute("select distinct conversation from turns"))

    def note(self, conversation: str, name: str) -> str | None:
        """See `Memory.note`."""
        rows = self._rows("select text from notes where conversation = ? and name = ?", conversation, name)
        return json.loads(rows[0][0]) if rows else None

    def set_note(self, conversation: str, name: str, text: str) -> None:
        """See `Memory.set_note`."""
        with self._db.writing():
            self._rows("insert or replace into notes values (?, ?, ?)", conversation, name, json.dumps(text))

    def close(self) -> None:
        """See `Memory.close`."""
        self._db.close()

    def _rows(self, sql: str, conversation: str, *values: str) -> list[Any]:
        return self._db.execute(sql, (named(conversation), *values))

    def __reduce__(self) -> str | tuple[Any, ...]:
        """In another process the same file is opened; what is in memory cannot go there."""
        if self._db.path is None:
            raise CompositionError("conversations in memory cannot go to another process", cure='"sqlite:chat.db"')
        return SqliteMemory, (self.where,)

    def __repr__(self) -> str:
        return f"SqliteMemory({self._db.where})"


def _prepare(db: Database) -> None:
    with db.writing():
        for table in _TABLES:
            db.execute(table)

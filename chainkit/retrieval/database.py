"""A connection to SQLite: apsw's where it is installed, which can load extensions, else the standard library's.

It may be shared between threads (one uses it at a time), and is opened anew after a fork.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from chainkit.errors import ChainkitError

Driver = Literal["apsw", "sqlite3"]
WAIT = 30.0
"""Seconds that a writer waits for another process's."""


class Database:
    """`execute` gives rows; `writing()` is one transaction, all of it or nothing."""

    def __init__(
        self,
        path: str | Path | None,
        prepare: Callable[[Database], None],
        *,
        driver: Driver | None = None,
        what: str = "index",
    ) -> None:
        self.path = None if path is None else Path(path)
        self._what = what
        self._driver: Driver = driver or installed()
        self._prepare = prepare
        self._closed = False
        self._connect()

    @property
    def where(self) -> str:
        """The file, for messages."""
        return f"this {self._what} in memory" if self.path is None else str(self.path)

    @property
    def extensible(self) -> bool:
        """Whether extensions can be loaded."""
        return self._driver == "apsw"

    def _connect(self) -> None:
        self._lock, self._pid = threading.RLock(), os.getpid()
        where = ":memory:" if self.path is None else str(self.path)
        try:
            self._connection, self._broken = _OPEN[self._driver](where)
            if self.path is not None:
                self.execute("pragma journal_mode = wal")
                self.execute("pragma synchronous = normal")
            self._prepare(self)
        except _errors() as error:
            raise self._none(error) from None
        except ChainkitError as error:
            if not isinstance(error.__cause__, _errors()):
                raise
            raise self._none(error.__cause__) from None

    def _none(self, error: Exception) -> ChainkitError:
        return ChainkitError(f"{self.where} is no {self._what}: {error}", cure="delete the file, or name another")

    @contextmanager
    def using(self) -> Generator[Any, None, None]:
        """The connection, for one thread at a time. Raises ChainkitError where it was closed, or its file is broken."""
        if self._pid != os.getpid():
            # A connection of the parent's must not be used here; what is in memory came along.
            self._lock, self._pid = threading.RLock(), os.getpid()
            if self.path is not None:
                self._connect()
        with self._lock:
            if self._closed:
                raise ChainkitError(f"{self.where} was closed", cure="open it again")
            try:
                yield self._connection
            except self._broken as error:
                raise ChainkitError(f"{self.where} cannot be read or written: {error}") from error

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of one statement."""
        with self.using() as connection:
            return connection.execute(sql, values).fetchall()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for many rows."""
        with self.using() as connection:
            connection.executemany(sql, rows)

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """One transaction; nothing is written where it fails."""
        with self.using() as connection:
            connection.execute("begin immediate")
            try:
                yield
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    def load(self, library: str) -> None:
        """Load an extension."""
        with self.using() as connection:
            connection.enable_load_extension(True)
            connection.load_extension(library)
            connection.enable_load_extension(False)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            if not self._closed and self._pid == os.getpid():
                self._connection.close()
            self._closed = True


def installed() -> Driver:
    """The better driver that is there."""
    try:
        import_module("apsw")
    except ImportError:
        return "sqlite3"
    return "apsw"


def _plain(where: str) -> tuple[Any, tuple[type[Exception], ...]]:
    made = sqlite3.connect(where, timeout=WAIT, isolation_level=None, check_same_thread=False)
    return made, (sqlite3.Error,)


def _apsw(where: str) -> tuple[Any, tuple[type[Exception], ...]]:
    apsw: Any = import_module("apsw")
    made = apsw.Connection(where)
    made.set_busy_timeout(int(WAIT * 1000))
    return made, (apsw.Error,)


_OPEN: dict[Driver, Callable[[str], tuple[Any, tuple[type[Exception], ...]]]] = {"sqlite3": _plain, "apsw": _apsw}


def _errors() -> tuple[type[Exception], ...]:
    return (sqlite3.Error, import_module("apsw").Error) if installed() == "apsw" else (sqlite3.Error,)

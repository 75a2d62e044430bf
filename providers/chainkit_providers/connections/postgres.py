"""One connection to Postgres: opened when it is first needed, again where it was lost, and anew after a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, LiteralString

from chainkit.errors import AuthenticationError, BadRequest, ChainkitError, ConnectionFailed, MissingExtra, ServerError


class Postgres:
    """The database at `url` (postgresql://...). `names` are identifiers that statements speak of in braces.

    May be shared between threads, which take turns.
    """

    def __init__(self, url: str, names: Mapping[str, str], what: str) -> None:
        self._psycopg = _driver(what)
        self._url = url
        self._what = what
        self._names = {word: self._psycopg.sql.Identifier(name) for word, name in names.items()}
        self._closed = False
        self._connection: Any = None
        self._begin()
        info = self._connected().info
        self.where = f"{info.host}:{info.port}/{info.dbname}"

    def _begin(self) -> None:
        self._lock, self._pid = threading.RLock(), os.getpid()
        self._connection = None

    @contextmanager
    def _using(self) -> Generator[Any]:
        """The connection, with its errors as ours."""
        if self._pid != os.getpid():
            self._begin()  # the parent's connection stays the parent's
        with self._lock:
            try:
                yield self._connected()
            except self._psycopg.Error as error:
                raise self._ours(error) from None

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All that is done within it, or nothing."""
        with self._using() as connection, connection.transaction():
            yield

    def _composed(self, query: LiteralString) -> Any:
        return self._psycopg.sql.SQL(query).format(**self._names)

    def rows(self, query: LiteralString, *values: Any) -> list[Any]:
        """The rows that a statement gives."""
        with self._using() as connection:
            cursor = connection.execute(self._composed(query), values)
            return cursor.fetchall() if cursor.description is not None else []

    def many(self, query: LiteralString, values: Iterable[Sequence[Any]]) -> None:
        """One statement for many rows."""
        with self._using() as connection, connection.cursor() as cursor:
            cursor.executemany(self._composed(query), values)

    def copy(self, query: LiteralString, values: Iterable[Sequence[Any]]) -> None:
        """Many rows by COPY."""
        with (
            self._using() as connection,
            connection.cursor() as cursor,
            cursor.copy(self._composed(query)) as target,
        ):
            for row in values:
                target.write_row(row)

    def close(self) -> None:
        """Let it go. A second time does nothing."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection, self._closed = None, True

    def _connected(self) -> Any:
        if self._closed:
            raise ChainkitError(f"{self._what} at {self.where} was closed", cure="open it again")
        if self._connection is None or self._connection.closed:
            try:
                self._connection = self._psycopg.connect(self._url, autocommit=True, connect_timeout=10)
            except self._psycopg.Error as error:
                raise self._unreached(error) from None
        return self._connection

    def _unreached(self, error: Exception) -> ChainkitError:
        # The driver's own text holds the address, and with it perhaps the password.
        said, cure = str(error), "postgresql://user:password@host/db"
        if "authentication failed" in said or "no password supplied" in said:
            return AuthenticationError("Postgres wants another user or password", cure=cure)
        if isinstance(error, self._psycopg.ProgrammingError):
            return ChainkitError("this is no address of a Postgres", cure=cure)
        return ConnectionFailed(f"Postgres does not answer: {type(error).__name__}", cure="is it running there?")

    def _ours(self, error: Exception) -> ChainkitError:
        if isinstance(error, self._psycopg.OperationalError):
            return ConnectionFailed(f"Postgres at {self.where} was lost: {type(error).__name__}")
        refused = self._psycopg.ProgrammingError, self._psycopg.DataError
        kind = BadRequest if isinstance(error, refused) else ServerError
        return kind(f"Postgres at {self.where} refused: {type(error).__name__}: {error}")


def _driver(what: str) -> Any:
    try:
        import_module("psycopg.sql")
        return import_module("psycopg")
    except ImportError:
        raise MissingExtra(f"{what} in Postgres need psycopg", cure="pip install 'chainkit[postgres]'") from None

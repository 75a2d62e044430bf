"""Every memory, held to the same cases: files, SQLite, a real Redis, a real Postgres."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainkit.memory import FileMemory, Memory, SqliteMemory, memory
from chainkit.testing import memory_conformance

pytestmark = pytest.mark.slow

SERVERS: dict[str, str] = {}


def served(name: str) -> list:
    def opened(folder: Path) -> Memory:
        return memory(SERVERS[name], prefix=folder.name)

    return memory_conformance(opened)


@pytest.mark.parametrize("case", memory_conformance(lambda folder: FileMemory(folder / "chats")), ids=str)
def test_a_folder_keeps_conversations(case, tmp_path: Path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", memory_conformance(lambda folder: SqliteMemory(folder / "chats.db")), ids=str)
def test_a_sqlite_file_keeps_conversations(case, tmp_path: Path) -> None:
    case.check(tmp_path)


@pytest.mark.parametrize("case", memory_conformance(lambda _: SqliteMemory(), persists=False), ids=str)
def test_sqlite_in_memory_keeps_conversations(case, tmp_path: Path) -> None:
    case.check(tmp_path)


@pytest.mark.xdist_group("redis")
@pytest.mark.parametrize("case", served("redis"), ids=str)
def test_redis_keeps_conversations(case, tmp_path: Path, redis_url: str) -> None:
    SERVERS["redis"] = redis_url
    case.check(tmp_path)


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("case", served("postgres"), ids=str)
def test_postgres_keeps_conversations(case, tmp_path: Path, postgres_url: str) -> None:
    SERVERS["postgres"] = postgres_url
    case.check(tmp_path)

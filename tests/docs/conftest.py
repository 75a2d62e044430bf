"""Documentation runs in a copy of what ships, with no way out of this machine."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pages import ROOT

_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CO_API_KEY", "COHERE_API_KEY", "GROQ_API_KEY", "MISTRAL_API_KEY")


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders that pages name, where a recipe may write beside them."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("docs", "cookbook"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "README.md", folder)
    return folder


@pytest.fixture
def alone(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """There: no keys, no network."""
    monkeypatch.chdir(copied)
    for key in _KEYS:
        monkeypatch.delenv(key, raising=False)
    # Set here, so that a page which sets it leaves nothing behind.
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    # A page that registers an engine of its own leaves it to no other.
    monkeypatch.setattr("chainkit.search.engines._REGISTERED", {})
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"
        if host not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"documentation tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", only_here)
    return copied


@pytest.fixture
def company_wiki(search_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wiki that others filled, on a server that speaks Elasticsearch's language but for its vendor's media type."""
    node = pytest.importorskip("elastic_transport").Urllib3HttpNode
    client = pytest.importorskip("opensearchpy").OpenSearch(hosts=[search_server])
    asked = node.perform_request

    def plainly(self, method, target, body=None, headers=None, **rest):
        kinds = {
            k: ("application/x-ndjson" if "ndjson" in v else "application/json") if "vnd.elasticsearch" in v else v
            for k, v in dict(headers or {}).items()
        }
        reply = asked(self, method, target, body=body, headers=kinds, **rest)
        reply.meta.headers["x-elastic-product"] = "Elasticsearch"
        return reply

    monkeypatch.setattr(node, "perform_request", plainly)
    monkeypatch.setenv("ELASTICSEARCH_URL", search_server)
    for page in sorted((ROOT / "cookbook" / "data" / "wiki").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        body = {"title": text.splitlines()[0].strip("# "), "body": text, "url": f"https://wiki.example/{page.stem}"}
        client.index(index="company-wiki", id=page.stem, body=body, refresh=True)
    yield
    client.indices.delete(index="company-wiki,chunks", ignore_unavailable=True)

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

"""The stores on embedded engines, and what a killed or second process does with them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from chainkit.retrieval.store import Entry, Store
from chainkit.retrieval.stores import store
from chainkit.testing.stores import entry

PACKAGES = {"tantivy": "tantivy", "faiss": "faiss", "lancedb": "lancedb", "chroma": "chromadb"}
SHARED = ("tantivy", "faiss", "lancedb")
"""Those that two processes may write at once."""
BATCH = 20


def engines(*names: str) -> Callable[[Any], Any]:
    """A test for each of the engines that is installed."""
    given = [
        pytest.param(n, marks=pytest.mark.skipif(find_spec(PACKAGES[n]) is None, reason=f"{n} is not installed"))
        for n in names or PACKAGES
    ]
    return pytest.mark.parametrize("name", given)


def opened(name: str, folder: Path, **options: Any) -> Store:
    """The store of a folder."""
    return store(f"{name}:{folder / 'it'}", **options)


def made(n: int, writer: str = "d") -> Entry:
    """A document of three chunks."""
    text = f"# Number{n}\n\n" + f"common word{n} of {writer}. " * 12
    return entry(f"{writer}{n}", text, f"stamp{n}", size=120, n=n)


def fill(name: str, folder: str, count: int, writer: str = "d") -> None:
    """What the other process does: it puts batch after batch, and tells what is done."""
    with_it = opened(name, Path(folder))
    for start in range(0, count, BATCH):
        with_it.put([made(n, writer) for n in range(start, start + BATCH)])
        sys.stdout.write(f"{start}\n")
        sys.stdout.flush()
    with_it.close()


def other(name: str, folder: Path, count: int, writer: str = "d") -> subprocess.Popen[str]:
    """That process."""
    arguments = f"{name!r}, {str(folder)!r}, {count}, {writer!r}"
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import store_engines; store_engines.fill({arguments})"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def killed(name: str, folder: Path, after: int) -> list[int]:
    """Start it, kill it when it has told so many batches: where the batches that it told began."""
    told: list[int] = []
    with other(name, folder, 100_000) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(int(line))
            if len(told) == after:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    return told

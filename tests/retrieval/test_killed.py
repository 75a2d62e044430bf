"""An index whose process is killed in the middle of filling it: nothing acknowledged is lost, and it goes on."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chainkit import index, step
from chainkit.retrieval.database import installed

pytestmark = pytest.mark.slow

WORDS = (
    "Winter Sommer Regen Schnee Wind Sonne Nebel Hagel Donner Blitz Wolke Himmel Wiese Wald Fluss Berg Tal See".split()
)
QUERIES = ("Schnee", "Berge und Flüsse", "Donner Blitz Hagel", "Nummer 17")
BATCH = 40
"""Documents of one `add`, and of one acknowledgement."""


def text(number: int) -> str:
    """A small document of its own, in two chunks."""
    lots = random.Random(number)
    return f"# Nummer {number}\n\n{' '.join(lots.choices(WORDS, k=30))}\n\n## Teil\n\n{' '.join(lots.choices(WORDS, k=20))}"


@step
def letters(texts: list[str]) -> list[list[float]]:
    """A cheap embedding: how often some letters stand in a text."""
    return [[1.0 + t.count(letter) for letter in "aeinrst"] for t in texts]


def fill(path: str, folder: str, count: int, embed: bool) -> None:
    """What the killed process does: it adds documents in batches, or follows a folder, and tells what it has done."""

    def told(*words: object) -> None:
        sys.stdout.write(" ".join(map(str, words)) + "\n")
        sys.stdout.flush()

    made: Any = index(path=path, embed=letters if embed else None)
    if folder:
        made.follow(folder, progress=lambda done, _total, _source: told("file", done))
        told("end")
        return
    from chainkit.documents import Document

    held = {d.id for d in made}
    for start in range(0, count, BATCH):
        wanted = [n for n in range(start, min(start + BATCH, count)) if f"d{n:05}" not in held]
        told("begin", start)
        made.add(*(Document(f"d{n:05}", text(n), {"source": f"d{n:05}"}) for n in wanted))
        told("done", start)
    told("end")


def killed(arguments: Sequence[str], after: int) -> list[str]:
    """Run `fill` in a process of its own, and kill it when it has told that many lines. What it told."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_killed as t; t.fill({', '.join(map(repr, arguments))})"]  # fmt: skip
    told: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line.strip())
            if len(told) == after:
                process.send_signal(signal.SIGKILL)
    return told


def sound(path: Path) -> None:
    """SQLite's own checks, of the whole file and of the full-text index against what it holds."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        connection.execute("insert into terms(terms) values ('integrity-check')")
        documents = connection.execute("select count(*) from documents").fetchone()[0]
        orphans = "select count(*) from chunks where document not in (select n from documents)"
        assert connection.execute(orphans).fetchone() == (0,)
        whole = "select count(*) from documents where n in (select document from chunks)"
        assert connection.execute(whole).fetchone() == (documents,)
        rows = connection.execute("select count(*) from chunks").fetchone()
        assert connection.execute("select count(*) from terms").fetchone() == rows
    connection.close()


def state(path: Path, embed: bool) -> list[Any]:
    """What an index holds and finds."""
    with_vectors: Any = index(path=path, embed=letters if embed else None)
    held = sorted((d.id, d.text) for d in with_vectors)
    found = [
        [(r.document.key, round(r.score, 6)) for r in with_vectors.search(q, 10, by=by)]
        for q in QUERIES
        for by in (("text", "vectors", "hybrid") if embed else ("text",))
    ]
    with_vectors.close()
    return [held, found]


def lost(path: Path, told: Sequence[str], count: int) -> set[str]:
    """Documents that were acknowledged and are not there whole."""
    done = [int(line.split()[1]) for line in told if line.startswith("done")]
    opened = index(path=path)
    held = {d.id: d.text for d in opened}
    opened.close()
    wanted = {f"d{n:05}": text(n) for start in done for n in range(start, min(start + BATCH, count))}
    return {name for name, whole in wanted.items() if held.get(name) != whole}


def murdered(tmp_path: Path, count: int, times: int, *, folder: bool, embed: bool) -> None:
    """Kill an ingest again and again at moments drawn by lot; compare its end with that of one left in peace."""
    files = tmp_path / "files"
    if folder:
        files.mkdir()
        for n in range(count):
            (files / f"d{n:05}.md").write_text(text(n), encoding="utf-8")
    lots = random.Random(count + times)
    path, where = tmp_path / "killed.index", str(files) if folder else ""
    most = count if folder else 2 * count // BATCH
    for _ in range(times):
        after = lots.randint(2, max(3, most // 2))
        told = killed([str(path), where, count, embed], after)  # type: ignore[list-item]
        assert "end" not in told
        sound(path)
        assert not lost(path, told, count)
    told = killed([str(path), where, count, embed], -1)  # type: ignore[list-item]
    assert told[-1] == "end"
    sound(path)
    fill(str(tmp_path / "peaceful.index"), where, count, embed)
    assert state(path, embed) == state(tmp_path / "peaceful.index", embed)


vectors = pytest.mark.skipif(installed() != "apsw", reason="vectors in SQLite need apsw")


@pytest.mark.parametrize("folder", [False, True], ids=["adding", "following a folder"])
def test_a_killed_ingest_loses_nothing_that_was_acknowledged_and_goes_on(tmp_path: Path, folder: bool) -> None:
    murdered(tmp_path, 600, 2, folder=folder, embed=False)


@vectors
def test_a_killed_ingest_with_vectors_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    murdered(tmp_path, 600, 2, folder=False, embed=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("embed", "folder"),
    [
        pytest.param(False, False, id="terms, adding"),
        pytest.param(True, True, id="vectors, following a folder", marks=vectors),
    ],
)
def test_an_ingest_of_10000_documents_survives_being_killed(tmp_path: Path, folder: bool, embed: bool) -> None:
    murdered(tmp_path, 10_000, 4, folder=folder, embed=embed)

"""Recorded traffic for the wire tests: a few lines of our own, and a large corpus where it is present.

The corpus is looked for under `CHAINKIT_TRAFFIC`, then beside the repository in `shared/traffic`. It holds
real exchanges and, for each, an independent reading of what the answer says.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CORPUS, EXPECTED = "corpus.dev.jsonl.gz", "expected.dev.jsonl.gz"


@dataclass(frozen=True)
class Line:
    """One recorded exchange and what its answer says."""

    id: str
    provider: str
    kind: str
    endpoint: str
    status: int
    headers: dict[str, str]
    request: Any
    body: bytes
    says: dict[str, Any]

    @property
    def wire(self) -> str:
        """The name of the format of the answer."""
        return self.says["wire"]

    def cuts(self) -> Iterator[bytes]:
        """The body in random pieces: always the same for the same line, at most about 4000."""
        chance = random.Random(self.id)
        most = max(17, len(self.body) // 2000)
        at = 0
        while at < len(self.body):
            size = chance.randint(1, most)
            yield self.body[at : at + size]
            at += size


def _place() -> Path | None:
    named = os.environ.get("CHAINKIT_TRAFFIC")
    places = [Path(named)] if named else [ROOT.parent / "shared" / "traffic"]
    return next((p for p in places if (p / CORPUS).is_file() and (p / EXPECTED).is_file()), None)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8", errors="surrogatepass") as lines:
        yield from map(json.loads, lines)


def _line(row: dict[str, Any], says: dict[str, Any]) -> Line:
    told = row["response_body"]
    body = base64.b64decode(told) if row["response_encoding"] == "base64" else told.encode("utf-8", "surrogatepass")
    return Line(
        row["id"],
        row["provider"],
        row["kind"],
        row["endpoint"],
        row["status"],
        row["response_headers"],
        row["request_json"],
        body,
        says,
    )


def lines_of_the_corpus() -> list[Line]:
    """Every line of the corpus, also those that nobody read; none where there is no corpus."""
    place = _place()
    if place is None:
        return []
    says = {row["id"]: row for row in _rows(place / EXPECTED)}
    return [_line(row, says.get(row["id"], {})) for row in _rows(place / CORPUS)]


@pytest.fixture(scope="session")
def traffic(everything: list[Line]) -> list[Line]:
    """Every line of the corpus that has a reading."""
    return [line for line in everything if line.says]


@pytest.fixture(scope="session")
def everything() -> list[Line]:
    """Every line of the corpus, also those that nobody read."""
    if _place() is None:
        pytest.skip("no recorded traffic here: set CHAINKIT_TRAFFIC to the folder that holds " + CORPUS)
    return lines_of_the_corpus()

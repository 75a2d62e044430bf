"""What the cases of the suite for stores are made of: a store to talk to, documents, and vectors for them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.documents import Chunk, Document, Retrieved
from chainkit.errors import CompositionError
from chainkit.retrieval.splitting import split
from chainkit.retrieval.store import Entry, Store

if TYPE_CHECKING:
    from pathlib import Path

DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Talk:
    """A store under test."""

    opened: Callable[[Path], Store]
    folder: Path

    @contextmanager
    def open(self) -> Generator[Store]:
        store = self.opened(self.folder)
        try:
            yield store
        finally:
            store.close()


SCENARIOS: list[tuple[str, set[str], Callable[..., None]]] = []


def scenario(name: str, *needs: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Put a case into the suite: its name, and what a store must be able to do for it."""

    def keep(function: Callable[..., None]) -> Callable[..., None]:
        SCENARIOS.append((name, set(needs), function))
        return function

    return keep


def entry(id: str, text: str, stamp: str = "", seed: int | None = None, size: int = 800, **metadata: Any) -> Entry:
    """A document as an entry: split, with a vector for each chunk drawn from the seed (its text where None)."""
    document = Document(id, text, {"source": id, **metadata})
    chunks = tuple(split(document, size)) or (Chunk(id, text, 0, len(text), (), document.metadata),)
    vectors = [vector(c.text if seed is None else f"{seed}") for c in chunks]
    return Entry(document, chunks, vectors, stamp)


def vector(text: str) -> list[float]:
    """A direction for a text: the same for the same text."""
    drawn = random.Random(text)
    made = [drawn.gauss(0, 1) for _ in range(DIMENSIONS)]
    return [x / math.hypot(*made) for x in made]


SHOP = entry("shop.md", "# Hours\n\nThe shop opens at nine.", "s1", language="en", year=2021)
OFFICE = entry("büro.md", "# Büro\n\nDie Büros schließen an Weihnachten.", "s2", language="de", year=2024, open=False)
LONG = entry(
    "long.md",
    "  lead\n\n# One\n\nAlpha beta.\n\nGamma delta.\n\n# Two\n\n" + "Epsilon zeta eta. " * 20 + "\n\n ",
    "s3",
    size=60,
    tags=["x", "y"],
    year=2023.5,
    open=True,
)
ALL = (SHOP, OFFICE, LONG)


def ids(found: Sequence[Retrieved]) -> list[str]:
    """The documents that were found, in order."""
    return [r.document.id for r in found]


def bare(held: Entry) -> tuple[Any, ...]:
    """All that must come back of a document."""
    return held.document, dict(held.document.metadata), held.document.regions, held.chunks, held.stamp


def refused(job: Callable[[], Any], why: str) -> None:
    """Hold a store to refusing something, and to saying why."""
    try:
        job()
    except CompositionError as error:
        assert why in str(error), f"{why!r} stands in: {error}"
    else:
        raise AssertionError(f"it takes what must be refused: {why}")

"""Several lists of what was found as one. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chainkit.documents import Chunk, Retrieved
from chainkit.errors import CompositionError

Way: TypeAlias = Literal["text", "vectors"]


@dataclass(frozen=True)
class Rrf:
    """Reciprocal rank fusion: a chunk's score is the sum of weight / (k + its rank) over the lists that hold it.

    It looks at ranks alone, so that scores of different kinds need no common scale. Cormack, Clarke and Büttcher,
    "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods" (SIGIR 2009), whose k is 60.
    `text` and `vectors` weigh the two ways of searching.
    """

    k: int = 60
    text: float = 1.0
    vectors: float = 1.0

    def __post_init__(self) -> None:
        _weights(self.text, self.vectors)
        if self.k < 0:
            raise CompositionError(f"the constant of reciprocal rank fusion is 0 or more, not {self.k}")

    def scores(self, found: Sequence[Retrieved], way: Way) -> list[float]:
        """What each of a list adds."""
        return [getattr(self, way) / (self.k + rank) for rank in range(1, len(found) + 1)]


@dataclass(frozen=True)
class Weighted:
    """A chunk's score is the weighted sum of its scores, each list's brought to 0 for its last and 1 for its first.

    The weights and the hundred candidates that a search takes by itself were chosen on half of a labelled set, and held
    against the other half: see docs/retrieval_quality.md.
    """

    text: float = 0.5
    vectors: float = 0.5

    def __post_init__(self) -> None:
        _weights(self.text, self.vectors)

    def scores(self, found: Sequence[Retrieved], way: Way) -> list[float]:
        """What each of a list adds."""
        if not found:
            return []
        most, least = found[0].score, found[-1].score
        wide = most - least
        return [getattr(self, way) * ((r.score - least) / wide if wide > 0 else 1.0) for r in found]


Fusion: TypeAlias = Rrf | Weighted


def _weights(text: float, vectors: float) -> None:
    if not (text >= 0 and vectors >= 0 and math.isfinite(text + vectors) and text + vectors > 0):
        msg = f"the weights of a search are 0 or more, and not both 0: text={text}, vectors={vectors}"
        raise CompositionError(msg)


def fused(lists: Sequence[tuple[Way, Sequence[Retrieved]]], fusion: Fusion) -> list[Retrieved]:
    """All that was found, each chunk once, best first; a single list stays as it is."""
    if len(lists) == 1:
        return list(lists[0][1])
    total: dict[tuple[str, int, int], float] = {}
    chunks: dict[tuple[str, int, int], Chunk] = {}
    for way, found in lists:
        for retrieved, score in zip(found, fusion.scores(found, way), strict=True):
            key = retrieved.document.key
            chunks.setdefault(key, retrieved.document)
            total[key] = total.get(key, 0.0) + score
    return sorted((Retrieved(chunks[k], s) for k, s in total.items()), key=lambda r: (-r.score, r.document.key))

"""What was found, put in another order: fewer repetitions, newer first. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chainkit.documents import Retrieved
from chainkit.errors import CompositionError
from chainkit.retrieval.analysis import terms

_DAY = 86_400.0


@dataclass(frozen=True)
class Decay:
    """Newer chunks count more: a score is halved for each `half_life` days of age.

    `field` names the metadata that holds the date (ISO 8601, a date or a time, or seconds since 1970). `weight` is the
    share of the score that ages, from 0 to 1. Chunks without a date do not age.
    """

    half_life: float
    field: str = "modified"
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not (self.half_life > 0 and 0 <= self.weight <= 1):
            msg = f"Decay({self.half_life}, weight={self.weight}): days are more than 0, the weight is from 0 to 1"
            raise CompositionError(msg)

    def __call__(self, found: Sequence[Retrieved], now: float) -> list[Retrieved]:
        """In the order of their aged scores, at a time in seconds since 1970."""
        aged = [Retrieved(r.document, _faded(r.score, self._left(r, now))) for r in found]
        return sorted(aged, key=lambda r: (-r.score, r.document.key))

    def _left(self, retrieved: Retrieved, now: float) -> float:
        written = _seconds(retrieved.document.metadata.get(self.field))
        if written is None:
            return 1.0
        age = max(0.0, now - written) / _DAY
        return 1 - self.weight + self.weight * 0.5 ** (age / self.half_life)


def _faded(score: float, left: float) -> float:
    """A score below 0 must not grow by being halved."""
    return score * left if score > 0 else score / max(left, 1e-9)


def _seconds(held: object) -> float | None:
    if isinstance(held, int | float) and not isinstance(held, bool):
        return float(held)
    try:
        when = datetime.fromisoformat(str(held))
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def diverse(found: Sequence[Retrieved], k: int, relevance: float) -> list[Retrieved]:
    """The best `k` by maximal marginal relevance: each fits the question, and repeats least of those before it.

    `relevance` is the weight of fitting, from 0 to 1; the rest is that of being new. Scores are compared on a scale
    from 0 to 1, chunks by the cosine of their terms. Carbonell and Goldstein, "The Use of MMR, Diversity-Based
    Reranking for Reordering Documents and Producing Summaries" (SIGIR 1998).
    """
    left, chosen = list(range(len(found))), list[int]()
    fits, words = _scaled(found), [Counter(terms(r.text)) for r in found]
    nearest = [0.0] * len(found)
    while left and len(chosen) < k:
        best = max(left, key=lambda i: (relevance * fits[i] - (1 - relevance) * nearest[i], -i))
        left.remove(best)
        chosen.append(best)
        for i in left:
            nearest[i] = max(nearest[i], _cosine(words[i], words[best]))
    return [found[i] for i in chosen]


def _scaled(found: Sequence[Retrieved]) -> list[float]:
    scores = [r.score for r in found]
    low, wide = min(scores, default=0.0), max(scores, default=0.0) - min(scores, default=0.0)
    return [(s - low) / wide if wide > 0 else 1.0 for s in scores]


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    if len(other) < len(one):
        one, other = other, one
    product = sum(n * other[t] for t, n in one.items() if t in other)
    return product / math.sqrt(_square(one) * _square(other)) if product else 0.0


def _square(words: Counter[str]) -> int:
    return sum(n * n for n in words.values())

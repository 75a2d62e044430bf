"""By meaning: cut where neighbouring sentences differ most, as an embedding model sees them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chainkit.documents import Chunk, Document
from chainkit.errors import CompositionError
from chainkit.retrieval.splitting.outline import outline
from chainkit.retrieval.splitting.sentence import told
from chainkit.retrieval.splitting.spans import Passage, Span, chunks
from chainkit.retrieval.splitting.splitter import Splitter, sized

if TYPE_CHECKING:
    from chainkit.chain import Chain


@dataclass(frozen=True)
class Semantic(Splitter):
    """See `semantic`."""

    embed: Any
    percentile: float = 90.0
    least: int = 200
    size: int = 1600
    around: int = 1

    def __post_init__(self) -> None:
        sized(self.size)
        if not 0 <= self.percentile <= 100 or not 0 <= self.least < self.size or self.around < 0:
            msg = f"percentile={self.percentile}, least={self.least}, size={self.size}, around={self.around}"
            raise CompositionError(msg, cure="percentile is 0 to 100, least smaller than size, around 0 or more")

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document: one call of the embedder."""
        text, marks = document.text, outline(document.text)
        sections = [(list(told(text, a, b, self.size, marks)), path) for a, b, path in marks.sections]
        steps = self._steps(text, [spans for spans, _ in sections])
        every = sorted(d for section in steps for d in section)
        limit = every[min(len(every) - 1, int(len(every) * self.percentile / 100))] if every else 0.0
        return chunks(document, _passages(sections, steps, limit, self.least, self.size))

    def _steps(self, text: str, sections: Sequence[Sequence[Span]]) -> list[list[float]]:
        """How far each sentence is from the next one of its section, each seen with its neighbours."""
        shown = [self._window(text, spans, n) for spans in sections for n in range(len(spans))]
        vectors = iter(self._vectors(shown) if any(len(s) > 1 for s in sections) else [()] * len(shown))
        found: list[list[float]] = []
        for spans in sections:
            own = [next(vectors) for _ in spans]
            found.append([_distance(a, b) for a, b in pairwise(own)])
        return found

    def _window(self, text: str, spans: Sequence[Span], n: int) -> str:
        return text[spans[max(0, n - self.around)][0] : spans[min(len(spans) - 1, n + self.around)][1]]

    def _vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        from chainkit.retrieval.embedding import as_many, embedding

        sides = embedding(self.embed)
        assert sides is not None
        return as_many(sides.documents.invoke(list(texts)), len(texts))


def _passages(
    sections: Sequence[tuple[Sequence[Span], tuple[str, ...]]],
    steps: Sequence[Sequence[float]],
    limit: float,
    least: int,
    size: int,
) -> Iterator[Passage]:
    for (spans, path), distances in zip(sections, steps, strict=True):
        for a, b in _cut(spans, distances, limit, least, size):
            yield a, b, path


def _cut(spans: Sequence[Span], steps: Sequence[float], limit: float, least: int, size: int) -> Iterator[Span]:
    """Cut where the step is above the limit and enough is held, and where what follows would not fit."""
    first = 0
    for n in range(1, len(spans) + 1):
        start, end = spans[first][0], spans[n - 1][1]
        last = n == len(spans)
        if last or spans[n][1] - start > size or (steps[n - 1] >= limit > 0 and end - start >= least):
            yield start, end
            first = n


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    length = math.hypot(*one) * math.hypot(*other)
    return 1 - math.fsum(a * b for a, b in zip(one, other, strict=True)) / length if length else 0.0


def semantic(
    embed: str | Chain[Any, Any], *, percentile: float = 90, least: int = 200, size: int = 1600, around: int = 1
) -> Semantic:
    """Chunks that end where the text turns to something else: where neighbouring sentences' vectors differ most.

    `embed` is an embedding model ("local:minilm") or a chain from texts to vectors; a document costs one call of it, with
    each of its sentences. Cut is at differences from the given `percentile` of all in the document, once a chunk has `least`
    characters, and always before it has more than `size`. A sentence is seen with `around` neighbours on each side. After
    Kamradt, "5 Levels Of Text Splitting" (2023). Raises CompositionError for settings that make no sense.
    """
    if not embed:
        raise CompositionError("semantic() needs an embedding model", cure='name one: semantic("local:minilm")')
    return Semantic(embed, percentile, least, size, around)

"""Results of a search as passages, for whatever takes those of a retriever: `answering`, a reranker, a prompt."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from chainkit.compose.parallel import parallel
from chainkit.compose.step import identity, step
from chainkit.documents import Document, Retrieved
from chainkit.errors import CompositionError
from chainkit.retrieval.indexing import index
from chainkit.search.result import WebResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chainkit.chain import Chain

MOST = 4000
"""Characters of one result, where nobody chooses among its passages."""


@dataclass(frozen=True)
class AsRetrieved:
    """Results as a retriever gives them: one passage each, at most `most` characters long."""

    most: int = MOST

    def __call__(self, results: list[WebResult]) -> list[Retrieved]:
        return [_cut(r.retrieved, self.most) for r in results if r.text.strip()]


def _cut(found: Retrieved, most: int) -> Retrieved:
    chunk = found.document
    if len(chunk.text) <= most:
        return found
    return replace(found, document=replace(chunk, text=chunk.text[:most], end=most))


def as_retrieved(most: int = MOST) -> Chain[list[WebResult], list[Retrieved]]:
    """The step from a search's results to passages.

    `web("searxng") | pages(3) | as_retrieved()` is a retriever of the web. Each passage is the page where it was fetched, else the snippet, at most `most` characters of it; its `source` is the URL,
    and it is marked as not trusted. `web(...).retriever(k)` chooses the passages that fit the question.
    """
    if most < 1:
        raise CompositionError(f"most={most}: a passage has at least 1 character")
    chain: Chain[Any, Any] = step(AsRetrieved(most), inline=True, name="as retrieved")
    return chain


@dataclass(frozen=True)
class Fitting:
    """The `k` passages of the results that have most to do with the question, by its words."""

    k: int

    def __call__(self, found: Mapping[str, Any]) -> list[Retrieved]:
        results = [r for r in cast("Sequence[WebResult]", found["results"]) if r.text.strip()]
        known = {r.url: r for r in results}
        with closing(index(_document(r) for r in known.values())) as held:
            best = held.search(found["question"], k=self.k)
        if best:
            return best
        return [_cut(r.retrieved, MOST) for r in results[: self.k]]


def _document(result: WebResult) -> Document:
    # A snippet says less than the title above it.
    text = result.text if result.page is not None else f"{result.title}\n\n{result.snippet}"
    return Document(result.url, text, result.metadata)


def passages(search: Chain[str, list[WebResult]], k: int) -> Chain[str, list[Retrieved]]:
    """A search as a retriever of its `k` best passages."""
    if k < 1:
        raise CompositionError(f"a retriever gives at least 1 passage, not {k}")
    asked: Any = parallel(question=identity(), results=search)
    chain: Chain[Any, Any] = asked | step(Fitting(k), name="best passages")
    return chain

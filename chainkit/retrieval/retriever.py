"""A search as a chain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.documents import Retrieved
from chainkit.errors import CompositionError
from chainkit.messages import as_messages, counted_text
from chainkit.retrieval.embedding import as_many
from chainkit.retrieval.expansion import Expansion, expanded
from chainkit.retrieval.filters import Condition, Where, condition
from chainkit.retrieval.fusion import Fusion, Rrf, Way, Weighted, fused
from chainkit.retrieval.looking import looked, named
from chainkit.retrieval.queries import Queries, queries_in
from chainkit.retrieval.reordering import Decay, diverse
from chainkit.retrieval.reranking import put_in_order, reranking

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.retrieval.indexing import Index
    from chainkit.retrieval.store import Entry
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

By = Literal["text", "vectors", "hybrid"]
_FETCH = 100
"""Candidates of each way of searching, where something after it chooses among them."""


class SearchOptions(TypedDict, total=False):
    """How an index is searched.

    `where`: only chunks whose metadata passes, as in `{"language": "de", "year": {"$gte": 2020}}`. `by`: "text" (terms),
    "vectors", or "hybrid", which is what an index with `embed=` does. `fusion`: `Weighted()` or `Rrf()`. `queries`: what
    is searched for instead of the question: `rewritten(model)`, `multi_query(model)`, `hyde(model)`, or a chain or
    function of your own. `rerank`: a reranker "provider:name", `judging(model)`, `nearest(embedder)`. `diversity`: from 0
    to 1, how much a chunk must differ from those before it (maximal marginal relevance). `decay`: `Decay(half_life=30)`,
    newer first. `expand`: more text around each chunk: so many neighbours, "section" or "document". `fetch`: candidates
    that fusion, reranker and diversity choose among.
    """

    where: Where | None
    by: By | None
    fusion: Fusion
    queries: str | Chain[Any, Any] | Callable[[str], Queries | str | Sequence[str]] | None
    rerank: str | Chain[Any, Any] | None
    diversity: float | None
    decay: Decay | None
    expand: Expansion | None
    fetch: int | None


@dataclass(frozen=True, repr=False)
class Retriever(Chain[str, list[Retrieved]]):
    """The best `k` chunks for a question. Made by `Index.retriever`."""

    index: Index
    k: int
    where: Where | None = None
    by: By = "text"
    fusion: Fusion = field(default_factory=Weighted)
    queries: Chain[Any, Any] | None = None
    rerank: Chain[Any, Any] | None = None
    diversity: float | None = None
    decay: Decay | None = None
    expand: Expansion | None = None
    fetch: int | None = None

    @property
    def in_type(self) -> Any:
        return str

    @property
    def out_type(self) -> Any:
        return list[Retrieved]

    @property
    def label(self) -> str:
        return "retriever"

    def __hash__(self) -> int:
        return hash((id(self.index), self.k, self.by))

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        """The chains that it asks."""
        known = (("queries", self.queries), ("embed", self._embedder), ("rerank", self.rerank))
        return tuple((name, chain) for name, chain in known if chain is not None)

    @property
    def _embedder(self) -> Chain[Any, Any] | None:
        return None if self.by == "text" or self.index.embedding is None else self.index.embedding.questions

    @property
    def candidates(self) -> int:
        """How many each way of searching is asked for."""
        chosen = self.by == "hybrid" or self.queries or self.rerank or self.diversity is not None or self.decay
        return self.k if not chosen else max(self.k, self.fetch or _FETCH)

    @property
    def condition(self) -> Condition | None:
        """The filter as stores read it."""
        return condition(self.where)

    @property
    def simple(self) -> bool:
        """Whether it asks no chain but the embedder: many questions can then be searched at once."""
        return self.queries is None and self.rerank is None

    def searched(self, questions: Sequence[str], run: Any = None) -> list[list[Retrieved]]:
        """What is found for each of many questions, embedded and looked for together. For simple ones only."""
        store, k, where = self.index.store, self.candidates, self.condition
        lists: list[list[tuple[Way, list[Retrieved]]]] = [[] for _ in questions]
        if self.by != "vectors":
            for own, found in zip(lists, store.search_text(questions, k, where), strict=True):
                own.append(("text", found))
        if self.by != "text" and self._embedder is not None and questions:
            self.index.check_vectors()
            vectors = as_many(self._embedder.invoke(list(questions), run=run), len(questions))
            for own, found in zip(lists, store.search_vectors(vectors, k, where), strict=True):
                own.append(("vectors", found))
        chosen = [self._chosen(fused(own, self.fusion)) for own in lists]
        return [expanded(f, self._entries(f), self.expand) if self.expand is not None else f for f in chosen]

    def _chosen(self, found: list[Retrieved]) -> list[Retrieved]:
        if self.decay is not None:
            found = self.decay(found, time.time())
        return (found if self.diversity is None else diverse(found, self.k, 1 - self.diversity))[: self.k]

    def _entries(self, found: list[Retrieved]) -> dict[str, Entry]:
        return {e.document.id: e for e in self.index.store.get(list(dict.fromkeys(r.document.id for r in found)))}

    def compile(self, place: Place) -> Core:
        cores = {name: place.compile(chain) for name, chain in self.parts()}
        path = place.path

        async def run(frame: Frame, value: Any) -> Any:
            quiet = frame.quiet()
            question = question_in(value)
            asked = await self._queries(quiet, cores, question)
            lists = await self._lists(quiet, cores, path, asked)
            found = fused(lists, self.fusion)
            if self.decay is not None:
                found = self.decay(found, time.time())
            if "rerank" in cores and found:
                given = {"query": question, "documents": found[: self.candidates]}
                found = put_in_order(found[: self.candidates], await cores["rerank"](quiet, given))
            if self.diversity is not None:
                found = diverse(found, self.k, 1 - self.diversity)
            return await self._expanded(quiet, path, found[: self.k])

        return run

    async def _queries(self, frame: Frame, cores: dict[str, Core], question: str) -> Queries:
        if "queries" not in cores:
            return Queries((question,), (question,))
        return queries_in(await cores["queries"](frame, question))

    async def _lists(
        self, frame: Frame, cores: dict[str, Core], path: str, asked: Queries
    ) -> list[tuple[Way, list[Retrieved]]]:
        store, k, where = self.index.store, self.candidates, self.condition
        lists: list[tuple[Way, list[Retrieved]]] = []
        if self.by != "vectors":
            texts = asked.text
            what = named("text", texts, k, where)
            found = await looked(store, frame, path, what, lambda: store.search_text(texts, k, where))
            lists += _tagged("text", found)
        if self.by != "text":
            self.index.check_vectors()
            vectors = as_many(await cores["embed"](frame, list(asked.vectors)), len(asked.vectors))
            what = named("vectors", asked.vectors, k, where)
            found = await looked(store, frame, path, what, lambda: store.search_vectors(vectors, k, where))
            lists += _tagged("vectors", found)
        return lists

    async def _expanded(self, frame: Frame, path: str, found: list[Retrieved]) -> list[Retrieved]:
        if self.expand is None or not found:
            return found
        store, ids = self.index.store, list(dict.fromkeys(r.document.id for r in found))
        entries = await looked(store, frame, path, f"get {ids}", lambda: store.get(ids))
        return expanded(found, {e.document.id: e for e in entries}, self.expand)


def _tagged(way: Way, lists: list[list[Retrieved]]) -> list[tuple[Way, list[Retrieved]]]:
    return [(way, one) for one in lists]


def retrieving(index: Index, k: int, options: SearchOptions) -> Retriever:
    """A retriever with these options. Raises CompositionError for those that do not fit the index."""
    if k < 1:
        raise CompositionError(f"a retriever gives at least 1 chunk, not {k}")
    diversity, expand, fetch = options.get("diversity"), options.get("expand"), options.get("fetch")
    if diversity is not None and not 0 <= diversity <= 1:
        raise CompositionError(f"diversity={diversity}: it is from 0 to 1")
    if expand not in (None, "section", "document") and not (type(expand) is int and expand >= 0):
        raise CompositionError(f"expand={expand!r}: it is a number of neighbours, 'section' or 'document'")
    if fetch is not None and fetch < k:
        raise CompositionError(f"fetch={fetch} candidates are fewer than k={k}")
    fusion: Any = options.get("fusion") or Weighted()
    if not isinstance(fusion, Rrf | Weighted):
        raise CompositionError(f"fusion={fusion!r:.60} fuses nothing", cure="say Rrf() or Weighted()")
    where = options.get("where")
    condition(where)
    return Retriever(
        index,
        k,
        where=where,
        by=_way(index, options.get("by")),
        fusion=fusion,
        queries=None if options.get("queries") is None else as_chain(options.get("queries")),
        rerank=reranking(options.get("rerank")),
        diversity=diversity,
        decay=options.get("decay"),
        expand=expand,
        fetch=fetch,
    )


def _way(index: Index, by: By | None) -> By:
    ready = index.embedding is not None and "vectors" in index.store.searches
    if by is None:
        return "text" if not ready else "hybrid" if "text" in index.store.searches else "vectors"
    if by not in get_args(By):
        raise CompositionError(f"by={by!r}: an index is searched by 'text', 'vectors' or 'hybrid'")
    if by != "text" and not ready:
        msg = f"by={by!r} needs vectors, and this index has none"
        raise CompositionError(msg, cure='make it with a model for them: index(..., embed="local:minilm")')
    if by != "vectors" and "text" not in index.store.searches:
        raise CompositionError(f"by={by!r}: the store {index.store.name!r} searches by vectors only")
    return by


def question_in(value: Any) -> str:
    """The question in a text, a reply or messages (their last). Raises CompositionError for anything else."""
    if isinstance(value, str):
        return value
    text = counted_text(value)
    if text is not None:
        return text
    messages = as_messages(value)
    if messages is None:
        raise CompositionError(f"a question is a text, and this is {type(value).__name__}: {value!r:.60}")
    return messages[-1].text

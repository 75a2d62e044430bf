"""An index as LangChain's vector store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import uuid4

from chainkit.chain import Chain
from chainkit.documents import Chunk, Document, Retrieved
from chainkit.interop.langchain.documents import from_document, theirs, to_document
from chainkit.interop.langchain.models import from_embeddings, to_embeddings
from chainkit.retrieval.embedding import embedding
from chainkit.retrieval.indexing import Index
from chainkit.retrieval.store import Store
from chainkit.retrieval.stores import store as opened


@dataclass(frozen=True)
class Whole:
    """Cuts nothing: their documents are cut already."""

    def split(self, document: Document) -> list[Chunk]:
        """The document as one chunk."""
        return [Chunk(document.id, document.text, 0, len(document.text), (), document.metadata)]


def to_vector_store(
    found: Index | Store | str = "memory", embed: str | Chain[Any, Any] | Any = None, **more: Any
) -> Any:
    """An index, or a store with an embedder, as their vector store.

    `to_vector_store(index)` searches what is there; `to_vector_store("sqlite:wiki.db", embed="local:minilm")` is one of
    its own, in which each of their documents stays whole. `embed` may be one of their `Embeddings` too. What has no
    vectors is searched by its terms. Adding and deleting go to the store in a thread; searching is native in both modes.
    """
    if isinstance(found, Index):
        return store_class()(found, **more)
    held = opened(found) if isinstance(found, str) else found
    return store_class()(Index(held, splitter=Whole(), embedding=embedding(_embedder(embed))), **more)


def _embedder(embed: Any) -> Any:
    return from_embeddings(embed) if hasattr(embed, "embed_documents") else embed


@lru_cache(maxsize=1)
def store_class() -> Any:
    """Their base class's subclass, made when it is first wanted."""
    base: Any = theirs("vectorstores").VectorStore
    in_thread: Any = theirs("runnables.config").run_in_executor

    class ChainkitVectorStore(base):  # type: ignore[misc, valid-type, unused-ignore]
        """An index as a vector store. `filter=` is a condition on metadata, {"year": {"$gte": 2020}}."""

        def __init__(self, index: Index) -> None:
            self.index = index

        @property
        def embeddings(self) -> Any:
            held = self.index.embedding
            return None if held is None else to_embeddings(held.documents, queries=held.questions)

        @classmethod
        def from_texts(
            cls, texts: list[str], embedding: Any, metadatas: list[dict[str, Any]] | None = None,
            *, ids: list[str] | None = None, store: Store | str = "memory", **more: Any,
        ) -> Any:  # fmt: skip
            made = to_vector_store(store, embedding, **more)
            made.add_texts(texts, metadatas, ids=ids)
            return made

        def add_texts(
            self, texts: Iterable[str], metadatas: list[dict[str, Any]] | None = None,
            *, ids: list[str] | None = None, **_: Any,
        ) -> list[str]:  # fmt: skip
            listed = list(texts)
            names = _ids(ids or [None] * len(listed))
            about = metadatas or [{} for _ in listed]
            made = [Document(name, text, m) for name, text, m in zip(names, listed, about, strict=True)]
            self.index.add(made)
            return names

        def add_documents(self, documents: list[Any], *, ids: list[str] | None = None, **_: Any) -> list[str]:
            names = _ids(ids or [d.id for d in documents])
            made = [from_document(d) for d in documents]
            self.index.add([Document(i, d.text, d.metadata, d.regions) for i, d in zip(names, made, strict=True)])
            return names

        async def aadd_documents(self, documents: list[Any], **more: Any) -> list[str]:
            return list(await in_thread(None, self.add_documents, documents, **more))

        async def aadd_texts(self, texts: Iterable[str], metadatas: Any = None, **more: Any) -> list[str]:
            return list(await in_thread(None, self.add_texts, texts, metadatas, **more))

        def delete(self, ids: list[str] | None = None, **_: Any) -> bool:
            self.index.remove(*(list(self.index.store.stamps()) if ids is None else ids))
            return True

        async def adelete(self, ids: list[str] | None = None, **_: Any) -> bool:
            return bool(await in_thread(None, self.delete, ids))

        def get_by_ids(self, ids: Sequence[str], /) -> list[Any]:
            return [to_document(entry.document) for entry in self.index.store.get(list(ids))]

        async def aget_by_ids(self, ids: Sequence[str], /) -> list[Any]:
            return list(await in_thread(None, self.get_by_ids, ids))

        def _select_relevance_score_fn(self) -> Any:
            return _relevance

        def _looking(self, k: int, options: dict[str, Any], **more: Any) -> Any:
            by = "text" if self.index.embedding is None else "vectors"
            return self.index.retriever(k, where=options.get("filter"), by=options.get("by", by), **more)

        def similarity_search_with_score(self, query: str, k: int = 4, **options: Any) -> list[tuple[Any, float]]:
            return self._scored(self._looking(k, options).invoke(query))

        async def asimilarity_search_with_score(
            self, query: str, k: int = 4, **options: Any
        ) -> list[tuple[Any, float]]:
            return self._scored(await self._looking(k, options).ainvoke(query))

        def similarity_search(self, query: str, k: int = 4, **options: Any) -> list[Any]:
            return [document for document, _ in self.similarity_search_with_score(query, k, **options)]

        async def asimilarity_search(self, query: str, k: int = 4, **options: Any) -> list[Any]:
            return [document for document, _ in await self.asimilarity_search_with_score(query, k, **options)]

        def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **options: Any) -> list[Any]:
            from chainkit.retrieval.filters import condition

            found = self.index.store.search_vectors([embedding], k, condition(options.get("filter")))[0]
            return [document for document, _ in self._scored(found)]

        async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **options: Any) -> list[Any]:
            return list(await in_thread(None, self.similarity_search_by_vector, embedding, k, **options))

        def max_marginal_relevance_search(
            self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **options: Any
        ) -> list[Any]:
            looking = self._looking(k, options, diversity=1 - lambda_mult, fetch=max(k, fetch_k))
            return [document for document, _ in self._scored(looking.invoke(query))]

        async def amax_marginal_relevance_search(
            self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **options: Any
        ) -> list[Any]:
            looking = self._looking(k, options, diversity=1 - lambda_mult, fetch=max(k, fetch_k))
            return [document for document, _ in self._scored(await looking.ainvoke(query))]

        def _scored(self, found: list[Retrieved]) -> list[tuple[Any, float]]:
            whole = isinstance(self.index.splitter, Whole)
            return [(_whole(r.document) if whole else to_document(r.document), r.score) for r in found]

    return ChainkitVectorStore


def _relevance(score: float) -> float:
    """A cosine, from -1 to 1, as a number from 0 to 1."""
    return (score + 1) / 2


def _whole(chunk: Chunk) -> Any:
    """A document that was put in whole, as it was."""
    return to_document(Document(chunk.id, chunk.text, chunk.metadata))


def _ids(given: Sequence[str | None]) -> list[str]:
    return [each or str(uuid4()) for each in given]

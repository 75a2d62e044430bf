"""LangChain's retrievers."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from chainkit.chain import Chain
from chainkit.documents import Retrieved
from chainkit.errors import CompositionError
from chainkit.interop.foreign import Foreign
from chainkit.interop.langchain.documents import from_passage, theirs, to_document
from chainkit.retrieval.indexing import Index
from chainkit.retrieval.retriever import Retriever, question_in


def from_retriever(retriever: Any) -> Chain[str, list[Retrieved]]:
    """Their retriever as a chain from a question to passages. Any runnable from a text to documents will do."""

    def call(value: Any) -> list[Retrieved]:
        return _passages(retriever.invoke(question_in(value)))

    async def acall(value: Any) -> list[Retrieved]:
        return _passages(await retriever.ainvoke(question_in(value)))

    return Foreign(call, acall, type(retriever).__name__, "langchain", str, list[Retrieved])


def _passages(documents: Any) -> list[Retrieved]:
    return [from_passage(document, rank) for rank, document in enumerate(documents)]


def to_retriever(found: Index | Chain[Any, list[Retrieved]], k: int | None = None, **more: Any) -> Any:
    """An index, or any chain from a question to passages, as their retriever: `invoke` and `ainvoke` are both native.

    `k` passages are given; without it as many as the chain gives, of an index 4. `invoke(question, k=2)` changes it for
    one call. `more` are fields of their own, such as `tags` and `metadata`.
    """
    chain = found.retriever(k or 4) if isinstance(found, Index) else found
    if not isinstance(chain, Chain):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may hand anything
        raise CompositionError(f"a retriever is made of an index or a chain, not {type(chain).__name__}")
    return retriever_class()(chain=chain, k=k, **more)


@lru_cache(maxsize=1)
def retriever_class() -> Any:
    """Their base class's subclass, made when it is first wanted."""
    base: Any = theirs("retrievers").BaseRetriever

    class ChainkitRetriever(base):  # type: ignore[misc, valid-type, unused-ignore]
        """A chain from a question to passages, as a retriever."""

        chain: Any
        k: Any = None

        def _get_relevant_documents(self, query: str, *, run_manager: Any, k: int | None = None) -> list[Any]:
            return self._documents(self._chain(k).invoke(query), k)

        async def _aget_relevant_documents(self, query: str, *, run_manager: Any, k: int | None = None) -> list[Any]:
            return self._documents(await self._chain(k).ainvoke(query), k)

        def _chain(self, k: int | None) -> Any:
            wanted = k or self.k
            return replace(self.chain, k=wanted) if wanted and isinstance(self.chain, Retriever) else self.chain

        def _documents(self, found: list[Retrieved], k: int | None) -> list[Any]:
            return [to_document(each) for each in found[: k or self.k]]

    return ChainkitRetriever

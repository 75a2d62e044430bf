"""LlamaIndex's retrievers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from chainkit.chain import Chain
from chainkit.documents import Retrieved
from chainkit.errors import CompositionError
from chainkit.interop.foreign import Foreign
from chainkit.interop.llamaindex.documents import from_passage, theirs, to_passage
from chainkit.retrieval.indexing import Index
from chainkit.retrieval.retriever import question_in


def from_retriever(retriever: Any) -> Chain[str, list[Retrieved]]:
    """Their retriever as a chain from a question to passages."""

    def call(value: Any) -> list[Retrieved]:
        return _passages(retriever.retrieve(question_in(value)))

    async def acall(value: Any) -> list[Retrieved]:
        return _passages(await retriever.aretrieve(question_in(value)))

    return Foreign(call, acall, type(retriever).__name__, "llamaindex", str, list[Retrieved])


def _passages(nodes: Any) -> list[Retrieved]:
    return [from_passage(node, rank) for rank, node in enumerate(nodes)]


def to_retriever(found: Index | Chain[Any, list[Retrieved]], k: int | None = None, **more: Any) -> Any:
    """An index, or any chain from a question to passages, as their retriever: `retrieve` and `aretrieve` both native.

    At most `k` passages are given; without it as many as the chain gives, of an index 4.
    """
    chain = found.retriever(k or 4) if isinstance(found, Index) else found
    if not isinstance(chain, Chain):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may hand anything
        raise CompositionError(f"a retriever is made of an index or a chain, not {type(chain).__name__}")
    return _retriever_class()(chain, k, **more)


@lru_cache(maxsize=1)
def _retriever_class() -> Any:
    base: Any = theirs("base.base_retriever").BaseRetriever

    class ChainkitRetriever(base):  # type: ignore[misc, valid-type, unused-ignore]
        """A chain from a question to passages, as a retriever."""

        def __init__(self, chain: Chain[Any, Any], k: int | None, **more: Any) -> None:
            base.__init__(self, **more)
            self.chain = chain
            self.k = k

        def _retrieve(self, query_bundle: Any) -> list[Any]:
            return self._nodes(self.chain.invoke(query_bundle.query_str))

        async def _aretrieve(self, query_bundle: Any) -> list[Any]:
            return self._nodes(await self.chain.ainvoke(query_bundle.query_str))

        def _nodes(self, found: list[Retrieved]) -> list[Any]:
            return [to_passage(each) for each in found[: self.k]]

    return ChainkitRetriever

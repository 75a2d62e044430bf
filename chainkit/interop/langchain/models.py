"""LangChain's models: embeddings both ways, chat models as ours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.errors import CompositionError
from chainkit.interop.foreign import Foreign
from chainkit.interop.langchain.documents import theirs
from chainkit.interop.langchain.messages import from_answer, to_messages
from chainkit.messages import Promptable, as_messages
from chainkit.models.embed import Embeddings
from chainkit.models.reply import Reply
from chainkit.retrieval.embedding import as_many
from chainkit.retrieval.embedding import embedding as sides_of


def from_chat_model(model: Any) -> Chain[Promptable, Reply]:
    """Their chat model as a chain from a string or messages to a `Reply`. Answers come whole; what it costs is Unknown."""

    def call(value: Any) -> Reply:
        return from_answer(model.invoke(_asked(value)))

    async def acall(value: Any) -> Reply:
        return from_answer(await model.ainvoke(_asked(value)))

    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    word = name if isinstance(name, str) else type(model).__name__
    return Foreign(call, acall, word, "langchain", Promptable, Reply, asks="chat")


def _asked(value: Any) -> list[Any]:
    messages = as_messages(value)
    if messages is None:
        raise CompositionError(f"a model takes a string or messages, and got {type(value).__name__}: {value!r:.60}")
    return to_messages(messages)


def from_embeddings(embeddings: Any, *, queries: bool = False) -> Chain[str | Sequence[str], Embeddings]:
    """Their embeddings as an embedder: `index(..., embed=from_embeddings(theirs))`.

    Texts are embedded as documents, with `queries` as questions. A text by itself is a question in any case.
    """

    def call(value: Any) -> Embeddings:
        if isinstance(value, str):
            return _vectors([embeddings.embed_query(value)])
        return _vectors(
            [embeddings.embed_query(t) for t in value] if queries else embeddings.embed_documents(list(value))
        )

    async def acall(value: Any) -> Embeddings:
        if isinstance(value, str):
            return _vectors([await embeddings.aembed_query(value)])
        if queries:
            return _vectors([await embeddings.aembed_query(t) for t in value])
        return _vectors(await embeddings.aembed_documents(list(value)))

    name = type(embeddings).__name__
    return Foreign(call, acall, name, "langchain", str | Sequence[str], Embeddings, asks="embed")


def _vectors(found: list[list[float]]) -> Embeddings:
    return Embeddings(vectors=tuple(found))


def to_embeddings(embed: str | Chain[Any, Any], *, queries: Chain[Any, Any] | None = None) -> Any:
    """An embedder of ours, or its name, as their `Embeddings`. `queries` embeds questions where it is another chain."""
    sides = sides_of(embed)
    assert sides is not None
    return _embeddings_class()(sides.documents, as_chain(queries) if queries is not None else sides.questions)


@lru_cache(maxsize=1)
def _embeddings_class() -> Any:
    base: Any = theirs("embeddings").Embeddings

    class ChainkitEmbeddings(base):  # type: ignore[misc, valid-type, unused-ignore]
        """An embedder as their embeddings."""

        def __init__(self, documents: Chain[Any, Any], queries: Chain[Any, Any]) -> None:
            self.documents = documents
            self.queries = queries

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [list(v) for v in as_many(self.documents.invoke(texts), len(texts))]

        async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
            return [list(v) for v in as_many(await self.documents.ainvoke(texts), len(texts))]

        def embed_query(self, text: str) -> list[float]:
            return list(as_many(self.queries.invoke([text]), 1)[0])

        async def aembed_query(self, text: str) -> list[float]:
            return list(as_many(await self.queries.ainvoke([text]), 1)[0])

    return ChainkitEmbeddings

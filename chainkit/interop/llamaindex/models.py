"""LlamaIndex's models: embeddings both ways, language models as ours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from chainkit.chain import Chain
from chainkit.errors import CompositionError
from chainkit.interop.foreign import Foreign
from chainkit.interop.llamaindex.documents import theirs
from chainkit.messages import Promptable, Text, Thinking, as_messages
from chainkit.models.embed import Embeddings
from chainkit.models.reply import Reply
from chainkit.retrieval.embedding import as_many
from chainkit.retrieval.embedding import embedding as sides_of


def from_llm(llm: Any) -> Chain[Promptable, Reply]:
    """Their language model as a chain from a string or messages to a `Reply`. Texts only; what it costs is Unknown."""

    def call(value: Any) -> Reply:
        return _reply(llm.chat(_asked(value)))

    async def acall(value: Any) -> Reply:
        return _reply(await llm.achat(_asked(value)))

    name = getattr(getattr(llm, "metadata", None), "model_name", None) or type(llm).__name__
    return Foreign(call, acall, str(name), "llamaindex", Promptable, Reply, asks="chat")


def _asked(value: Any) -> list[Any]:
    messages = as_messages(value)
    if messages is None:
        raise CompositionError(f"a model takes a string or messages, and got {type(value).__name__}: {value!r:.60}")
    kind = theirs("llms").ChatMessage
    for message in messages:
        other = next((p for p in message.parts if not isinstance(p, Text | Thinking)), None)
        if other is not None:
            raise CompositionError(f"a language model of LlamaIndex is asked in texts here, not by {other!r:.60}")
    return [kind(role=m.role, content=m.text) for m in messages]


def _reply(response: Any) -> Reply:
    return Reply((Text(response.message.content or ""),), raw=response)


def from_embedding(model: Any, *, queries: bool = False) -> Chain[str | Sequence[str], Embeddings]:
    """Their embedding model as an embedder: `index(..., embed=from_embedding(theirs))`.

    Texts are embedded as documents, with `queries` as questions. A text by itself is a question in any case.
    """

    def call(value: Any) -> Embeddings:
        if isinstance(value, str):
            return _vectors([model.get_query_embedding(value)])
        if queries:
            return _vectors([model.get_query_embedding(text) for text in value])
        return _vectors(model.get_text_embedding_batch(list(value)))

    async def acall(value: Any) -> Embeddings:
        if isinstance(value, str):
            return _vectors([await model.aget_query_embedding(value)])
        if queries:
            return _vectors([await model.aget_query_embedding(text) for text in value])
        return _vectors(await model.aget_text_embedding_batch(list(value)))

    name = getattr(model, "model_name", None) or type(model).__name__
    return Foreign(call, acall, str(name), "llamaindex", str | Sequence[str], Embeddings, asks="embed")


def _vectors(found: list[list[float]]) -> Embeddings:
    return Embeddings(vectors=tuple(found))


def to_embedding(embed: str | Chain[Any, Any]) -> Any:
    """An embedder of ours, or its name, as their embedding model."""
    sides = sides_of(embed)
    assert sides is not None
    made = _embedding_class()(model_name=sides.label)
    made._sides = sides
    return made


@lru_cache(maxsize=1)
def _embedding_class() -> Any:
    base: Any = theirs("base.embeddings.base").BaseEmbedding
    private: Any = theirs("bridge.pydantic").PrivateAttr

    class ChainkitEmbedding(base):  # type: ignore[misc, valid-type, unused-ignore]
        """An embedder as their embedding model."""

        _sides: Any = private(default=None)

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [list(v) for v in as_many(self._sides.documents.invoke(texts), len(texts))]

        async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [list(v) for v in as_many(await self._sides.documents.ainvoke(texts), len(texts))]

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        async def _aget_text_embedding(self, text: str) -> list[float]:
            return (await self._aget_text_embeddings([text]))[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return list(as_many(self._sides.questions.invoke([query]), 1)[0])

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return list(as_many(await self._sides.questions.ainvoke([query]), 1)[0])

    return ChainkitEmbedding

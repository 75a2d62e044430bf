"""LangChain's runnables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import Any

from chainkit.chain import Chain
from chainkit.documents import Chunk, Document, Retrieved
from chainkit.interop.foreign import Foreign
from chainkit.interop.langchain.documents import from_document, theirs, to_document
from chainkit.interop.langchain.messages import from_answer, from_messages, to_answer, to_messages
from chainkit.messages import Message, Messages
from chainkit.models.reply import Reply


def from_runnable(runnable: Any) -> Chain[Any, Any]:
    """Anything of theirs that is run as a chain: messages go in as theirs, and a message comes out as a `Reply`."""

    def call(value: Any) -> Any:
        return ours(runnable.invoke(other(value)))

    async def acall(value: Any) -> Any:
        return ours(await runnable.ainvoke(other(value)))

    return Foreign(call, acall, getattr(runnable, "name", None) or type(runnable).__name__, "langchain")


def to_runnable(chain: Chain[Any, Any]) -> Any:
    """A chain as their runnable, for their `|`: `invoke`, `stream` and `batch`, plain and awaited.

    Messages that come in are made ours; a `Reply` goes out as their message, passages as their documents.
    """
    return _runnable_class()(chain)


def ours(value: Any) -> Any:
    """A value of theirs, where we have one for it."""
    messages = theirs("messages")
    if isinstance(value, messages.AIMessage):
        return from_answer(value)
    if hasattr(value, "to_messages"):
        return from_messages(value.to_messages())
    if isinstance(value, messages.BaseMessage):
        return from_messages([value])
    if isinstance(value, theirs("documents").Document):
        return from_document(value)
    return _each(value, ours)


def other(value: Any) -> Any:
    """A value of ours, where they have one for it."""
    if isinstance(value, Messages):
        return to_messages(value)
    if isinstance(value, Message):
        return to_messages([value])
    if isinstance(value, Reply):
        return to_answer(value)
    if isinstance(value, Document | Chunk | Retrieved):
        return to_document(value)
    return _each(value, other)


def _each(value: Any, change: Any) -> Any:
    if type(value) is dict:
        return {name: change(held) for name, held in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if type(value) is not list:
        return value
    made = [change(held) for held in value]  # pyright: ignore[reportUnknownVariableType]
    if made and all(isinstance(m, Messages | Reply) for m in made):
        return Messages(t for m in made for t in ((m.message,) if isinstance(m, Reply) else m))
    return made


@lru_cache(maxsize=1)
def _runnable_class() -> Any:
    runnables = theirs("runnables")
    base: Any = runnables.Runnable

    class ChainkitRunnable(base):  # type: ignore[misc, valid-type, unused-ignore]
        """A chain as a runnable."""

        def __init__(self, chain: Chain[Any, Any]) -> None:
            self.chain = chain
            self.name = chain.label or type(chain).__name__

        def invoke(self, input: Any, config: Any = None, **_: Any) -> Any:
            def call(value: Any) -> Any:
                return other(self.chain.invoke(ours(value)))

            return self._call_with_config(call, input, config)

        async def ainvoke(self, input: Any, config: Any = None, **_: Any) -> Any:
            async def call(value: Any) -> Any:
                return other(await self.chain.ainvoke(ours(value)))

            return await self._acall_with_config(call, input, config)

        def stream(self, input: Any, config: Any = None, **_: Any) -> Iterator[Any]:
            with self.chain.stream(ours(input)) as pieces:
                for piece in pieces:
                    yield self._piece(piece)

        async def astream(self, input: Any, config: Any = None, **_: Any) -> AsyncIterator[Any]:
            async with self.chain.astream(ours(input)) as pieces:
                async for piece in pieces:
                    yield self._piece(piece)

        def _piece(self, piece: Any) -> Any:
            told = isinstance(piece, str) and self.chain.out_type is Reply
            return theirs("messages").AIMessageChunk(content=piece) if told else other(piece)

    return ChainkitRunnable

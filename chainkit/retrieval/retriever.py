"""A search as a chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.chain import Chain
from chainkit.documents import Retrieved
from chainkit.errors import CompositionError
from chainkit.messages import as_messages, counted_text

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.retrieval.indexing import Index
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


@dataclass(frozen=True, repr=False)
class Retriever(Chain[str, list[Retrieved]]):
    """The best `k` chunks for a question."""

    index: Index
    k: int

    def __post_init__(self) -> None:
        if self.k < 1:
            raise CompositionError(f"a retriever gives at least 1 chunk, not {self.k}")

    @property
    def in_type(self) -> Any:
        return str

    @property
    def out_type(self) -> Any:
        return list[Retrieved]

    @property
    def label(self) -> str:
        return "retriever"

    def compile(self, place: Place) -> Core:
        index, k = self.index, self.k

        async def run(frame: Frame, value: Any) -> Any:
            question = question_in(value)
            return index.search(question, k) if frame.io.blocking else await frame.io.call(index.search, question, k)

        return run


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

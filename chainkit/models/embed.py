"""Embedding: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from chainkit.errors import CompositionError
from chainkit.messages import counted_text
from chainkit.models.reached import Reach
from chainkit.models.task import Task, TaskReply, TaskRequest, joined, portions, task_model

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.profile import Profile

MOST = 96
"""Texts of one request, where the provider names no other number."""


@dataclass(slots=True)
class EmbedRequest(TaskRequest):
    """Texts to be embedded. Options: `dimensions`, `task`."""

    kind: ClassVar[str] = "embed"
    tokens: ClassVar[bool] = True
    texts: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Characters of text that the model reads."""
        return sum(map(len, self.texts))


@dataclass(slots=True)
class Embeddings(TaskReply):
    """One vector for each text, in their order. A sequence of vectors; `vector` is the only one of a single text."""

    vectors: tuple[Sequence[float], ...] = ()

    @property
    def vector(self) -> Sequence[float]:
        """The vector of a single text. Raises ValueError where there are several."""
        (only,) = self.vectors
        return only

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, at: int) -> Sequence[float]:
        return self.vectors[at]

    def __repr__(self) -> str:
        long = len(self.vectors[0]) if self.vectors else 0
        return f"Embeddings({len(self.vectors)} of {long} numbers, {self.model})"


class EmbedOptions(Reach, total=False):
    """Options of an embedder."""

    dimensions: int
    task: Literal["query", "document", "similarity", "classification", "clustering"]
    unsupported: Literal["raise", "warn"]
    extra: Mapping[str, Any]
    vendor: Mapping[str, Any]


def embedder(spec: str, **options: Unpack[EmbedOptions]) -> Chain[str | Sequence[str], Embeddings]:
    """A model that embeds: a text or texts in, `Embeddings` out, one vector of floats for each text.

    `dimensions` shortens the vectors where the model can; `task` says what they are for: `query` and `document`
    give the two sides of a search their own vectors where the model knows the difference. Many texts go in as
    many requests as the provider needs, side by side; the vectors stay in the order of the texts. Raises CompositionError for a bad spec or option,
    UnknownModel for an unknown provider.
    """
    return task_model(TASK, spec, options)


def _requests(model: str, value: Any, options: Mapping[str, Any], profile: Profile) -> list[EmbedRequest]:
    text = value if isinstance(value, str) else counted_text(value)
    texts = [text] if text is not None else [_text(item, at) for at, item in enumerate(value)]
    parts = portions(texts, profile.most or MOST, profile.room)
    return [EmbedRequest(model, options, texts=tuple(part)) for part in parts]


def _text(item: Any, at: int) -> str:
    found = item if isinstance(item, str) else counted_text(item)
    if found is None:
        msg = f"an embedder takes texts, and item {at} is {type(item).__name__}: {item!r:.60}"
        raise CompositionError(msg, cure="hand on its text: document.text, reply.text")
    return found


def _joined(replies: Sequence[Embeddings], value: Any) -> Embeddings:
    whole = joined(replies, Embeddings())
    if len(replies) > 1:
        whole.vectors = tuple(v for r in replies for v in r.vectors)
    return whole


TASK = Task("embed", str | Sequence[str], Embeddings, frozenset({"dimensions", "task"}), _requests, _joined)

"""The embedder behind an index: one side for documents, one for questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainkit.chain import Chain
from chainkit.documents import Chunk
from chainkit.errors import CompositionError, OutputError


@dataclass(frozen=True)
class Embedding:
    """What makes the vectors of an index, and of the questions to it."""

    documents: Chain[Any, Any]
    questions: Chain[Any, Any]

    @property
    def label(self) -> str:
        """What it is called: vectors of another cannot be compared with its own."""
        return self.documents.label

    def of(self, chunks: Sequence[Chunk], run: Any = None) -> list[Sequence[float]]:
        """A vector for each chunk, the headings that lead to it included."""
        if not chunks:
            return []
        vectors = self.documents.invoke([_shown(c) for c in chunks], run=run)
        return as_many(vectors, len(chunks))


def _shown(chunk: Chunk) -> str:
    path = " > ".join(h for h in (str(chunk.metadata.get("title") or ""), *chunk.headings) if h)
    return f"{path}\n{chunk.text}" if path else chunk.text


def as_many(vectors: Any, count: int) -> list[Sequence[float]]:
    """The vectors of so many texts. Raises OutputError where there are more or fewer."""
    found = list(vectors)
    if len(found) != count:
        msg = f"the embedder gave {len(found)} vectors for {count} texts"
        raise OutputError(msg, cure="give embed= a chain from a list of texts to as many vectors")
    return found


def embedding(embed: str | Chain[Any, Any] | None) -> Embedding | None:
    """What `embed=` means: "provider:name" with the two sides that its model may have, or a chain for both."""
    if embed is None or isinstance(embed, Embedding):
        return embed
    if isinstance(embed, Chain):
        chain: Chain[Any, Any] = embed  # pyright: ignore[reportUnknownVariableType]
        return Embedding(chain, chain)
    if isinstance(embed, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may hand anything
        from chainkit.models.embed import embedder

        sides = [embedder(embed, task=task, unsupported="warn") for task in ("document", "query")]
        return Embedding(sides[0], sides[1])
    raise CompositionError(
        f"embed= is {type(embed).__name__}: {embed!r:.60}",
        cure='name a model, like embed="local:minilm", or an embedder',
    )

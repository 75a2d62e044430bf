"""What all splitters have in common: a value that cuts documents, and stands in a chain as a step."""

from __future__ import annotations

from chainkit.documents import Chunk, Document
from chainkit.errors import CompositionError

SIZE = 800
"""Characters that a chunk has at the most, unless asked otherwise."""


class Splitter:
    """Cuts a document into chunks, in order, each exactly a span of its text. Equal settings are equal splitters.

    It is a function from a document to its chunks too: `load_one | by_heading()` is a chain.
    """

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document."""
        raise NotImplementedError

    def __call__(self, document: Document) -> list[Chunk]:
        return self.split(document)


def sized(size: int, overlap: int = 0, unit: str = "characters") -> None:
    """Raise CompositionError where no piece could be made."""
    if size < 1:
        raise CompositionError(f"a chunk has at least 1 of the {unit} that size= counts, not {size}")
    if not 0 <= overlap < size:
        msg = f"overlap={overlap} of size={size}: chunks would not get on"
        raise CompositionError(msg, cure=f"an overlap has from 0 to {size - 1} {unit}; a tenth of the size is usual")

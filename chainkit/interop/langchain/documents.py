"""LangChain's documents and loaders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import lru_cache
from typing import Any

from chainkit.documents import Chunk, Document, Retrieved
from chainkit.interop.foreign import needed
from chainkit.interop.packing import document_of, packed, passage_of, score_of, unlike

EXTRA = "langchain"


def theirs(module: str) -> Any:
    """A module of langchain_core. Raises MissingExtra."""
    return needed(f"langchain_core.{module}", EXTRA)


def from_document(document: Any) -> Document:
    """Their document as ours: id, text and metadata; one without an id is called by its text."""
    return document_of(document.id, document.page_content, document.metadata)


def from_passage(document: Any, rank: int = 0) -> Retrieved:
    """Their document, found by a search, as a passage: with its place in the whole document, where it says that."""
    score = score_of(document.metadata, rank)
    return passage_of(document.id, document.page_content, document.metadata, score)


def to_document(item: Document | Chunk | Retrieved) -> Any:
    """Ours as theirs. A chunk's id, span and headings go along, and `from_passage` finds them again."""
    found = packed(item)
    return theirs("documents").Document(id=found.id, page_content=found.text, metadata=found.metadata)


def from_loader(loader: Any) -> Iterator[Document]:
    """The documents of a loader, one after the other: `index(from_loader(loader))`.

    A document without an id is called by its `source`, with a number behind it where there are several of one.
    """
    seen: dict[str, int] = {}
    for document in loader.lazy_load():
        yield _loaded(document, seen)


async def afrom_loader(loader: Any) -> AsyncIterator[Document]:
    """`from_loader` on the running event loop."""
    seen: dict[str, int] = {}
    async for document in loader.alazy_load():
        yield _loaded(document, seen)


def to_loader(documents: Iterable[Document]) -> Any:
    """Documents of ours as their loader: `to_loader(load("docs"))`. What can be iterated once is loaded once."""
    return _loader_class()(documents)


@lru_cache(maxsize=1)
def _loader_class() -> Any:
    base: Any = theirs("document_loaders").BaseLoader

    class ChainkitLoader(base):  # type: ignore[misc, valid-type, unused-ignore]
        """Documents as a loader."""

        def __init__(self, documents: Iterable[Document]) -> None:
            self.documents = documents

        def lazy_load(self) -> Iterator[Any]:
            yield from map(to_document, self.documents)

    return ChainkitLoader


def _loaded(document: Any, seen: dict[str, int]) -> Document:
    source = document.metadata.get("source")
    name = document.id or (unlike(str(source), seen) if source else None)
    return document_of(name, document.page_content, document.metadata)

"""LlamaIndex's documents, nodes and readers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from functools import lru_cache
from typing import Any

from chainkit.documents import Chunk, Document, Retrieved
from chainkit.interop.foreign import needed
from chainkit.interop.packing import KEY, START, document_of, packed, passage_of, unlike

EXTRA = "llamaindex"


def theirs(module: str) -> Any:
    """A module of llama_index.core. Raises MissingExtra."""
    return needed(f"llama_index.core.{module}", EXTRA)


def from_document(document: Any) -> Document:
    """Their document, or any node of theirs with a text, as ours: id, text and metadata."""
    return document_of(document.node_id, document.get_content(), document.metadata)


def from_passage(found: Any, rank: int = 0) -> Retrieved:
    """Their node with its score as a passage: with the document it is of, and its span, where it says them."""
    node = found.node
    source = node.source_node
    return passage_of(
        node.node_id,
        node.get_content(),
        node.metadata,
        1.0 / (rank + 1) if found.score is None else float(found.score),
        document=None if source is None else source.node_id,
        start=getattr(node, "start_char_idx", None),
        end=getattr(node, "end_char_idx", None),
    )


def to_document(item: Document | Chunk) -> Any:
    """Ours as theirs: a document as a `Document`, a chunk as a `TextNode` with its span, which names its document."""
    schema, found = theirs("schema"), packed(item)
    hidden = {"excluded_embed_metadata_keys": [KEY, START], "excluded_llm_metadata_keys": [KEY, START]}
    if isinstance(item, Document):
        return schema.Document(id_=found.id, text=found.text, metadata=found.metadata, **hidden)
    return schema.TextNode(
        id_=found.id,
        text=found.text,
        metadata=found.metadata,
        start_char_idx=item.start,
        end_char_idx=item.end,
        relationships={schema.NodeRelationship.SOURCE: schema.RelatedNodeInfo(node_id=item.id)},
        **hidden,
    )


def to_passage(found: Retrieved) -> Any:
    """A passage as their node with its score."""
    return theirs("schema").NodeWithScore(node=to_document(found.document), score=found.score)


def from_reader(reader: Any, *args: Any, **options: Any) -> Iterator[Document]:
    """What a reader loads, one document after the other: `index(from_reader(SimpleDirectoryReader("docs")))`."""
    seen: dict[str, int] = {}
    load = getattr(reader, "lazy_load_data", None) or reader.load_data
    try:
        found = load(*args, **options)
    except NotImplementedError:
        found = reader.load_data(*args, **options)
    for document in found:
        yield _loaded(document, seen)


async def afrom_reader(reader: Any, *args: Any, **options: Any) -> AsyncIterator[Document]:
    """`from_reader` on the running event loop."""
    seen: dict[str, int] = {}
    for document in await reader.aload_data(*args, **options):
        yield _loaded(document, seen)


def to_reader(documents: Iterable[Document]) -> Any:
    """Documents of ours as their reader: `to_reader(load("docs"))`. What can be iterated once is loaded once."""
    return _reader_class()(documents)


@lru_cache(maxsize=1)
def _reader_class() -> Any:
    base: Any = theirs("readers.base").BaseReader

    class ChainkitReader(base):  # type: ignore[misc, valid-type, unused-ignore]
        """Documents as a reader."""

        def __init__(self, documents: Iterable[Document]) -> None:
            self.documents = documents

        def lazy_load_data(self, *_: Any, **__: Any) -> Iterator[Any]:
            yield from map(to_document, self.documents)

    return ChainkitReader


def _loaded(document: Any, seen: dict[str, int]) -> Document:
    """Called by its file where it has one: their own ids are drawn anew each time, and an index could not be refreshed."""
    path = document.metadata.get("file_path")
    made = from_document(document)
    if path is None:
        return made
    return Document(unlike(str(path), seen), made.text, {"source": str(path), **made.metadata}, made.regions)

"""LlamaIndex's retrievers, readers, tools and models as ours, and ours as theirs. Extra `llamaindex`."""

from chainkit.interop.llamaindex.documents import (
    afrom_reader,
    from_document,
    from_passage,
    from_reader,
    to_document,
    to_passage,
    to_reader,
)
from chainkit.interop.llamaindex.models import from_embedding, from_llm, to_embedding
from chainkit.interop.llamaindex.retrievers import from_retriever, to_retriever
from chainkit.interop.llamaindex.tools import from_tool, to_tool

__all__ = [
    "afrom_reader",
    "from_document",
    "from_embedding",
    "from_llm",
    "from_passage",
    "from_reader",
    "from_retriever",
    "from_tool",
    "to_document",
    "to_embedding",
    "to_passage",
    "to_reader",
    "to_retriever",
    "to_tool",
]

"""LangChain's retrievers, loaders, tools, models and runnables as ours, and ours as theirs. Extra `langchain`."""

from chainkit.interop.langchain.documents import (
    afrom_loader,
    from_document,
    from_loader,
    from_passage,
    to_document,
    to_loader,
)
from chainkit.interop.langchain.models import from_chat_model, from_embeddings, to_embeddings
from chainkit.interop.langchain.retrievers import from_retriever, to_retriever
from chainkit.interop.langchain.runnables import from_runnable, to_runnable
from chainkit.interop.langchain.tools import from_tool, to_tool
from chainkit.interop.langchain.vector_store import to_vector_store

__all__ = [
    "afrom_loader",
    "from_chat_model",
    "from_document",
    "from_embeddings",
    "from_loader",
    "from_passage",
    "from_retriever",
    "from_runnable",
    "from_tool",
    "to_document",
    "to_embeddings",
    "to_loader",
    "to_retriever",
    "to_runnable",
    "to_tool",
    "to_vector_store",
]

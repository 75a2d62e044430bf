"""LangChain's conformance suites for retrievers and vector stores over ours: in a file, and in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_tests", reason="LangChain's suite is installed by `make peers`")
from langchain_core.embeddings import DeterministicFakeEmbedding  # noqa: E402
from langchain_core.retrievers import BaseRetriever  # noqa: E402
from langchain_core.vectorstores import VectorStore  # noqa: E402
from langchain_tests.integration_tests import RetrieversIntegrationTests, VectorStoreIntegrationTests  # noqa: E402

from chainkit import index  # noqa: E402
from chainkit.documents import Document  # noqa: E402
from chainkit.interop.langchain import from_embeddings, to_vector_store  # noqa: E402
from chainkit.interop.langchain.retrievers import retriever_class  # noqa: E402
from chainkit.retrieval.memory import MemoryStore  # noqa: E402
from chainkit.retrieval.sqlite import SqliteStore  # noqa: E402

TEXTS = [Document(f"{n}.md", f"Shop number {n} opens at nine and closes at {n + 12}.") for n in range(8)]


class Shops(RetrieversIntegrationTests):
    """Our retriever over an index of eight documents."""

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return retriever_class()

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"chain": self.index().retriever(4)}

    @property
    def retriever_query_example(self) -> str:
        return "When does the shop open?"

    def index(self) -> Any:
        raise NotImplementedError


class TestLexicalRetriever(Shops):
    """By terms, in SQLite."""

    def index(self) -> Any:
        return index(TEXTS)


class TestHybridRetriever(Shops):
    """By terms and by vectors of LangChain's own embeddings, in memory."""

    def index(self) -> Any:
        return index(TEXTS, embed=from_embeddings(DeterministicFakeEmbedding(size=16)), store="memory")


class TestSqliteVectorStore(VectorStoreIntegrationTests):
    """A vector store in one file of SQLite."""

    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> VectorStore:
        return to_vector_store(SqliteStore(tmp_path / "store.db"), self.get_embeddings())


class TestMemoryVectorStore(VectorStoreIntegrationTests):
    """A vector store in memory."""

    @pytest.fixture
    def vectorstore(self) -> VectorStore:
        return to_vector_store(MemoryStore(), self.get_embeddings())

"""LangChain's conformance suite for embeddings over ours: in this process, and behind a real HTTP server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("langchain_tests", reason="LangChain's suite is installed by `make peers`")
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests  # noqa: E402
from langchain_tests.unit_tests import EmbeddingsUnitTests  # noqa: E402

# Tests are imported by their paths: what lies beside them is found here.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "providers")]
from langchain_adapter import ChainkitEmbeddings  # noqa: E402
from real_server import RealServer  # noqa: E402

pytestmark = pytest.mark.local


class TestUnits(EmbeddingsUnitTests):
    """What needs no model to answer."""

    embeddings_class: type[Embeddings] = ChainkitEmbeddings
    embedding_model_params: ClassVar[dict[str, Any]] = {"model": "local:minilm"}


class TestInProcess(EmbeddingsIntegrationTests):
    """`local:minilm`, onnxruntime in this process."""

    embeddings_class: type[Embeddings] = ChainkitEmbeddings
    embedding_model_params: ClassVar[dict[str, Any]] = {"model": "local:minilm"}


class TestOverHttp(EmbeddingsIntegrationTests):
    """`llamacpp:`, the vectors of llama.cpp's own server."""

    embeddings_class: type[Embeddings] = ChainkitEmbeddings
    embedding_model_params: ClassVar[dict[str, Any]] = {"model": "llamacpp:smollm2"}

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, local_model: str):
        from chainkit_providers.local.catalog import find
        from chainkit_providers.local.files import place

        with RealServer(place(find(local_model)), embedding=True) as server:
            cls.embedding_model_params["base_url"] = server.url_v1
            yield

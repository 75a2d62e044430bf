"""LangChain's conformance suite for chat models over ours: in this process, and behind a real HTTP server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("langchain_tests", reason="LangChain's suite is installed by `make peers`")
from langchain_tests.integration_tests import ChatModelIntegrationTests  # noqa: E402
from langchain_tests.unit_tests import ChatModelUnitTests  # noqa: E402

# Tests are imported by their paths: what lies beside them is found here.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "providers")]
from langchain_adapter import ChatChainkit  # noqa: E402
from real_server import RealServer  # noqa: E402

pytestmark = pytest.mark.local

SPEC = "local:smollm2-135m"
MODEL = {"temperature": 0, "max_tokens": 200, "timeout": 120}
# A model of this size repeats itself without end inside a JSON string, where nothing speaks against it.
IN_PROCESS, OVER_HTTP = {"repeat_penalty": 1.05}, {"repeat_penalty": 1.2}
UNASKED = "nothing forces the tool here, and a model of 135 million parameters answers in text"


@pytest.fixture(scope="module")
def gguf(local_model: str) -> Path:
    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    return place(find(local_model))


class TestUnits(ChatModelUnitTests):
    """What needs no model to answer."""

    chat_model_class = ChatChainkit
    chat_model_params: ClassVar[dict[str, Any]] = {"model": SPEC}


class Small(ChatModelIntegrationTests):
    """What a small text model can do; images, sound and documents are skipped by the suite itself."""

    chat_model_class = ChatChainkit
    supports_json_mode = True
    supports_anthropic_inputs = True


class TestInProcess(Small):
    """`local:`, llama.cpp in this process."""

    chat_model_params: ClassVar[dict[str, Any]] = {"model": SPEC, "options": IN_PROCESS, **MODEL}

    @pytest.fixture(autouse=True)
    def pulled(self, gguf: Path) -> None:
        type(self).model_override_value = f"local:{gguf}"

    @pytest.mark.xfail(reason=UNASKED)
    @pytest.mark.parametrize("model", [{}, {"output_version": "v1"}], indirect=True)
    def test_agent_loop(self, model: ChatChainkit) -> None:
        super().test_agent_loop(model)


class TestOverHttp(Small):
    """`llamacpp:`, the same model behind llama.cpp's own server."""

    chat_model_params: ClassVar[dict[str, Any]] = {
        "model": "llamacpp:smollm2",
        "lead": "<tool_call>\n",
        "options": OVER_HTTP,
        **MODEL,
    }
    supports_model_override = False  # the server has one model, and answers by its name whatever it was asked for

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, gguf: Path):
        with RealServer(gguf, context=2048) as server:
            cls.chat_model_params["base_url"] = server.url_v1
            yield

    @pytest.mark.xfail(reason=UNASKED)
    @pytest.mark.parametrize("model", [{}, {"output_version": "v1"}], indirect=True)
    def test_agent_loop(self, model: ChatChainkit) -> None:
        super().test_agent_loop(model)

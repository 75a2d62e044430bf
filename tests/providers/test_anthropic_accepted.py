"""What we encode for Anthropic is what its own SDK says that the vendor takes, unknown fields refused."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
import typing_extensions
from pydantic import ConfigDict, TypeAdapter

from chainkit.messages import Media, Message, Messages, Text, Thinking, ToolCall, ToolResult
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit.models.vendor import put
from chainkit_providers.anthropic import AnthropicOptions, provider
from chainkit_providers.anthropic.models import OPTIONS, SAMPLING

pytest.importorskip("anthropic")

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
COUNT = ToolSpec("count", "Counts.", SCHEMA)
HELLO = (Message("user", (Text("hi"),)),)
TALK = (
    Message("system", (Text("a"), Text("b"))),
    Message("user", (Text("what?"), Media("image", "image/png", b"abc"), Media("image", "image/png", url="https://x/a.png"))),
    Message("user", (Media("document", "application/pdf", b"%PDF", name="a.pdf"), Media("document", "text/plain", b"t"))),
    Message("assistant", (Thinking("hm", "sig", "anthropic"), Thinking("", None, "anthropic", None, "sealed"), Text("so"),
                          ToolCall("count", {"n": 1}, "a"))),
    Message("tool", (ToolResult("a", "one"), ToolResult("a", "no", failed=True))),
    Message("user", (Text("and?"),)),
)  # fmt: skip
WIRE = provider.wires["messages"]


@lru_cache(maxsize=1)
def _adapter() -> Any:
    from anthropic.types import message_create_params as params

    kind = params.MessageCreateParamsNonStreaming
    for each in (params.MessageCreateParamsBase, kind):
        each.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(kind)


def encoded(
    turns: Any = HELLO, *, model: str = "claude-haiku-4-5", tools: Any = (), output: Any = None, **options: Any
) -> Any:
    left = dict(options)
    body = WIRE.encode(ChatRequest(model, Messages(turns), options, tools, output), left)
    assert not left
    return body


ASKED: dict[str, dict[str, Any]] = {
    "a question": {},
    "a whole conversation": {"turns": TALK, "tools": (COUNT,)},
    "sampling": {"temperature": 0.0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "stop": ["x"]},
    "a kept prompt": {"prompt_cache": "short"},
    "a long kept prompt": {"prompt_cache": "long"},
    "a tool by its name": {"tools": (COUNT,), "tool_choice": "count", "parallel_tools": False},
    "any tool": {"tools": (COUNT,), "tool_choice": "required"},
    "no tool": {"tools": (COUNT,), "tool_choice": "none"},
    "a tier and a user": {"service_tier": "auto", "user": "u"},
    "a schema": {"output": OutputSpec("n", SCHEMA, "native")},
    "a schema by a tool": {"output": OutputSpec("n", SCHEMA, "tool", "Give it.")},
    "no thinking": {"reasoning": "none"},
    "a level as a budget": {"reasoning": "low"},
    "a level as effort": {"model": "claude-opus-4-6", "reasoning": "minimal"},
    "adaptive": {"model": "claude-sonnet-5", "reasoning": "high"},
    "a budget": {"reasoning_tokens": 2000, "max_tokens": 5000},
    "a schema and effort": {"model": "claude-opus-4-6", "reasoning": "low", "output": OutputSpec("n", SCHEMA, "native")},
}  # fmt: skip
VENDOR: dict[str, Any] = {
    "anthropic_server_tools": [{"type": "web_search_20250305", "name": "web_search"}],
    "anthropic_container": "c",
    "anthropic_inference_geo": "eu",
    "anthropic_speed": "fast",
    "anthropic_thinking": {"type": "enabled", "budget_tokens": 1024},
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_we_send_fits_the_vendors_own_types(asked: str) -> None:
    body = encoded(**ASKED[asked])
    # The SDK's second generation leaves these out: its newest models take none. The older ones, to which alone we send
    # them, still do.
    sampling = {name: body.pop(name) for name in SAMPLING if name in body}
    assert not sampling or asked == "sampling"
    _adapter().validate_python(body)


@pytest.mark.parametrize("name", VENDOR)
def test_so_does_every_option_of_the_vendor_alone(name: str) -> None:
    assert set(typing_extensions.get_type_hints(AnthropicOptions)) == set(VENDOR)
    body = encoded(tools=(COUNT,))
    put(body, "anthropic", AnthropicOptions, {name: VENDOR[name]})
    _adapter().validate_python(body)


def test_the_validator_refuses_what_the_vendor_does_not_know() -> None:
    with pytest.raises(ValueError, match="temprature"):
        _adapter().validate_python(encoded() | {"temprature": 1})


def test_all_options_that_the_wire_names_were_tried() -> None:
    assert set(OPTIONS) <= {k for asked in ASKED.values() for k in asked} | {"extra"}

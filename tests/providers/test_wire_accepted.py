"""What we encode for OpenAI is what its own SDK says that the vendor takes: its parameter types, unknown fields refused."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import typing_extensions
from pydantic import ConfigDict, TypeAdapter

from chainkit.messages import Media, Message, Messages, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit.models.vendor import put
from chainkit_providers.openai import CHAT, RESPONSES
from chainkit_providers.openai.models import DIALECT, FAMILIES, cache
from chainkit_providers.openai.options import ChatOptions, ResponsesOptions
from chainkit_providers.openai.responses_request import REASONING_TEXT

if TYPE_CHECKING:
    from chainkit.models.provider import ChatWire

pytest.importorskip("openai")

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
COUNT = ToolSpec("count", "Counts.", SCHEMA)
FLY = ToolSpec("fly", "", {"type": "object", "properties": {}})
PNG, PDF = Media("image", "image/png", b"abc"), Media("document", "application/pdf", b"%PDF", name="a.pdf")
LINK, PAPER = (
    Media("image", "image/png", url="https://x.example/a.png"),
    Media("document", "application/pdf", url="https://x.example/a.pdf"),
)
HELLO = (Message("user", (Text("hi"),)),)
CALLS = Message("assistant", (Text("So:"), ToolCall("count", {"n": 1}, "a"), ToolCall("fly", {}, "b", "{broken")))
RESULTS = Message("tool", (ToolResult("a", "one"), ToolResult("b", "no wind", failed=True)))
SHOWN = Thinking("plainly", REASONING_TEXT, "openai", "rs_2")
SEARCH = ServerItem(
    "openai",
    "web_search_call",
    {
        "type": "web_search_call",
        "id": "ws",
        "status": "completed",
        "action": {"type": "search", "query": "q", "queries": ["q"]},
    },
)

TURNS: dict[str, tuple[Message, ...]] = {
    "a question": HELLO,
    "a system turn": (Message("system", (Text("Be brief."),)), *HELLO),
    "a system turn of two parts": (Message("system", (Text("a"), Text("b"))), *HELLO),
    "several turns": (*HELLO, Message("assistant", (Text("Hello."),)), *HELLO),
    "a name": (Message("user", (Text("hi"),), name="ada"),),
    "pictures": (Message("user", (Text("what?"), PNG, LINK)),),
    "a document": (Message("user", (PDF, Text("and?"))),),
    "calls and results": (*HELLO, CALLS, RESULTS),
    "a call alone": (
        *HELLO,
        Message("assistant", (ToolCall("count", {"n": 1}, "a"),)),
        Message("tool", (RESULTS.parts[0],)),
    ),
    "an empty answer": (*HELLO, Message("assistant", ()), *HELLO),
    "another vendor's thinking": (
        *HELLO,
        Message("assistant", (Thinking("hm", "sig", "anthropic"), Text("so"))),
        *HELLO,
    ),
}
ONLY: dict[str, dict[str, tuple[Message, ...]]] = {
    "chat": {
        "wav": (Message("user", (Media("audio", "audio/wav", b"abc"),)),),
        "mp3": (Message("user", (Text("?"), Media("audio", "audio/mpeg", b"abc"))),),
    },
    "responses": {
        "a document by its address": (Message("user", (PAPER,)),),
        "thinking that was shown": (*HELLO, Message("assistant", (SHOWN, Text("so"))), *HELLO),
        "texts of two phases": (
            *HELLO,
            Message("assistant", (Text("I look.", "commentary"), Text("So.", "final_answer"))),
            *HELLO,
        ),
        "a server's own item": (*HELLO, Message("assistant", (SEARCH, Text("so"))), *HELLO),
    },
}
ASKED: dict[str, dict[str, Any]] = {
    "tools": {"tools": (COUNT, FLY)},
    "one tool at a time": {"tools": (COUNT,), "parallel_tools": False, "tool_choice": "auto"},
    "no tool": {"tools": (COUNT,), "tool_choice": "none"},
    "any tool": {"tools": (COUNT,), "tool_choice": "required"},
    "that tool": {"tools": (COUNT, FLY), "tool_choice": "count"},
    "a schema": {"output": OutputSpec("number", SCHEMA, "native", "A number.")},
    "a schema, as a tool": {"output": OutputSpec("number", SCHEMA, "tool", "A number.")},
    "a schema, as a tool beside others": {"tools": (COUNT,), "output": OutputSpec("number", SCHEMA, "tool")},
    "any JSON": {"output": OutputSpec("any", {}, "json")},
    "words": {"output": OutputSpec("number", SCHEMA, "prompt")},
    "sampling": {"temperature": 0.5, "top_p": 0.9},
    "a limit": {"max_tokens": 9},
    "logprobs": {"logprobs": 3},
    "a user": {"user": "u", "prompt_cache_key": "k"},
    "a tier": {"service_tier": "flex"},
    "a stream": {"stream": True},
}
CHAT_ONLY: dict[str, dict[str, Any]] = {
    "stop": {"stop": ("a", "b")},
    "one stop": {"stop": "a"},
    "the rest": {
        "seed": 1,
        "n": 2,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.1,
        "logit_bias": {"5": -100},
        "verbosity": "low",
    },
}
CHAT_VENDOR = {
    "openai_store": True,
    "openai_metadata": {"team": "books"},
    "openai_safety_identifier": "s",
    "openai_moderation": {"model": "omni-moderation-latest"},
    "openai_prediction": {"type": "content", "content": "so"},
    "openai_modalities": ["text", "audio"],
    "openai_audio": {"voice": "alloy", "format": "wav"},
    "openai_web_search_options": {"search_context_size": "low"},
}
RESPONSES_VENDOR = {
    "openai_store": False,
    "openai_metadata": {"team": "books"},
    "openai_safety_identifier": "s",
    "openai_moderation": {"model": "omni-moderation-latest"},
    "openai_server_tools": [{"type": "web_search"}],
    "openai_include": ["web_search_call.action.sources"],
    "openai_reasoning_summary": "auto",
    "openai_previous_response_id": "resp_1",
    "openai_conversation": "conv_1",
    "openai_truncation": "auto",
    "openai_max_tool_calls": 3,
    "openai_prompt": {"id": "pmpt_1"},
    "openai_context_management": [{"type": "compaction"}],
}


@lru_cache(maxsize=4)
def judge(api: str, stream: bool) -> Any:
    """A validator made of the SDK's own types, which refuses what they do not name."""
    from openai.types.chat import completion_create_params as chat
    from openai.types.responses import response_create_params as responses

    for module in [m for name, m in sys.modules.items() if name.startswith("openai.types")]:
        for held in vars(module).values():
            if typing_extensions.is_typeddict(held):
                held.__pydantic_config__ = ConfigDict(extra="forbid")
    kinds = {
        ("chat", False): chat.CompletionCreateParamsNonStreaming,
        ("chat", True): chat.CompletionCreateParamsStreaming,
        ("responses", False): responses.ResponseCreateParamsNonStreaming,
        ("responses", True): responses.ResponseCreateParamsStreaming,
    }
    return jsonschema.Draft202012Validator(TypeAdapter(kinds[api, stream]).json_schema())


def encoded(wire: ChatWire, turns: tuple[Message, ...] = HELLO, model: str = "gpt-4o", **asked: Any) -> Any:
    named = {name: asked.pop(name) for name in ("tools", "output", "stream") if name in asked}
    options = dict(asked)
    body = wire.encode(ChatRequest(model, Messages(turns), asked, **named), options)
    assert not options
    return body


def accepted(wire: ChatWire, body: Any) -> None:
    problems = [
        f"{e.json_path}: {e.message[:300]}" for e in judge(wire.name, bool(body.get("stream"))).iter_errors(body)
    ]
    assert not problems, problems


both = pytest.mark.parametrize("wire", [CHAT, RESPONSES], ids=["chat", "responses"])


@both
@pytest.mark.parametrize("turns", TURNS)
def test_every_kind_of_turn_is_one_that_the_vendor_takes(wire: ChatWire, turns: str) -> None:
    accepted(wire, encoded(wire, TURNS[turns]))


@pytest.mark.parametrize(
    ("wire", "turns"),
    [pytest.param(wire, turns, id=f"{wire.name}-{turns}") for wire in (CHAT, RESPONSES) for turns in ONLY[wire.name]],
)
def test_so_is_what_only_one_interface_has(wire: ChatWire, turns: str) -> None:
    accepted(wire, encoded(wire, ONLY[wire.name][turns]))


@both
@pytest.mark.parametrize("asked", ASKED)
def test_every_wish_is_one_that_the_vendor_takes(wire: ChatWire, asked: str) -> None:
    accepted(wire, encoded(wire, **ASKED[asked]))


@pytest.mark.parametrize("asked", CHAT_ONLY)
def test_so_are_those_of_chat_alone(asked: str) -> None:
    accepted(CHAT, encoded(CHAT, **CHAT_ONLY[asked]))


@both
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high"])
def test_every_level_of_reasoning_is_one_that_the_vendor_takes(wire: ChatWire, effort: str) -> None:
    accepted(wire, encoded(wire, model="gpt-5.2", reasoning=effort, max_tokens=9, verbosity="high"))


def test_sealed_thinking_goes_back_without_its_id_which_the_types_want_and_the_vendor_does_not() -> None:
    turn = Message("assistant", (Thinking("hm", None, "openai", "rs_1", "sealed"), Text("so")))
    body = encoded(RESPONSES, (*HELLO, turn), model="o4-mini")
    (thought,) = [item for item in body["input"] if item.get("type") == "reasoning"]
    assert "id" not in thought
    thought["id"] = "rs_1"
    accepted(RESPONSES, body)


@pytest.mark.parametrize(
    ("wire", "options", "typed"),
    [(CHAT, CHAT_VENDOR, ChatOptions), (RESPONSES, RESPONSES_VENDOR, ResponsesOptions)],
    ids=["chat", "responses"],
)
def test_every_option_of_the_vendor_alone_is_tried_here_and_taken(wire: ChatWire, options: Any, typed: Any) -> None:
    assert set(typing_extensions.get_type_hints(typed)) == set(options)
    for name, value in options.items():
        body = encoded(wire, tools=(COUNT,))
        put(body, "openai", typed, {name: value})
        accepted(wire, body)
    if wire is RESPONSES:
        assert [t["type"] for t in encoded(wire, tools=(COUNT,))["tools"]] == ["function"]


@both
@pytest.mark.parametrize("wish", ["short", "long"])
def test_a_prompt_is_kept_by_fields_that_the_vendor_takes_for_every_family_of_models(wire: ChatWire, wish: str) -> None:
    for model in ("gpt-4o", "gpt-4.1", "o4-mini", "gpt-5-mini", "gpt-5.2", "gpt-5.5", "gpt-5.6-sol", "gpt-6-luna"):
        if cache(model, wish, wire.name) is not None:
            accepted(wire, encoded(wire, model=model, prompt_cache=wish))
    assert all(cache(f.pattern.pattern, "short", "chat") is not None for f in FAMILIES)


def test_the_validator_refuses_what_the_vendor_does_not_know() -> None:
    body = encoded(CHAT)
    with pytest.raises(AssertionError, match="temprature"):
        accepted(CHAT, body | {"temprature": 1})
    with pytest.raises(AssertionError, match="messages"):
        accepted(CHAT, body | {"messages": [{"role": "user", "content": [{"type": "picture"}]}]})


def test_all_options_that_the_dialect_names_were_tried() -> None:
    tried = {k for asked in (*ASKED.values(), *CHAT_ONLY.values()) for k in asked} | {"reasoning", "prompt_cache"}
    assert DIALECT.takes("chat") | DIALECT.takes("responses") <= tried | {"extra", "vendor"}

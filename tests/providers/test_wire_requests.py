"""What each wire makes of a request: messages, parts, tools, output, options, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chainkit.errors import BadRequest
from chainkit.messages import Media, Message, Messages, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.cohere.reply import TOOL_PLAN
from chainkit_providers.gateways import deepseek, llamacpp, mistral, openrouter, together
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.models import DIALECT
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.http import HttpProvider
    from chainkit.models.provider import ChatWire

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
COUNT = ToolSpec("count", "Counts.", SCHEMA)
FLY = ToolSpec("fly", "", {"type": "object", "properties": {}})
CHAT, RESPONSES, MESSAGES, COHERE = ChatCompletions(DIALECT), Responses(DIALECT), MessagesWire(), ChatV2()
MODELS = {CHAT: "gpt-4o", RESPONSES: "gpt-4o", MESSAGES: "claude-haiku-4-5", COHERE: "command-a-03-2025"}
ALL = pytest.mark.parametrize(
    "wire", [CHAT, RESPONSES, MESSAGES, COHERE], ids=["chat", "responses", "messages", "v2 chat"]
)


def user(*parts: Any) -> Message:
    return Message("user", tuple(Text(p) if isinstance(p, str) else p for p in parts))


def encode(
    wire: ChatWire, *turns: Message, model: str | None = None, left: dict[str, Any] | None = None, **asked: Any
) -> Any:
    """The body; every option must have been taken, but for those in `left`."""
    names = {name: asked.pop(name) for name in ("tools", "output", "stream") if name in asked}
    turns = turns or (user("hi"),)
    request = ChatRequest(model or MODELS.get(wire, "m"), Messages(turns), asked, **names)
    options = dict(asked)
    body = wire.encode(request, options)
    assert options == (left or {})
    assert json.loads(json.dumps(body)) == body
    return body


def of(provider: HttpProvider) -> ChatCompletions:
    """A gateway's chat wire."""
    wire = provider.wires["chat"]
    assert isinstance(wire, ChatCompletions)
    return wire


# Messages and parts


def test_a_conversation_keeps_its_roles_and_order() -> None:
    turns = (Message("system", (Text("Be brief."),)), user("one"), Message("assistant", (Text("1"),)), user("two"))
    roles = [("system", "Be brief."), ("user", "one"), ("assistant", "1"), ("user", "two")]
    for wire, field in ((CHAT, "messages"), (COHERE, "messages"), (RESPONSES, "input")):
        assert [(m["role"], m["content"]) for m in encode(wire, *turns)[field]] == roles
    body = encode(MESSAGES, *turns)
    assert body["system"] == "Be brief."
    assert [(m["role"], m["content"]) for m in body["messages"]] == roles[1:]


def test_several_system_turns_stay_apart_for_anthropic() -> None:
    body = encode(MESSAGES, Message("system", (Text("a"), Text("b"))), user("hi"), Message("system", (Text("c"),)))
    assert [block["text"] for block in body["system"]] == ["a", "b", "c"]


def test_calls_and_their_results_go_back_under_their_ids() -> None:
    calls = (ToolCall("count", {"n": 1}, "a"), ToolCall("fly", {}, "b"))
    results = Message("tool", (ToolResult("a", "one"), ToolResult("b", "no wind", failed=True)))
    turns = (user("go"), Message("assistant", calls), results)
    chat = encode(CHAT, *turns)["messages"]
    assert [c["function"] for c in chat[1]["tool_calls"]] == [
        {"name": "count", "arguments": '{"n": 1}'},
        {"name": "fly", "arguments": "{}"},
    ]
    assert chat[1]["content"] is None
    assert [(m["tool_call_id"], m["content"]) for m in chat[2:]] == [("a", "one"), ("b", '{"error": "no wind"}')]
    items = encode(RESPONSES, *turns)["input"]
    assert [i.get("call_id") for i in items[1:]] == ["a", "b", "a", "b"]
    assert items[4]["output"] == '{"error": "no wind"}'
    written = encode(MESSAGES, *turns)["messages"]
    assert [b["tool_use_id"] for b in written[2]["content"]] == ["a", "b"]
    assert [b.get("is_error") for b in written[2]["content"]] == [None, True]
    assert [m.get("tool_call_id") for m in encode(COHERE, *turns)["messages"][2:]] == ["a", "b"]


def test_results_of_tools_that_ran_together_share_one_message_with_what_the_user_adds() -> None:
    calls = Message("assistant", (ToolCall("count", {"n": 1}, "a"), ToolCall("count", {"n": 2}, "b")))
    turns = (
        user("go"),
        calls,
        Message("tool", (ToolResult("a", "1"),)),
        Message("tool", (ToolResult("b", "2"),)),
        user("and?"),
    )
    written = encode(MESSAGES, *turns)["messages"]
    assert [m["role"] for m in written] == ["user", "assistant", "user"]
    assert [b["type"] for b in written[2]["content"]] == ["tool_result", "tool_result", "text"]


def test_arguments_that_were_no_json_go_back_as_they_came() -> None:
    call = Message("assistant", (ToolCall("count", {}, "a", '{"n": '),))
    assert encode(CHAT, call)["messages"][0]["tool_calls"][0]["function"]["arguments"] == '{"n": '


def test_pictures_go_by_url_or_as_bytes() -> None:
    turn = user(
        "what?", Media("image", "image/png", url="https://x.example/a.png"), Media("image", "image/png", b"abc")
    )
    data = "data:image/png;base64,YWJj"
    assert [p["image_url"]["url"] for p in encode(CHAT, turn)["messages"][0]["content"][1:]] == [
        "https://x.example/a.png",
        data,
    ]
    assert [p["image_url"] for p in encode(RESPONSES, turn)["input"][0]["content"][1:]] == [
        "https://x.example/a.png",
        data,
    ]
    assert [p["image_url"]["url"] for p in encode(COHERE, turn)["messages"][0]["content"][1:]] == [
        "https://x.example/a.png",
        data,
    ]
    assert [p["source"] for p in encode(MESSAGES, turn)["messages"][0]["content"][1:]] == [
        {"type": "url", "url": "https://x.example/a.png"},
        {"type": "base64", "media_type": "image/png", "data": "YWJj"},
    ]


def test_documents_and_sound_go_where_a_wire_has_a_form_for_them() -> None:
    pdf, text = (
        Media("document", "application/pdf", b"%PDF", name="a.pdf"),
        Media("document", "text/plain", "ü".encode()),
    )
    sound = Media("audio", "audio/mpeg", b"abc")
    assert encode(CHAT, user(pdf))["messages"][0]["content"][0]["file"]["filename"] == "a.pdf"
    assert encode(CHAT, user(sound))["messages"][0]["content"][0]["input_audio"] == {"data": "YWJj", "format": "mp3"}
    assert encode(RESPONSES, user(pdf))["input"][0]["content"][0]["filename"] == "a.pdf"
    blocks = encode(MESSAGES, user(pdf, text))["messages"][0]["content"]
    assert blocks[0]["title"] == "a.pdf"
    assert blocks[1]["source"] == {"type": "text", "media_type": "text/plain", "data": "ü"}


@ALL
def test_a_part_without_a_form_is_refused_before_sending(wire: ChatWire) -> None:
    with pytest.raises(BadRequest, match="video"):
        encode(wire, user("look", Media("video", "video/mp4", b"abc")))


# Thinking and a vendor's own blocks


def test_thinking_goes_back_to_the_vendor_that_made_it_and_to_no_other() -> None:
    thoughts = (
        Thinking("a", "sig", "anthropic"),
        Thinking("", None, "anthropic", None, "sealed"),
        Thinking("b", None, "openai", "rs_1", "sealed too"),
        Thinking("c", None, "openai", "rs_1"),
        Thinking("d", None, "deepseek"),
        Thinking("e", None, "cohere"),
    )
    turn = Message("assistant", (*thoughts, Text("so")))
    assert encode(CHAT, turn)["messages"] == [{"role": "assistant", "content": "so"}]
    assert encode(MESSAGES, turn)["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "a", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "text", "text": "so"},
    ]
    summary = [{"type": "summary_text", "text": "b"}, {"type": "summary_text", "text": "c"}]
    assert encode(RESPONSES, turn)["input"] == [
        {"type": "reasoning", "summary": summary, "encrypted_content": "sealed too"},
        {"type": "message", "role": "assistant", "content": "so"},
    ]
    assert encode(of(deepseek), turn)["messages"][0] == {"role": "assistant", "content": "so", "reasoning_content": "d"}
    assert encode(COHERE, turn)["messages"][0]["content"][0] == {"type": "thinking", "thinking": "e"}


def test_each_gateway_takes_its_reasoning_back_in_its_own_field() -> None:
    details = [{"type": "reasoning.encrypted", "data": "x", "index": 0}]
    turn = Message("assistant", (Thinking("a", None, "openrouter", None, json.dumps(details)), Text("so")))
    assert encode(of(openrouter), turn)["messages"][0]["reasoning_details"] == details
    content = encode(of(mistral), Message("assistant", (Thinking("a", None, "mistral"), Text("so"))))["messages"][0][
        "content"
    ]
    assert content == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "a"}]},
        {"type": "text", "text": "so"},
    ]


def test_thinking_that_cannot_be_proved_stays_behind() -> None:
    unsigned, unsealed = Thinking("a", None, "anthropic"), Thinking("b", None, "openai", "rs_1")
    assert encode(MESSAGES, user("?"), Message("assistant", (unsigned, Text("so"))))["messages"][1]["content"] == [
        {"type": "text", "text": "so"}
    ]
    assert encode(RESPONSES, Message("assistant", (unsealed, Text("so"))))["input"] == [
        {"type": "message", "role": "assistant", "content": "so"}
    ]


def test_a_plan_before_calls_goes_back_as_a_plan() -> None:
    turn = Message("assistant", (Thinking("I will count.", TOOL_PLAN, "cohere"), ToolCall("count", {"n": 1}, "a")))
    written = encode(COHERE, turn)["messages"][0]
    assert written["tool_plan"] == "I will count."
    assert "content" not in written


def test_a_vendors_own_items_go_back_whole_to_it_alone() -> None:
    item = {"type": "web_search_call", "id": "ws", "status": "completed"}
    turn = Message("assistant", (ServerItem("openai", "web_search_call", item), Text("so")))
    assert encode(RESPONSES, turn)["input"][0] == item
    assert encode(MESSAGES, user("?"), turn)["messages"][1]["content"] == [{"type": "text", "text": "so"}]
    assert "web_search" not in json.dumps([encode(CHAT, turn), encode(COHERE, turn)])


# Tools and output


@ALL
def test_tools_are_offered_with_their_schema(wire: ChatWire) -> None:
    (told, bare) = encode(wire, tools=(COUNT, FLY))["tools"]
    function = told.get("function", told)
    assert (function["name"], function["description"]) == ("count", "Counts.")
    assert function.get("parameters", function.get("input_schema")) == SCHEMA
    assert "description" not in bare.get("function", bare)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ("auto", "auto", {"type": "auto"}, None)),
        ("none", ("none", "none", {"type": "none"}, "NONE")),
        ("required", ("required", "required", {"type": "any"}, "REQUIRED")),
        (
            "count",
            (
                {"type": "function", "function": {"name": "count"}},
                {"type": "function", "name": "count"},
                {"type": "tool", "name": "count"},
                "REQUIRED",
            ),
        ),
    ],
)
def test_a_tool_is_chosen_in_each_wires_words(choice: str, expected: tuple[Any, ...]) -> None:
    bodies = [encode(wire, tools=(COUNT, FLY), tool_choice=choice) for wire in MODELS]
    assert tuple(body.get("tool_choice") for body in bodies) == expected
    assert len(bodies[3]["tools"]) == (1 if choice == "count" else 2)


@ALL
def test_a_choice_of_a_tool_that_is_not_offered_is_refused(wire: ChatWire) -> None:
    with pytest.raises(BadRequest, match="names no tool") as refused:
        encode(wire, tools=(COUNT,), tool_choice="cuont")
    assert "count" in str(refused.value.cure)


def test_one_call_at_a_time_can_be_asked_for() -> None:
    assert encode(CHAT, tools=(COUNT,), parallel_tools=False)["parallel_tool_calls"] is False
    assert encode(RESPONSES, tools=(COUNT,), parallel_tools=False)["parallel_tool_calls"] is False
    assert encode(MESSAGES, tools=(COUNT,), parallel_tools=False)["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    encode(COHERE, tools=(COUNT,), parallel_tools=False, left={"parallel_tools": False})


def test_an_output_schema_is_asked_for_in_each_wires_native_form() -> None:
    output = OutputSpec("number", SCHEMA, "native")
    assert encode(CHAT, output=output)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "number", "schema": SCHEMA, "strict": True},
    }
    assert encode(RESPONSES, output=output)["text"]["format"] == {
        "type": "json_schema",
        "name": "number",
        "schema": SCHEMA,
        "strict": True,
    }
    assert encode(MESSAGES, output=output)["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert encode(COHERE, output=output)["response_format"] == {"type": "json_object", "json_schema": SCHEMA}
    assert encode(of(llamacpp), output=OutputSpec("number", SCHEMA, "grammar"))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "number", "schema": SCHEMA},
    }


@ALL
def test_an_output_tool_is_forced_and_says_what_it_is_for(wire: ChatWire) -> None:
    body = encode(wire, output=OutputSpec("number", SCHEMA, "tool", "A number."))
    (tool,) = body["tools"]
    assert tool.get("function", tool)["description"] == "A number."
    assert "number" in json.dumps(body["tool_choice"]) or body["tool_choice"] == "REQUIRED"


def test_beside_other_tools_any_call_is_forced() -> None:
    output = OutputSpec("number", SCHEMA, "tool")
    assert encode(CHAT, tools=(COUNT,), output=output)["tool_choice"] == "required"
    assert encode(MESSAGES, tools=(COUNT,), output=output)["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_tool_forced_by_name_stands_alone_where_the_server_reads_words_only(api: str) -> None:
    other = ToolSpec("other", "Another.", SCHEMA)
    body = encode(llamacpp.wires[api], tools=(COUNT, other), tool_choice="other")
    assert [t.get("function", t)["name"] for t in body["tools"]] == ["other"]
    assert body["tool_choice"] == "required"
    with pytest.raises(BadRequest, match="names no tool"):
        encode(llamacpp.wires[api], tools=(COUNT,), tool_choice="other")


def test_plain_json_is_asked_for_where_there_is_such_a_mode() -> None:
    output = OutputSpec("any", {}, "json")
    assert encode(CHAT, output=output)["response_format"] == {"type": "json_object"}
    assert encode(RESPONSES, output=output)["text"] == {"format": {"type": "json_object"}}
    assert encode(COHERE, output=output)["response_format"] == {"type": "json_object"}
    with pytest.raises(BadRequest, match="no mode for JSON"):
        encode(MESSAGES, output=output)


@ALL
def test_an_output_asked_for_in_words_adds_nothing(wire: ChatWire) -> None:
    assert encode(wire, output=OutputSpec("number", SCHEMA, "prompt")) == encode(wire)


# Options


def test_usage_is_asked_for_in_streams_where_it_has_to_be() -> None:
    assert encode(CHAT, stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in encode(of(mistral), stream=True)
    for wire in (RESPONSES, MESSAGES, COHERE):
        assert encode(wire, stream=True)["stream"] is True


@pytest.mark.parametrize(
    ("model", "field"),
    [("gpt-4o", "max_tokens"), ("o4-mini", "max_completion_tokens"), ("gpt-5-nano", "max_completion_tokens")],
)
def test_a_limit_has_the_name_that_the_models_family_takes(model: str, field: str) -> None:
    assert encode(CHAT, model=model, max_tokens=7)[field] == 7
    assert encode(RESPONSES, model=model, max_tokens=7)["max_output_tokens"] == 7


def test_no_limit_is_added_but_where_the_wire_needs_one() -> None:
    for wire in (CHAT, RESPONSES, COHERE):
        assert not [name for name in encode(wire) if "max" in name]
    assert encode(MESSAGES, model="claude-haiku-4-5")["max_tokens"] == 64_000
    assert encode(MESSAGES, model="claude-haiku-4-5", max_tokens=5)["max_tokens"] == 5
    with pytest.raises(BadRequest, match="max_tokens") as refused:
        encode(MESSAGES, model="someone-elses")
    assert "max_tokens=4096" in str(refused.value.cure)


def test_each_option_lands_in_its_field() -> None:
    sampling: dict[str, Any] = {"temperature": 0.0, "top_p": 0.5, "stop": ("a", "b")}
    body = encode(
        CHAT,
        **sampling,
        seed=1,
        n=2,
        logprobs=3,
        logit_bias={"5": -1.0},
        user="u",
        service_tier="flex",
        verbosity="low",
    )
    assert (body["temperature"], body["stop"], body["seed"], body["n"], body["logit_bias"]) == (
        0.0,
        ["a", "b"],
        1,
        2,
        {"5": -1.0},
    )
    assert (body["logprobs"], body["top_logprobs"], body["verbosity"]) == (True, 3, "low")
    body = encode(MESSAGES, **sampling, top_k=4, user="u", service_tier="auto")
    assert (body["temperature"], body["stop_sequences"], body["top_k"], body["metadata"]) == (
        0.0,
        ["a", "b"],
        4,
        {"user_id": "u"},
    )
    body = encode(COHERE, **sampling, top_k=4, seed=1, logprobs=0)
    assert (body["p"], body["k"], body["stop_sequences"], body["logprobs"]) == (0.5, 4, ["a", "b"], True)
    body = encode(RESPONSES, temperature=0.0, logprobs=2, verbosity="low")
    assert (body["top_logprobs"], body["include"], body["text"]) == (
        2,
        ["message.output_text.logprobs"],
        {"verbosity": "low"},
    )
    assert encode(of(together), logprobs=1, repeat_penalty=1.1) | {"logprobs": 1, "repetition_penalty": 1.1} == encode(
        of(together), logprobs=1, repeat_penalty=1.1
    )


def test_an_option_that_a_wire_cannot_honour_is_left_for_the_core_to_refuse() -> None:
    encode(CHAT, top_k=1, left={"top_k": 1})
    encode(RESPONSES, seed=1, stop="x", left={"seed": 1, "stop": "x"})
    encode(MESSAGES, seed=1, n=2, logprobs=1, left={"seed": 1, "n": 2, "logprobs": 1})
    encode(COHERE, n=2, logprobs=5, left={"n": 2, "logprobs": 5})
    encode(MESSAGES, model="claude-opus-5", temperature=0.5, left={"temperature": 0.5})


@ALL
def test_vendor_fields_are_sent_as_they_are_and_win(wire: ChatWire) -> None:
    body = encode(wire, extra={"model": "mine", "store": False})
    assert (body["model"], body["store"]) == ("mine", False)


def test_reasoning_is_asked_for_in_each_vendors_way() -> None:
    assert encode(CHAT, model="gpt-5", reasoning="low")["reasoning_effort"] == "low"
    body = encode(RESPONSES, model="gpt-5", reasoning="low")
    assert (body["reasoning"], body["include"]) == ({"effort": "low"}, ["reasoning.encrypted_content"])
    assert encode(MESSAGES, model="claude-haiku-4-5", reasoning="low")["thinking"] == {
        "type": "enabled",
        "budget_tokens": 2048,
    }
    body = encode(MESSAGES, model="claude-opus-5", reasoning="minimal")
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "low"})
    assert encode(MESSAGES, reasoning_tokens=3000)["thinking"] == {"type": "enabled", "budget_tokens": 3000}
    assert encode(MESSAGES, reasoning="none")["thinking"] == {"type": "disabled"}
    assert encode(COHERE, reasoning="high", reasoning_tokens=99)["thinking"] == {"type": "enabled", "token_budget": 99}
    assert encode(of(openrouter), reasoning="high", reasoning_tokens=99)["reasoning"] == {
        "effort": "high",
        "max_tokens": 99,
    }
    body = encode(of(deepseek), reasoning="none")
    assert body["thinking"] == {"type": "disabled"}
    assert "reasoning_effort" not in body


def test_effort_and_schema_share_anthropics_output_config() -> None:
    body = encode(MESSAGES, model="claude-opus-5", reasoning="high", output=OutputSpec("number", SCHEMA, "native"))
    assert body["output_config"] == {"effort": "high", "format": {"type": "json_schema", "schema": SCHEMA}}


def test_encoding_changes_nothing_in_the_request() -> None:
    request = ChatRequest(
        "gpt-4o", Messages((user("hi"),)), {"temperature": 1.0}, (COUNT,), OutputSpec("number", SCHEMA, "native")
    )
    before = repr(request)
    CHAT.encode(request, dict(request.options))["response_format"]["json_schema"]["schema"]["type"] = "changed"
    assert repr(request) == before

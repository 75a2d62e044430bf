"""What Gemini is asked, and what is known of its models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chainkit import errors as e, model
from chainkit.messages import Media, Message, Messages, Text, Thinking, ToolCall, ToolResult, message
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.google.models import profile
from chainkit_providers.google.parts import UNSIGNED
from chainkit_providers.google.request import encode

WIRE = Gemini()
NOW = ToolSpec("now", "The time.", {"type": "object", "properties": {}})
HI = Messages((message("user", "hi"),))


def asked(turns: Any = HI, model: str = "gemini-2.5-flash", **fields: Any) -> dict[str, Any]:
    """The body of a question; every option must have been taken."""
    options = dict(fields.pop("options", {}))
    body = encode(ChatRequest(model, Messages(turns), options, **fields), options)
    assert not options, options
    return body


def left(model: str = "gemini-2.5-flash", **options: Any) -> set[str]:
    """The options that a model cannot honour."""
    encode(ChatRequest(model, HI, dict(options)), options)
    return set(options)


def answer(*parts: Any, **fields: Any) -> dict[str, Any]:
    """A whole answer of these parts."""
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **fields}]}


# What is asked.


def test_a_system_turn_stands_beside_the_contents() -> None:
    body = asked((message("system", "be brief"), *HI))
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
    }


def test_common_options_are_generation_config() -> None:
    options = {"temperature": 0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "stop": "x", "seed": 1, "n": 2}
    more = {"frequency_penalty": 0.1, "presence_penalty": 0.2, "logprobs": 5, "service_tier": "flex"}
    body = asked(options=options | more)
    assert body["serviceTier"] == "flex"
    assert body["generationConfig"] == {
        "temperature": 0,
        "topP": 0.5,
        "topK": 3,
        "maxOutputTokens": 9,
        "stopSequences": ["x"],
        "seed": 1,
        "candidateCount": 2,
        "frequencyPenalty": 0.1,
        "presencePenalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 5,
    }


@pytest.mark.parametrize(
    ("model", "options", "thinking"),
    [
        ("gemini-2.5-flash", {"reasoning": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", {"reasoning": "none"}, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", {"reasoning_tokens": 999}, {"thinkingBudget": 999, "includeThoughts": True}),
        ("gemini-2.0-flash", {"reasoning": "none"}, None),
        ("gemini-3-flash-preview", {"reasoning": "minimal"}, {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3-pro-preview", {"reasoning": "minimal"}, {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3-pro-preview", {"reasoning": "medium"}, {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", {"reasoning": "medium"}, {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-3.5-flash-lite", {"reasoning_tokens": 99}, {"thinkingBudget": 99, "includeThoughts": True}),
        ("gemini-of-next-year", {"reasoning": "high"}, {"thinkingLevel": "high", "includeThoughts": True}),
    ],
)
def test_thinking_is_asked_for_as_the_model_takes_it(model: str, options: Any, thinking: Any) -> None:
    assert asked(model=model, options=options).get("generationConfig", {}).get("thinkingConfig") == thinking


def test_what_a_model_cannot_do_is_left_for_the_core_to_refuse() -> None:
    assert left("gemini-2.5-pro", reasoning="none") == {"reasoning"}
    assert left("gemini-3-pro-preview", reasoning="none") == {"reasoning"}
    assert left("gemini-2.0-flash", reasoning="high") == {"reasoning"}
    assert left(parallel_tools=False, prompt_cache="long", verbosity="low") == {
        "parallel_tools", "prompt_cache", "verbosity",
    }  # fmt: skip
    assert left(parallel_tools=True, prompt_cache="short") == set()


def test_a_level_and_a_number_of_tokens_for_thinking_contradict_each_other() -> None:
    with pytest.raises(e.BadRequest, match="not both"):
        left("gemini-3-flash-preview", reasoning="low", reasoning_tokens=10)


def test_tools_and_the_choice_among_them() -> None:
    body = asked(tools=(NOW,), options={"tool_choice": "now"})
    (told,) = body["tools"]
    assert told["functionDeclarations"] == [
        {"name": "now", "description": "The time.", "parametersJsonSchema": {"type": "object", "properties": {}}}
    ]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["now"]}}
    modes = {c: asked(tools=(NOW,), options={"tool_choice": c})["toolConfig"] for c in ("auto", "none", "required")}
    assert [m["functionCallingConfig"]["mode"] for m in modes.values()] == ["AUTO", "NONE", "ANY"]
    with pytest.raises(e.BadRequest, match="names no tool"):
        asked(tools=(NOW,), options={"tool_choice": "later"})


def test_a_schema_is_sent_as_json_schema_or_as_a_forced_tool() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    native = asked(output=OutputSpec("Count", schema, "native"))["generationConfig"]
    assert native == {"responseMimeType": "application/json", "responseJsonSchema": schema}
    forced = asked(output=OutputSpec("Count", schema, "tool", "counts"))
    assert forced["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["Count"]
    assert asked(output=OutputSpec("Count", schema, "json"))["generationConfig"] == {
        "responseMimeType": "application/json"
    }


def test_a_reference_back_is_optional_and_only_texts_and_numbers_are_listed() -> None:
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "next": {"items": {"$ref": "#/$defs/Other"}, "type": "array"}},
        "required": ["name", "next"],
    }
    other = {"type": "object", "properties": {"back": {"$ref": "#/$defs/Node"}, "leaf": {"$ref": "#/$defs/Leaf"}}}
    leaf = {"enum": [True], "type": "boolean"}
    schema = {
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/Node"}, "one": {"enum": ["a", 1]}},
        "required": ["root"],
        "$defs": {"Node": node, "Other": other | {"required": ["leaf"]}, "Leaf": leaf},
    }
    told = asked(output=OutputSpec("Node", schema, "native"))["generationConfig"]["responseJsonSchema"]
    assert told["required"] == ["root"]
    assert told["properties"]["one"] == {"enum": ["a", 1]}
    assert told["$defs"]["Node"]["required"] == ["name"]
    assert told["$defs"]["Other"]["required"] == ["leaf"]
    assert told["$defs"]["Leaf"] == {"type": "boolean"}
    assert node["required"] == ["name", "next"]


def test_an_older_model_is_not_asked_for_a_schema_beside_tools() -> None:
    output = OutputSpec("Count", {"type": "object"}, "native")
    with pytest.raises(e.BadRequest, match="in one request") as refused:
        asked(tools=(NOW,), output=output)
    assert refused.value.cure
    assert asked(model="gemini-3-flash-preview", tools=(NOW,), output=output)["generationConfig"]


def test_an_older_model_with_tools_is_asked_for_its_answer_in_words() -> None:
    def body(name: str) -> dict[str, Any]:
        return model(f"google:{name}", tools=[NOW], output=list[int]).render("count")[0].body

    assert "generationConfig" not in body("gemini-2.5-flash")
    assert "JSON" in json.dumps(body("gemini-2.5-flash")["contents"])
    assert body("gemini-3-flash-preview")["generationConfig"]["responseMimeType"] == "application/json"


def test_parts_are_bytes_or_a_url() -> None:
    parts = (
        Media("image", "image/png", b"abc"),
        Media("video", "video/mp4", url="https://x.example/v.mp4"),
        Media("video", "video/*", url="https://youtu.be/x"),
    )
    assert asked((Message("user", parts),))["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "YWJj"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.example/v.mp4"}},
        {"fileData": {"fileUri": "https://youtu.be/x"}},
    ]


def test_results_of_tools_share_one_content_and_bear_the_names_of_their_calls() -> None:
    calls = Message("assistant", (ToolCall("now", {}, "a"), ToolCall("later", {"n": 1}, "b")))
    results = (
        Message("tool", (ToolResult("b", "tomorrow"),)),
        Message("tool", (ToolResult("a", "no clock", failed=True),)),
    )
    _, _, told = asked((*HI, calls, *results))["contents"]
    assert told == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "b", "name": "later", "response": {"output": "tomorrow"}}},
            {"functionResponse": {"id": "a", "name": "now", "response": {"error": "no clock"}}},
        ],
    }


def test_an_empty_turn_of_the_model_is_left_out() -> None:
    assert len(asked((*HI, Message("assistant", (Text(""),)), *HI))["contents"]) == 2


# Signatures.


def test_signatures_go_back_to_the_parts_that_they_came_with() -> None:
    parts = [
        {"text": "let me think", "thought": True},
        {"text": "well", "thoughtSignature": "s0"},
        {"functionCall": {"id": "a", "name": "now", "args": {}}, "thoughtSignature": "s1"},
        {"functionCall": {"id": "b", "name": "now", "args": {"n": 1}}},
        {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s2"},
        {"inlineData": {"mimeType": "image/png", "data": "YWJj"}},
        {"text": "", "thoughtSignature": "s3"},
    ]
    reply = WIRE.decode(answer(*parts))
    assert asked((*HI, reply.message), model="gemini-3-pro-preview")["contents"][1] == {"role": "model", "parts": parts}
    assert reply.thinking == "let me think"


def test_a_call_of_another_vendor_is_marked_where_the_model_wants_signatures() -> None:
    calls = Message("assistant", (Thinking("hm", "sig", "other"), ToolCall("now", {}, "a"), ToolCall("now", {}, "b")))
    request = ChatRequest("gemini-3-pro-preview", Messages((*HI, calls)))
    first, second = encode(request, {})["contents"][1]["parts"]
    assert first["thoughtSignature"] == UNSIGNED
    assert "thoughtSignature" not in second
    assert "thinking of other" in request.warnings[0]
    assert "thoughtSignature" not in asked((*HI, calls))["contents"][1]["parts"][0]


# The row.


def test_the_variable_that_sends_googles_own_client_to_vertex_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    assert "generativelanguage" in model("google:m", api_key="k" * 20).render("hi")[0].url
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    assert "/projects/p/" in model("google:m").render("hi")[0].url


def test_a_client_that_it_does_not_know_is_refused_with_a_cure() -> None:
    for given in ({"client": object()}, {"carrier": "sdk"}):
        with pytest.raises(e.CompositionError, match="plain HTTP") as refused:
            model("google:m", api_key="k" * 20, **given).invoke("hi")
        assert refused.value.cure


# What is known of the models.


def test_profiles_say_what_a_model_can_do() -> None:
    pro = profile("gemini-2.5-pro")
    assert (pro.context, pro.max_output, pro.reasoning, pro.kinds) == (1_048_576, 65_536, True, {"chat"})
    assert pro.prices is not None
    assert profile("gemini-embedding-001").most == 100
    assert profile("gemini-embedding-001", "vertex").most == 1
    assert profile("imagen-4.0-generate-001").kinds == {"image"}
    assert profile("gemini-2.5-flash-preview-tts").kinds == {"speak"}
    assert "reasoning" not in (profile("gemini-2.0-flash").options or ())
    assert profile("tunedModels/mine").context is None

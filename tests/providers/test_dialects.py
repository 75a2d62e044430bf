"""What each quirk of a row makes of a request and of an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chainkit import model
from chainkit.errors import BadRequest
from chainkit.messages import Media, Message, Messages, Text, Thinking, ToolCall, ToolResult
from chainkit.models.pieces import TextPiece, ThinkingPiece
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit.usage import Usage, exact
from chainkit_providers import gateways
from chainkit_providers.openai import CHAT, RESPONSES
from chainkit_providers.openai.call_ids import told_apart
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.cost import Told, told
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.models import cache, unfit
from chainkit_providers.openai.think_tags import parted

if TYPE_CHECKING:
    from chainkit_providers.gateways import Gateway

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
FLY = ToolSpec("fly", "", SCHEMA)
IMAGE, FAR = Media("image", "image/png", b"abc"), Media("image", "image/png", url="https://x.example/a.png")
VIDEO = Media("video", "video/mp4", url="https://x.example/a.mp4")


def body(row: Gateway, *parts: Any, api: str = "chat", name: str = "m", left: Any = None, **asked: Any) -> Any:
    """What a row sends; every option must have been taken, but for those in `left`."""
    turns = Messages((Message("user", tuple(Text(p) if isinstance(p, str) else p for p in parts or ("hi",))),))
    named = {n: asked.pop(n) for n in ("tools", "output", "stream", "messages") if n in asked}
    turns = named.pop("messages", turns)
    wire: Any = row.wires[api]
    options = dict(asked)
    found = wire.encode(ChatRequest(name, turns, asked, **named), options)
    assert options == (left or {})
    return found


def said(row: Gateway, **message: Any) -> Any:
    """What a row reads in an answer with that message."""
    wire: Any = row.wires["chat"]
    return wire.decode({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def back(row: Gateway, *parts: Any) -> Any:
    """How an assistant's turn goes back."""
    return body(row, messages=Messages((Message("assistant", parts),)))["messages"][0]


# Thinking


@pytest.mark.parametrize(
    ("row", "off"),
    [
        (gateways.zai, {"thinking": {"type": "disabled"}}),
        (gateways.moonshot, {"thinking": {"type": "disabled"}}),
        (gateways.dashscope, {"enable_thinking": False}),
        (gateways.siliconflow, {"enable_thinking": False}),
        (gateways.sglang, {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}),
        (gateways.cerebras, {"reasoning_effort": "none"}),
        (gateways.openrouter, {"reasoning": {"effort": "none"}}),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_thinking_is_turned_off_in_each_vendors_way(row: Gateway, off: dict[str, Any]) -> None:
    assert body(row, reasoning="none").items() >= off.items()


def test_a_level_of_thinking_is_refused_where_there_is_only_a_switch_and_a_budget() -> None:
    body(gateways.dashscope, reasoning="low", left={"reasoning": "low"})
    assert body(gateways.dashscope, reasoning_tokens=99)["thinking_budget"] == 99
    assert body(gateways.zai, reasoning="low")["reasoning_effort"] == "low"


def test_thinking_goes_back_in_the_field_that_its_vendor_reads() -> None:
    for row, field in (
        (gateways.deepseek, "reasoning_content"),
        (gateways.moonshot, "reasoning_content"),
        (gateways.groq, "reasoning"),
        (gateways.together, "reasoning"),
        (gateways.cerebras, "reasoning"),
    ):
        thought = said(row, **{field: "hm", "content": "so"}).parts
        assert back(row, *thought) == {"role": "assistant", "content": "so", field: "hm"}
    assert "reasoning" not in back(gateways.nvidia, Thinking("hm", None, "nvidia"), Text("so"))


def test_reasoning_details_and_signed_items_go_back_whole() -> None:
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]
    for row in (gateways.openrouter, gateways.snowflake, gateways.minimax, gateways.vercel):
        reply = said(row, content="so", reasoning_details=details)
        assert reply.thinking == "hm"
        assert back(row, *reply.parts)["reasoning_details"] == details
    signed = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm", "signature": "s"}]}
    reply = said(gateways.databricks, content=[signed, {"type": "text", "text": "so"}])
    assert (reply.thinking, reply.text) == ("hm", "so")
    assert back(gateways.databricks, *reply.parts)["content"] == [signed, {"type": "text", "text": "so"}]


def test_thinking_in_details_alone_is_streamed_as_thinking() -> None:
    wire: Any = gateways.snowflake.wires["chat"]
    fold = wire.fold(ChatRequest("m", Messages()))
    for text in ("h", "m"):
        detail = {"type": "reasoning.text", "text": text, "index": 0}
        event = {"choices": [{"index": 0, "delta": {"content": "", "reasoning_details": [detail]}}]}
        assert [p.text for p in fold.feed("", json.dumps(event).encode())] == [text]
    fold.feed("", b'{"choices": [{"index": 0, "delta": {"content": "so"}, "finish_reason": "stop"}]}')
    reply = fold.finish()
    assert (reply.thinking, reply.text) == ("hm", "so")
    assert json.loads(reply.parts[0].data) == [{"type": "reasoning.text", "text": "hm", "index": 0}]


def test_what_another_vendor_thought_is_left_out_and_the_reply_says_so() -> None:
    turn = Message("assistant", (Thinking("hm", "sig", "anthropic"), Text("so")))
    for row, api in ((gateways.groq, "chat"), (gateways.xai, "responses")):
        wire: Any = row.wires[api]
        request = ChatRequest("m", Messages((turn,)))
        assert "hm" not in json.dumps(wire.encode(request, {}))
        assert request.warnings == [f"{row.name} cannot read the thinking of anthropic; it was left out"]


def test_what_a_text_was_marked_as_goes_back_to_those_who_marked_it() -> None:
    said = [{"type": "output_text", "text": "I look."}]
    item = {"type": "message", "role": "assistant", "phase": "commentary", "content": said}
    reply = RESPONSES.decode({"status": "completed", "output": [item]})
    turns = Messages((Message("assistant", reply.parts),))
    (sent,) = RESPONSES.encode(ChatRequest("gpt-5.5", turns), {})["input"]
    assert sent == {"type": "message", "role": "assistant", "content": "I look.", "phase": "commentary"}
    assert "phase" not in body(gateways.xai, api="responses", messages=turns)["input"][0]
    assert reply.parts == (Text("I look."),)


TAGGED = [
    ("<think>hm</think>so", "hm", "so"),
    ("\n <think>\nhm < </thin hm</think>\n\nso", "\nhm < </thin hm", "so"),
    ("<think>hm", "hm", ""),
    ("<think></think>so", "", "so"),
    ("<think>hm</thi", "hm</thi", ""),
    ("<th", "", "<th"),
    ("  so <think>hm</think>", "", "  so <think>hm</think>"),
    ("a < b", "", "a < b"),
    ("", "", ""),
]


@pytest.mark.parametrize(("content", "thinking", "text"), TAGGED)
def test_thinking_between_tags_is_parted_from_the_text_streamed_as_whole(
    content: str, thinking: str, text: str
) -> None:
    assert parted(content) == (thinking, text)
    for size in range(1, 9):
        wire: Any = gateways.groq.wires["chat"]
        fold, shown = wire.fold(ChatRequest("m", Messages())), []
        for at in range(0, len(content), size):
            choice = {"index": 0, "delta": {"content": content[at : at + size]}}
            shown += fold.feed("", json.dumps({"choices": [choice]}).encode())
        shown += fold.feed("", b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}')
        streamed, whole = fold.finish(), said(gateways.groq, content=content)
        assert (streamed.thinking or "", streamed.text) == (thinking, text)
        assert (whole.thinking or "", whole.text) == (thinking, text)
        assert "".join(p.text for p in shown if isinstance(p, TextPiece)) == text
        assert "".join(p.text for p in shown if isinstance(p, ThinkingPiece)) == thinking


def test_tags_are_text_where_a_server_parts_thinking_itself_or_a_row_knows_none() -> None:
    assert said(gateways.groq, content="<think>a</think>b", reasoning="hm").text == "<think>a</think>b"
    assert said(gateways.xai, content="<think>a</think>b").text == "<think>a</think>b"
    wire: Any = gateways.groq.wires["chat"]
    fold = wire.fold(ChatRequest("m", Messages()))
    for delta in ({"reasoning": "hm"}, {"content": "<think>"}, {"content": "b"}):
        fold.feed("", json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode())
    fold.feed("", b"[DONE]")
    assert (fold.finish().thinking, fold.finish().text) == ("hm", "<think>b")


# Parts


def test_a_kind_of_part_that_a_vendor_does_not_read_is_refused_with_those_it_does() -> None:
    with pytest.raises(BadRequest, match="deepseek takes no image") as refused:
        body(gateways.deepseek, IMAGE)
    assert "text only" in str(refused.value.cure)
    with pytest.raises(BadRequest, match="document"):
        body(gateways.groq, Media("document", "application/pdf", b"%PDF"))
    with pytest.raises(BadRequest, match="URL") as refused:
        body(gateways.moonshot, FAR)
    assert "bytes" in str(refused.value.cure)


def test_films_go_where_they_are_watched() -> None:
    part = {"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}}
    for row in (gateways.dashscope, gateways.zai, gateways.vllm, gateways.openrouter):
        assert body(row, VIDEO)["messages"][0]["content"] == [part]


def test_mistral_has_its_own_form_for_sound_and_documents() -> None:
    sound, paper = Media("audio", "audio/mpeg", b"abc"), Media("document", "application/pdf", b"%PDF", name="a.pdf")
    sent = body(gateways.mistral, sound, paper, FAR)["messages"][0]["content"]
    assert sent[0] == {"type": "input_audio", "input_audio": "YWJj"}
    assert sent[1]["document_url"].startswith("data:application/pdf;base64,")
    assert sent[1]["document_name"] == "a.pdf"
    assert sent[2]["image_url"] == {"url": "https://x.example/a.png"}


# Tools and fields


def test_a_choice_of_tools_that_a_vendor_does_not_know_is_left_for_the_core_to_refuse() -> None:
    for choice in ("required", "fly"):
        body(gateways.zai, tools=(FLY,), tool_choice=choice, left={"tool_choice": choice})
    assert body(gateways.zai, tools=(FLY,), tool_choice="auto")["tool_choice"] == "auto"
    with pytest.raises(BadRequest, match="'tool_choice'"):
        model("moonshot:kimi-k3", tools=[FLY], tool_choice="required", api_key="k").render("hi")


def test_an_output_tool_is_called_for_as_strictly_as_a_vendor_can() -> None:
    output = OutputSpec("number", SCHEMA, "tool")
    assert body(gateways.alephalpha, tools=(FLY,), output=output)["tool_choice"] == "required"
    assert "tool_choice" not in body(gateways.writer, output=output)
    assert body(gateways.dashscope, output=output)["tool_choice"]["function"]["name"] == "number"
    assert body(gateways.zai, output=output)["tool_choice"] == "auto"


def test_what_asks_for_no_more_than_is_done_anyway_goes_without_saying() -> None:
    assert "n" not in body(gateways.groq, n=1)
    body(gateways.groq, n=2, left={"n": 2})
    assert "tool_choice" not in body(gateways.novita, tools=(FLY,), tool_choice="auto")
    body(gateways.novita, tools=(FLY,), tool_choice="none", left={"tool_choice": "none"})


def test_tools_are_refused_by_those_who_know_none() -> None:
    for row in (gateways.perplexity, gateways.llamafile):
        with pytest.raises(BadRequest, match=f"{row.name} takes no tools"):
            body(row, tools=(FLY,))


def test_fields_that_always_go_along_can_be_overruled() -> None:
    assert body(gateways.minimax)["reasoning_split"] is True
    assert body(gateways.minimax, extra={"reasoning_split": False})["reasoning_split"] is False


def test_an_option_has_the_name_that_its_vendor_gave_it() -> None:
    assert body(gateways.cerebras, max_tokens=5)["max_completion_tokens"] == 5
    assert body(gateways.zai, user="u")["user_id"] == "u"
    assert body(gateways.moonshot, prompt_cache_key="k")["prompt_cache_key"] == "k"
    assert body(gateways.xai, api="responses", prompt_cache_key="k")["prompt_cache_key"] == "k"
    body(gateways.groq, api="responses", verbosity="low", left={"verbosity": "low"})


def test_calls_are_told_apart_where_a_server_counts_anew_in_each_answer_or_gives_no_ids() -> None:
    turns: list[Message] = []
    for ids in (("call_0", "call_1"), ("call_0",), (None, None)):
        turns.append(Message("assistant", tuple(ToolCall("fly", {}, i) for i in ids)))
        turns.append(Message("tool", tuple(ToolResult(i, "done") for i in ids)))
    sent = body(gateways.bedrock_mantle, api="responses", messages=Messages(turns))["input"]
    calls = [i["call_id"] for i in sent if i["type"] == "function_call"]
    assert calls == ["call_0", "call_1", "call_0_1", "call_2", "call_3"]
    assert [i["call_id"] for i in sent if i["type"] == "function_call_output"] == calls
    chatted = body(gateways.groq, messages=Messages(turns))["messages"]
    assert [m["tool_call_id"] for m in chatted if m["role"] == "tool"] == calls


def test_calls_that_have_ids_of_their_own_keep_them() -> None:
    turns = Messages((Message("assistant", (ToolCall("fly", {}, "a"),)), Message("tool", (ToolResult("z", "lost"),))))
    assert told_apart(turns) is turns
    lost = Messages((Message("assistant", (ToolCall("fly", {}),)), Message("tool", (ToolResult("z", "lost"),))))
    assert [p.id for t in told_apart(lost) for p in t.parts] == ["call_1", "z"]


# What a model refuses, and what it keeps


@pytest.mark.parametrize(
    ("name", "options", "refused"),
    [
        ("gpt-5-mini", {"temperature": 0.5, "seed": 1}, {"temperature"}),
        ("gpt-5-mini", {"temperature": 1}, set()),
        ("o4-mini", {"stop": "x", "logit_bias": {}}, {"stop", "logit_bias"}),
        ("o3-mini", {"stop": "x"}, set()),
        ("gpt-5.2", {"temperature": 0.5}, set()),
        ("gpt-5.2", {"temperature": 0.5, "reasoning": "none"}, set()),
        ("gpt-5.2", {"temperature": 0.5, "reasoning": "low"}, {"temperature"}),
        ("gpt-5-chat-latest", {"temperature": 0.5}, set()),
        ("gpt-4o", {"temperature": 0.5, "reasoning": "low"}, set()),
    ],
)
def test_a_reasoning_model_refuses_what_it_cannot_be_told(name: str, options: Any, refused: set[str]) -> None:
    assert {n for n in unfit(name, options) if n in options} == refused


def test_what_a_model_refuses_raises_before_anything_is_sent() -> None:
    for api in ("chat", "responses"):
        with pytest.raises(BadRequest, match="'temperature'"):
            model("openai:gpt-5-mini", api=api, temperature=0, api_key="k").render("hi")  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="'stop'"):
        model("xai:grok-4", api="chat", stop="x", api_key="k").render("hi")
    assert model("xai:grok-3", api="chat", stop="x", api_key="k").render("hi")[0].body["stop"] == "x"


@pytest.mark.parametrize(
    ("name", "wish", "api", "fields"),
    [
        ("gpt-5.6-sol", "short", "responses", {"prompt_cache_options": {"ttl": "30m"}}),
        ("gpt-5.6-sol", "long", "responses", {"prompt_cache_options": {"ttl": "12h"}}),
        ("gpt-5.6-sol", "long", "chat", None),
        ("gpt-5.1", "short", "chat", {"prompt_cache_retention": "in_memory"}),
        ("gpt-5.1", "long", "chat", {"prompt_cache_retention": "24h"}),
        ("gpt-5.5", "short", "chat", {}),
        ("gpt-5.5", "long", "chat", {"prompt_cache_retention": "24h"}),
        ("gpt-4o", "short", "chat", {}),
        ("gpt-4o", "long", "chat", None),
    ],
)
def test_a_prompt_is_kept_as_each_family_of_models_has_it(name: str, wish: str, api: str, fields: Any) -> None:
    assert cache(name, wish, api) == fields


def test_a_prompt_is_kept_by_openrouter_for_claude_and_refused_for_others() -> None:
    marked = body(gateways.openrouter, name="anthropic/claude-sonnet-5", prompt_cache="long")
    assert marked["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    body(gateways.openrouter, name="openai/gpt-5", prompt_cache="short", left={"prompt_cache": "short"})
    with pytest.raises(BadRequest, match="'prompt_cache'"):
        model("groq:m", prompt_cache="short", api_key="k").render("hi")


# What an answer tells


@pytest.mark.parametrize(
    ("field", "usage", "usd"),
    [
        ("cost", {"cost": 0.25}, 0.25),
        ("cost", {"cost": 0.0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
        ("cost", {"cost": 0.1, "cost_details": {"upstream_inference_cost": 0.1}}, 0.1),
        ("cost.total_cost", {"cost": {"total_cost": 0.006, "request_cost": 0.005}}, 0.006),
        ("cost_in_usd_ticks", {"cost_in_usd_ticks": 200_000_000}, 0.02),
        ("estimated_cost", {"estimated_cost": 0.001}, 0.001),
        ("cost", {"prompt_tokens": 1}, None),
        ("cost", {"cost": None}, None),
        ("cost", {"cost": True}, None),
        ("cost", {"cost": "0.1"}, None),
        (None, {"cost": 0.25}, None),
    ],
)
def test_a_cost_is_read_where_the_row_says_that_it_stands(field: Any, usage: Any, usd: float | None) -> None:
    assert told(usage, Dialect("x", cost=field)) == (None if usd is None else Told(usd))


def test_a_told_cost_goes_before_the_price_list() -> None:
    wire: Any = gateways.openrouter.wires["chat"]
    answer = {"choices": [{"message": {"content": "so"}}], "usage": {"prompt_tokens": 1, "cost": 0.5}}
    assert wire.decode(answer).cost == exact(0.5)


@pytest.mark.parametrize(
    ("told_usage", "read"),
    [
        (
            {"prompt_tokens": 5, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 3, "total_tokens": 20,
             "completion_tokens": 2},
            Usage(input=18, output=2, cached=10, cache_write=3),
        ),
        (
            {"prompt_tokens": 18, "cache_read_input_tokens": 10, "total_tokens": 20, "completion_tokens": 2},
            Usage(input=18, output=2, cached=10),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 2}},
            Usage(input=9, output=1, cached=4, audio_input=2),
        ),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 8}, Usage(input=9, cached=8)),
        ({"prompt_tokens": 9, "num_cached_tokens": 8}, Usage(input=9, cached=8)),
    ],
)  # fmt: skip
def test_cached_tokens_are_found_where_vendors_keep_them_and_count_as_read(told_usage: Any, read: Usage) -> None:
    wire = ChatCompletions(Dialect("x"))
    assert wire.decode({"choices": [{"message": {"content": "so"}}], "usage": told_usage}).usage == read


def test_pictures_that_a_model_made_are_kept() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}}
    (item,) = said(gateways.openrouter, content="", images=[picture]).parts
    assert (item.type, item.data) == ("image_url", picture)


def test_a_spoken_answer_has_its_transcript_for_text_and_goes_back_by_its_id() -> None:
    wire: Any = CHAT
    spoken = {"id": "audio_1", "data": "YWJj", "transcript": "Moin.", "expires_at": 9}
    whole = wire.decode({"choices": [{"message": {"content": None, "audio": spoken}, "finish_reason": "stop"}]})
    fold, shown = wire.fold(ChatRequest("m", Messages())), []
    for piece in (
        {"id": "audio_1", "transcript": "Mo"},
        {"data": "YW"},
        {"transcript": "in.", "data": "Jj"},
        {"expires_at": 9},
    ):
        shown += fold.feed("", json.dumps({"choices": [{"index": 0, "delta": {"audio": piece}}]}).encode())
    fold.feed("", b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}')
    streamed = fold.finish()
    assert [p.text for p in shown] == ["Mo", "in."]
    assert streamed.parts == whole.parts
    assert (whole.text, whole.parts[-1].data["data"]) == ("Moin.", "YWJj")
    turns = Messages((Message("assistant", whole.parts),))
    sent = wire.encode(ChatRequest("gpt-audio", turns), {})["messages"][0]
    assert sent == {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("sensitive", "content_filter"),
        ("insufficient_system_resource", "error"),
        ("model_context_window_exceeded", "length"),
    ],
)
def test_the_vendors_own_words_for_an_end_are_known(word: str, reason: str) -> None:
    wire = ChatCompletions(Dialect("x"))
    reply = wire.decode({"choices": [{"message": {"content": "so"}, "finish_reason": word}]})
    assert (reply.finish_reason, reply.finish_word) == (reason, word)


def test_calls_keep_their_reasoning_beside_them() -> None:
    call = ToolCall("fly", {}, "a")
    sent = back(gateways.deepseek, Thinking("hm", None, "deepseek"), call)
    assert (sent["reasoning_content"], sent["content"]) == ("hm", None)
    assert sent["tool_calls"][0]["function"]["name"] == "fly"

"""The odd ways in which vendors and gateways answer, and what each wire makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chainkit.errors import ServerError, StreamBroken
from chainkit.messages import Messages, ServerItem, Text, Thinking
from chainkit.models.request import ChatRequest, ToolSpec
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.provider import ChatWire
    from chainkit.models.reply import Reply

CHAT, RESPONSES = ChatCompletions(Dialect("vendor")), Responses(Dialect("vendor"))
MESSAGES, COHERE = MessagesWire(), ChatV2()
REQUEST = ChatRequest("m", Messages())


def answer(message: Any, finish: str | None = "stop", **more: Any) -> Reply:
    """An unstreamed Chat Completions answer, read."""
    return CHAT.decode(
        {"id": "1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}
    )


def stream(wire: ChatWire, *events: Any) -> Reply:
    """A stream of events, read."""
    fold = wire.fold(REQUEST)
    for event in events:
        fold.feed("", event if isinstance(event, bytes) else json.dumps(event).encode())
    return fold.finish()


def deltas(*told: Any) -> list[Any]:
    """Chat Completions chunks that end well."""
    chunks = [{"choices": [{"index": 0, "delta": d}]} for d in told]
    return [*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]


# Chat Completions


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("error", "error"),
        ("", "unknown"),
        (None, "unknown"),
        ("something_new", "unknown"),
    ],
)
def test_finish_words_become_ours_and_the_vendors_is_kept(word: str | None, reason: str) -> None:
    reply = answer({"content": "x"}, word)
    assert (reply.finish_reason, reply.finish_word) == (reason, word)


def test_an_answer_that_calls_tools_finished_for_tool_calls_whatever_its_vendor_says() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    assert answer({"tool_calls": [call]}, "stop").finish_reason == "tool_calls"
    assert answer({"tool_calls": [call]}, None).finish_reason == "tool_calls"
    assert answer({"tool_calls": [call]}, "length").finish_reason == "length"


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cached_tokens": 5}},
        {"prompt_cache_hit_tokens": 5},
        {"num_cached_tokens": 5},
        {"cached_tokens": 5},
    ],
)
def test_cached_tokens_are_found_in_every_place_where_vendors_put_them(usage: Any) -> None:
    assert answer({"content": "x"}, usage={"prompt_tokens": 9, "completion_tokens": 1, **usage}).usage.cached == 5


def test_usage_beside_the_choices_of_a_stream_is_read() -> None:
    last = {"choices": [], "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}}
    usage = stream(CHAT, *deltas({"content": "x"}), last).usage
    assert (usage.input, usage.output) == (3, 4)


def test_a_stream_without_usage_has_none_and_not_zero() -> None:
    usage = stream(CHAT, *deltas({"content": "x"})).usage
    assert (usage.input, usage.output, usage.total) == (None, None, None)


@pytest.mark.parametrize("arguments", ["", "  ", None, "null", "{}"])
def test_a_call_without_arguments_has_none(arguments: Any) -> None:
    (call,) = answer({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": arguments}}]}).tool_calls
    assert (call.arguments, call.raw) == ({}, None)


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "hello", '"text"'])
def test_arguments_that_are_no_object_are_kept_as_they_came(arguments: str) -> None:
    (call,) = answer({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": arguments}}]}).tool_calls
    assert (call.arguments, call.raw) == ({}, arguments)


def test_arguments_that_come_as_an_object_are_taken_as_it() -> None:
    told = {"id": "a", "function": {"name": "f", "arguments": {"a": 1}}}
    assert answer({"tool_calls": [told]}).tool_calls[0].arguments == {"a": 1}
    assert stream(CHAT, *deltas({"tool_calls": [{"index": 0, **told}]})).tool_calls[0].arguments == {"a": 1}


def test_two_calls_under_one_index_are_two_when_their_ids_differ() -> None:
    told = [{"index": 0, "id": i, "function": {"name": "f", "arguments": "{}"}} for i in ("a", "b")]
    assert [c.id for c in stream(CHAT, *deltas({"tool_calls": told})).tool_calls] == ["a", "b"]


def test_an_id_that_is_told_again_with_every_piece_makes_one_call() -> None:
    told = [
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": n, "arguments": t}}]}
        for n, t in (("f", '{"x"'), ("", ":1}"))
    ]
    (call,) = stream(CHAT, *deltas(*told)).tool_calls
    assert (call.name, call.arguments, call.id) == ("f", {"x": 1}, "a")


def test_the_forerunner_of_tool_calls_is_read_and_an_empty_one_is_not() -> None:
    told = {"function_call": {"name": "f", "arguments": '{"a": 1}'}}
    assert [c.name for c in answer(told, "function_call").tool_calls] == ["f"]
    assert [c.arguments for c in stream(CHAT, *deltas(told)).tool_calls] == [{"a": 1}]
    assert answer({"content": "x", "function_call": {"name": "", "arguments": ""}}).tool_calls == ()


def test_content_may_be_a_list_of_thoughts_and_texts() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "so"}]
    for reply in (
        answer({"content": content}),
        stream(CHAT, *deltas({"content": content[:1]}, {"content": content[1:]})),
    ):
        assert (reply.thinking, reply.text) == ("hm", "so")
        assert [type(p) for p in reply.parts] == [Thinking, Text]


def test_content_may_be_the_very_object_that_was_asked_for() -> None:
    assert answer({"content": {"name": "Ü", "age": 3}}).text == '{"name":"Ü","age":3}'


def test_reasoning_is_read_under_both_its_names() -> None:
    assert answer({"reasoning_content": "a", "content": "x"}).thinking == "a"
    assert answer({"reasoning": "b", "content": "x"}).thinking == "b"
    assert stream(CHAT, *deltas({"reasoning": "b"}, {"content": "x"})).thinking == "b"
    assert answer({"reasoning": None, "content": "x"}).thinking is None


def test_reasoning_details_grow_in_a_stream_to_what_can_go_back() -> None:
    pieces = [
        {"type": "reasoning.text", "index": 0, "text": "a ", "format": "f"},
        {"type": "reasoning.text", "index": 0, "text": "b", "signature": "s"},
        {"type": "reasoning.encrypted", "index": 0, "data": "x"},
    ]
    reply = stream(CHAT, *deltas(*({"reasoning": p.get("text"), "reasoning_details": [p]} for p in pieces)))
    assert reply.thinking == "a b"
    (part,) = reply.parts
    assert isinstance(part, Thinking)
    assert json.loads(part.data or "") == [
        {"type": "reasoning.text", "index": 0, "text": "a b", "format": "f", "signature": "s"},
        {"type": "reasoning.encrypted", "index": 0, "data": "x"},
    ]


def test_sources_are_read_from_notes_and_from_lists_beside_the_answer() -> None:
    note = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 2}}
    (cited,) = answer({"content": "so it is", "annotations": [note]}).citations
    assert (cited.text, cited.source, cited.start, cited.end, cited.title) == ("so", "u", 0, 2, "t")
    assert [c.source for c in answer({"content": "x"}, citations=["u", "v"]).citations] == ["u", "v"]
    listed = answer({"content": "x"}, citations=["u"], search_results=[{"url": "u", "title": "t"}]).citations
    assert [(c.source, c.title) for c in listed] == [("u", "t")]


def test_tools_that_a_gateway_ran_itself_are_its_own_items() -> None:
    pieces = [{"index": 0, "type": "search", "arguments": "{}"}, {"index": 0, "type": "search", "output": "found"}]
    whole = answer({"content": "x", "executed_tools": [pieces[0] | pieces[1]]})
    streamed = stream(CHAT, *deltas({"executed_tools": pieces[:1]}, {"executed_tools": pieces[1:]}, {"content": "x"}))
    for reply in (whole, streamed):
        (item,) = (p for p in reply.parts if isinstance(p, ServerItem))
        assert (item.type, item.data["output"]) == ("search", "found")


def test_a_stream_may_begin_without_choices_and_end_without_its_mark() -> None:
    head = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    reply = stream(
        CHAT, head, {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "x"}}]}, *deltas()
    )
    assert (reply.text, reply.id, reply.model) == ("x", "1", "m")


def test_a_stream_may_end_with_its_mark_and_no_finish_word() -> None:
    reply = stream(CHAT, {"choices": [{"index": 0, "delta": {"content": "x"}}]}, b"[DONE]")
    assert (reply.text, reply.finish_reason, reply.finish_word) == ("x", "unknown", None)


def test_half_a_character_in_a_piece_does_not_break_the_stream() -> None:
    halves = [
        b'{"choices":[{"index":0,"delta":{"content":"\\ud83e"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"\\ude81"}}]}',
    ]
    assert len(stream(CHAT, *halves, *deltas()).text) == 2


# Responses


def test_an_item_that_never_came_whole_is_made_of_its_pieces() -> None:
    reply = stream(
        RESPONSES,
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "reasoning", "id": "rs", "summary": []},
        },
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "hm"},
        {"type": "response.output_text.delta", "output_index": 1, "delta": "so"},
        {
            "type": "response.output_item.added",
            "output_index": 2,
            "item": {"type": "function_call", "call_id": "c", "name": "f"},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"a":1}'},
        {"type": "response.completed", "response": {"status": "completed", "output": []}},
    )
    assert (reply.thinking, reply.text, reply.tool_calls[0].arguments) == ("hm", "so", {"a": 1})


def test_the_last_event_alone_is_enough() -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}]
    assert (
        stream(RESPONSES, {"type": "response.completed", "response": {"status": "completed", "output": output}}).text
        == "x"
    )


def test_citations_are_placed_in_the_text_of_all_messages() -> None:
    note = {"type": "url_citation", "url": "u", "start_index": 1, "end_index": 3}
    texts = [{"type": "output_text", "text": "abc"}, {"type": "output_text", "text": "defg", "annotations": [note]}]
    reply = RESPONSES.decode({"status": "completed", "output": [{"type": "message", "content": texts}]})
    (cited,) = reply.citations
    assert (cited.text, cited.start, cited.end) == ("ef", 4, 6)
    assert reply.text[4:6] == "ef"


def test_a_custom_tools_input_is_kept_as_it_came() -> None:
    item = {"type": "custom_tool_call", "call_id": "c", "name": "calc", "input": "4 + 4"}
    (call,) = RESPONSES.decode({"status": "completed", "output": [item]}).tool_calls
    assert (call.name, call.raw, call.id) == ("calc", "4 + 4", "c")


def test_reasoning_shown_as_it_is_goes_back_as_it_is() -> None:
    item = {"type": "reasoning", "id": "r", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    reply = RESPONSES.decode({"status": "completed", "output": [item]})
    assert reply.thinking == "hm"
    assert RESPONSES.encode(ChatRequest("m", Messages((reply.message,))), {})["input"] == [item]


def test_tools_are_not_rewritten_into_the_vendors_strict_dialect() -> None:
    tool = ToolSpec("f", "", {"type": "object"})
    assert RESPONSES.encode(ChatRequest("m", Messages(), tools=(tool,)), {})["tools"][0]["strict"] is False


@pytest.mark.parametrize(("status", "reason"), [("completed", "stop"), ("cancelled", "error"), ("queued", "unknown")])
def test_a_responses_status_is_its_finish_word(status: str, reason: str) -> None:
    reply = RESPONSES.decode({"status": status, "output": []})
    assert (reply.finish_reason, reply.finish_word) == (reason, status)


# Messages


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "paused"),
        ("refusal", "refusal"),
        ("new_one", "unknown"),
    ],
)
def test_anthropics_stop_reasons_become_ours(word: str, reason: str) -> None:
    assert MESSAGES.decode({"content": [{"type": "text", "text": "x"}], "stop_reason": word}).finish_reason == reason


def test_a_null_in_later_counts_takes_nothing_back() -> None:
    reply = stream(
        MESSAGES,
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 5, "cache_read_input_tokens": 3}}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"input_tokens": None, "output_tokens": 2},
        },
        {"type": "message_stop"},
    )
    assert (reply.usage.input, reply.usage.cached, reply.usage.output) == (8, 3, 2)


def test_arguments_cut_off_in_a_stream_are_kept_as_they_came() -> None:
    reply = stream(
        MESSAGES,
        {"type": "message_start", "message": {"id": "m"}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a": '}},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {}},
        {"type": "message_stop"},
    )
    assert (reply.tool_calls[0].raw, reply.finish_reason) == ('{"a": ', "length")


def test_a_stream_is_not_whole_before_its_last_event() -> None:
    with pytest.raises(StreamBroken):
        stream(
            MESSAGES,
            {"type": "message_start", "message": {"id": "m"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        )


# v2 chat


def test_what_cites_the_plan_is_no_citation_of_the_text() -> None:
    sources = [{"id": "d", "document": {"id": "doc"}}]
    cited = [{"start": 0, "end": 1, "text": "x", "type": kind, "sources": sources} for kind in ("PLAN", "TEXT_CONTENT")]
    message = {"content": [{"type": "text", "text": "xyz"}], "citations": cited}
    assert len(COHERE.decode({"finish_reason": "COMPLETE", "message": message}).citations) == 1


def test_a_generation_that_failed_is_an_error_streamed_or_not() -> None:
    with pytest.raises(ServerError):
        COHERE.decode({"finish_reason": "ERROR", "message": {"content": []}})
    with pytest.raises(ServerError, match="bad tool") as failed:
        stream(
            COHERE,
            {
                "type": "message-end",
                "delta": {"finish_reason": "ERROR", "error": "bad tool", "error_type": "INVALID_TOOL_GENERATION"},
            },
        )
    assert failed.value.code == "INVALID_TOOL_GENERATION"


@pytest.mark.parametrize(
    ("word", "reason"),
    [("COMPLETE", "stop"), ("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length"), ("TIMEOUT", "error")],
)
def test_coheres_finish_words_become_ours(word: str, reason: str) -> None:
    assert COHERE.decode({"finish_reason": word, "message": {"content": []}}).finish_reason == reason

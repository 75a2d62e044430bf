"""How what Gemini answers is read, whole or as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chainkit import errors as e
from chainkit.messages import Messages, ServerItem
from chainkit.models.pieces import ToolPiece
from chainkit.models.request import ChatRequest
from chainkit_providers.google.arguments import Arguments
from chainkit_providers.google.gemini import Gemini

WIRE = Gemini()


def answer(*parts: Any, **fields: Any) -> dict[str, Any]:
    """A whole answer of these parts."""
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **fields}]}


def streamed(*events: Any, count: int = 1) -> tuple[Any, list[Any]]:
    """The reply of a stream, and the pieces that it showed."""
    fold = WIRE.fold(ChatRequest("m", Messages(), {"n": count}))
    shown = [piece for told in events for piece in fold.feed("message", json.dumps(told).encode())]
    return fold.finish(), shown


def test_a_blocked_prompt_is_an_empty_reply_that_says_so() -> None:
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
    for reply in (WIRE.decode(body), streamed(body)[0]):
        assert (reply.text, reply.finish_reason, reply.finish_word) == ("", "content_filter", "SAFETY")
        assert reply.refusal == "the prompt was blocked: SAFETY"
        assert reply.usage.input == 4


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"), ("OTHER", "unknown"), ("WORD_OF_NEXT_YEAR", "unknown"), (2, "length"),
    ],
)  # fmt: skip
def test_the_reasons_why_an_answer_ended(word: Any, ours: str) -> None:
    assert WIRE.decode(answer({"text": "a"}) | {"candidates": [{"finishReason": word}]}).finish_reason == ours


def test_an_answer_that_did_not_end_well_warns_with_what_its_vendor_says() -> None:
    bad = {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed function call: now("}
    (warning,) = WIRE.decode({"candidates": [{"content": {}, **bad}]}).warnings
    assert warning == "the answer ended with MALFORMED_FUNCTION_CALL: Malformed function call: now("
    assert not WIRE.decode(answer({"text": "x"}, finishMessage="Model generated text.")).warnings


def test_an_answer_that_is_blocked_on_its_way_keeps_what_had_come() -> None:
    begun = {"candidates": [{"content": {"parts": [{"text": "First, "}]}, "index": 0}]}
    reply, _ = streamed(begun, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    assert (reply.text, reply.finish_reason, reply.finish_word) == ("First, ", "content_filter", "PROHIBITED_CONTENT")


def test_usage_counts_thoughts_as_output_and_what_tools_read_as_input() -> None:
    told = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 4,
        "cachedContentTokenCount": 2,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}, {"modality": "AUDIO", "tokenCount": 9}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 3}],
    }
    grounding = {"webSearchQueries": ["a", "b"]}
    body = answer({"text": "x"}, groundingMetadata=grounding) | {"usageMetadata": told}
    usage = WIRE.decode(body | {"modelVersion": "gemini-3-flash"}).usage
    assert (usage.input, usage.output, usage.reasoning, usage.cached, usage.audio_input) == (15, 7, 4, 2, 9)
    assert usage.units == (("output_image_tokens", 3), ("web_searches", 2))
    assert dict(WIRE.decode(body | {"modelVersion": "gemini-2.5-pro"}).usage.units)["web_searches"] == 1


def test_a_citations_place_is_in_characters() -> None:
    text = "Grüße aus Köln. Bis bald."
    support = {"segment": {"startIndex": 0, "endIndex": 18, "text": "Grüße aus Köln."}, "groundingChunkIndices": [0]}
    later = {"segment": {"startIndex": 19, "endIndex": 28, "text": "Bis bald."}, "groundingChunkIndices": [0, 1, 7]}
    chunks = [{"web": {"uri": "https://a", "title": "A"}}, {"retrievedContext": {"fileSearchStore": "s", "text": "q"}}]
    body = answer({"text": text}, groundingMetadata={"groundingChunks": chunks, "groundingSupports": [support, later]})
    cited = WIRE.decode(body).citations
    assert [(c.source, c.title) for c in cited] == [("https://a", "A"), ("https://a", "A"), ("s", None)]
    assert [text[c.start : c.end] for c in cited] == ["Grüße aus Köln.", "Bis bald.", "Bis bald."]


def test_sources_without_places_are_cited_too() -> None:
    body = answer({"text": "x"}, groundingMetadata={"groundingChunks": [{"maps": {"uri": "u", "title": "t"}}]})
    (cited,) = WIRE.decode(body).citations
    assert (cited.source, cited.title, cited.start) == ("u", "t", None)


def test_logprobs_have_the_common_names() -> None:
    chosen = [{"token": "a", "logProbability": -0.1}]
    top = [{"candidates": [{"token": "a", "logProbability": -0.1}, {"token": "b", "logProbability": -3}]}]
    body = answer({"text": "a"}, logprobsResult={"chosenCandidates": chosen, "topCandidates": top})
    (told,) = WIRE.decode(body).logprobs
    assert (told["token"], told["logprob"]) == ("a", -0.1)
    assert [t["token"] for t in told["top_logprobs"]] == ["a", "b"]


def test_several_answers_are_choices() -> None:
    def event(index: int, text: str, **fields: Any) -> dict[str, Any]:
        return {"candidates": [{"content": {"parts": [{"text": text}]}, "index": index, **fields}]}

    events = (event(0, "a"), event(1, "x"), event(0, "b", finishReason="STOP"), event(1, "y", finishReason="STOP"))
    reply, shown = streamed(*events, count=2)
    assert (reply.text, [c.text for c in reply.choices]) == ("ab", ["xy"])
    assert "".join(p.text for p in shown) == "ab"
    with pytest.raises(e.StreamBroken):
        streamed(*events[:3], count=2)
    with pytest.raises(e.StreamBroken):
        streamed(event(0, "a", finishReason="STOP"), count=2)


def test_a_picture_in_an_answer_is_kept_whole() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": "YWJj"}}
    (item,) = WIRE.decode(answer(part)).parts
    assert item == ServerItem("google", "inlineData", part)


def test_a_body_of_another_shape_is_malformed() -> None:
    for body in ([], {}, {"choices": []}, {"candidates": 3}, {"candidates": [{"content": {"parts": [7]}}]}):
        with pytest.raises(e.ReplyMalformed):
            WIRE.decode(body)


# Arguments that are streamed.


def call_event(**made: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"functionCall": made}]}}]}


def test_arguments_that_come_in_pieces_are_put_together() -> None:
    events = (
        call_event(name="book", id="c1", willContinue=True),
        call_event(partialArgs=[{"jsonPath": "$.city", "stringValue": "Kö", "willContinue": True}], willContinue=True),
        call_event(partialArgs=[{"jsonPath": "$.city", "stringValue": "ln"}], willContinue=True),
        call_event(partialArgs=[{"jsonPath": "$.who[0].age", "numberValue": 7.0}], willContinue=True),
        call_event(partialArgs=[{"jsonPath": "$['odd key']", "boolValue": False}], willContinue=True),
        call_event(),
        call_event(name="now", args={}),
        {"candidates": [{"finishReason": "STOP"}]},
    )
    reply, shown = streamed(*events)
    wanted = {"city": "Köln", "who": [{"age": 7}], "odd key": False}
    assert [(c.name, c.arguments, c.id) for c in reply.tool_calls] == [("book", wanted, "c1"), ("now", {}, None)]
    assert reply.finish_reason == "tool_calls"
    texts = ["".join(p.arguments for p in shown if isinstance(p, ToolPiece) and p.index == i) for i in (0, 1)]
    assert [json.loads(t) for t in texts] == [wanted, {}]
    assert [p.name for p in shown if p.name] == ["book", "now"]


def test_a_call_that_begins_while_another_is_open_is_one_of_its_own() -> None:
    events = (
        call_event(name="book", willContinue=True, partialArgs=[{"jsonPath": "$.a", "numberValue": 1.5}]),
        call_event(name="now", args={"b": 2}),
        {"candidates": [{"finishReason": "STOP"}]},
    )
    reply, _ = streamed(*events)
    assert [(c.name, c.arguments) for c in reply.tool_calls] == [("book", {"a": 1.5}), ("now", {"b": 2})]


@pytest.mark.parametrize("path", ["$", "", "$.", "$[0]", "$.a[", "$.a[99999999]", "$..a"])
def test_a_place_that_is_none_is_malformed(path: str) -> None:
    with pytest.raises(e.ReplyMalformed):
        Arguments().take([{"jsonPath": path, "stringValue": "x"}])

"""A law of every wire: an answer reads the same whether it came whole or as a stream.

An answer is generated, written in both forms of its wire, and read; the stream comes in random pieces.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainkit.errors import StreamBroken
from chainkit.messages import Messages
from chainkit.models.json_lines import JsonLines
from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit.models.request import ChatRequest
from chainkit.models.sse import SseParser
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.responses import Responses

# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
from written_answers import LINES
from written_contents import gemini

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.models.provider import ChatWire
    from chainkit.models.reply import Reply

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
WORD = st.text("abcdefgh_", min_size=1, max_size=8)
PIECES = st.lists(TEXT.filter(bool), max_size=4)
ARGUMENTS = st.one_of(
    st.dictionaries(WORD, st.one_of(TEXT, st.integers(-9, 9), st.booleans(), st.none()), max_size=3).map(json.dumps),
    st.just(""),
    st.just('{"cut off": '),
)
COUNT = st.integers(0, 9999)
CALLS = st.lists(st.tuples(WORD, ARGUMENTS), max_size=3)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """An answer in no wire's words; texts are lists of the pieces in which they are streamed."""
    return {
        "thinking": draw(PIECES),
        "text": draw(PIECES),
        "calls": [{"name": n, "arguments": a, "id": f"call_{i}"} for i, (n, a) in enumerate(draw(CALLS))],
        "refusal": draw(st.one_of(st.just(""), TEXT)),
        "length": draw(st.booleans()),
        "input": draw(COUNT),
        "output": draw(COUNT),
        "cached": draw(COUNT),
        "seed": draw(st.integers(0, 99)),
    }


def halves(text: str) -> list[str]:
    """A text in two pieces."""
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def chat(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Chat Completions: the body, and the stream."""
    function = [{"name": c["name"], "arguments": c["arguments"]} for c in a["calls"]]
    message = {
        "role": "assistant",
        "content": "".join(a["text"]) or None,
        "reasoning_content": "".join(a["thinking"]) or None,
        "refusal": a["refusal"] or None,
        "tool_calls": [
            {"id": c["id"], "type": "function", "function": f} for c, f in zip(a["calls"], function, strict=True)
        ],
    }
    usage = {
        "prompt_tokens": a["input"],
        "completion_tokens": a["output"],
        "prompt_tokens_details": {"cached_tokens": a["cached"]},
    }
    finish = "length" if a["length"] else "tool_calls" if a["calls"] else "stop"
    head = {"id": "chatcmpl-own", "model": "own"}
    body = head | {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}

    def stream() -> Iterator[tuple[str, Any]]:
        def chunk(delta: Any, end: str | None = None) -> tuple[str, Any]:
            return "", head | {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}

        yield chunk({"role": "assistant", "content": ""})
        yield from (chunk({"reasoning_content": t}) for t in a["thinking"])
        yield from (chunk({"content": t}) for t in a["text"])
        yield from (chunk({"refusal": t}) for t in halves(a["refusal"]) if t)
        for i, c in enumerate(a["calls"]):
            yield chunk({"tool_calls": [{"index": i, "id": c["id"], "function": {"name": c["name"], "arguments": ""}}]})
            for t in halves(c["arguments"]):
                yield chunk({"tool_calls": [{"index": i, "function": {"arguments": t}}]})
        yield chunk({}, finish)
        yield "", head | {"choices": [], "usage": usage}
        yield "", "[DONE]"

    return body, stream()


def responses(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Responses: the body, and the stream."""
    output: list[Any] = []
    if a["thinking"]:
        summary = [{"type": "summary_text", "text": "".join(a["thinking"])}]
        output.append({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "sealed"})
    content = [{"type": "output_text", "text": "".join(a["text"]), "annotations": []}]
    if a["refusal"]:
        content.append({"type": "refusal", "refusal": a["refusal"]})
    output.append({"type": "message", "id": "msg_1", "role": "assistant", "content": content})
    output += [{"type": "function_call", "id": f"fc_{c['id']}", "call_id": c["id"], **c} for c in a["calls"]]
    for item in output[len(output) - len(a["calls"]) :]:
        item.pop("id")
    usage = {
        "input_tokens": a["input"],
        "output_tokens": a["output"],
        "input_tokens_details": {"cached_tokens": a["cached"]},
    }
    ended = "incomplete" if a["length"] else "completed"
    cut = {"reason": "max_output_tokens"} if a["length"] else None
    body = {
        "id": "resp_1",
        "model": "own",
        "status": ended,
        "incomplete_details": cut,
        "output": output,
        "usage": usage,
    }

    def stream() -> Iterator[tuple[str, Any]]:
        yield "response.created", {"response": {"id": "resp_1", "model": "own", "status": "in_progress", "output": []}}
        for i, item in enumerate(output):
            yield "response.output_item.added", {"output_index": i, "item": item | {"status": "in_progress"}}
            at = {"output_index": i}
            if item["type"] == "reasoning":
                yield from (("response.reasoning_summary_text.delta", at | {"delta": t}) for t in a["thinking"])
            elif item["type"] == "message":
                yield from (("response.output_text.delta", at | {"delta": t}) for t in a["text"])
            else:
                yield from (
                    ("response.function_call_arguments.delta", at | {"delta": t}) for t in halves(item["arguments"])
                )
            yield "response.output_item.done", {"output_index": i, "item": item}
        yield f"response.{ended}", {"response": body}

    return body, ((n, d | {"type": n}) for n, d in stream())


def messages(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Messages: the body, and the stream. A call's arguments that are no JSON exist in streams only."""
    calls = [c | {"arguments": c["arguments"] if c["arguments"] != '{"cut off": ' else ""} for c in a["calls"]]
    blocks: list[Any] = []
    if a["thinking"]:
        blocks.append({"type": "thinking", "thinking": "".join(a["thinking"]), "signature": "signed"})
    blocks.append({"type": "text", "text": "".join(a["text"])})
    blocks += [
        {"type": "tool_use", "id": c["id"], "name": c["name"], "input": json.loads(c["arguments"] or "{}")}
        for c in calls
    ]
    usage = {"input_tokens": a["input"], "cache_read_input_tokens": a["cached"], "cache_creation_input_tokens": 1}
    stop = "refusal" if a["refusal"] else "max_tokens" if a["length"] else "tool_use" if calls else "end_turn"
    details = {"stop_details": {"type": "refusal", "explanation": a["refusal"]}} if a["refusal"] else {}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "own"}
    counted = usage | {"output_tokens": a["output"]}
    body = head | {"content": blocks, "stop_reason": stop, "usage": counted, **details}

    def stream() -> Iterator[tuple[str, Any]]:
        yield (
            "message_start",
            {"message": head | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}},
        )
        texts = iter([calls[i]["arguments"] for i in range(len(calls))])
        for i, block in enumerate(blocks):
            kind = block["type"]
            empty = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""}, "tool_use": {"input": {}}}[
                kind
            ]
            yield "content_block_start", {"index": i, "content_block": block | empty}
            for delta in _deltas(kind, a, texts):
                yield "content_block_delta", {"index": i, "delta": delta}
            yield "content_block_stop", {"index": i}
        yield "message_delta", {"delta": {"stop_reason": stop, **details}, "usage": {"output_tokens": a["output"]}}
        yield "message_stop", {}

    return body, ((n, d | {"type": n}) for n, d in stream())


def _deltas(kind: str, a: dict[str, Any], texts: Iterator[str]) -> Iterator[Any]:
    if kind == "thinking":
        yield from ({"type": "thinking_delta", "thinking": t} for t in a["thinking"])
        yield {"type": "signature_delta", "signature": "signed"}
    elif kind == "text":
        yield from ({"type": "text_delta", "text": t} for t in a["text"])
    else:
        yield from ({"type": "input_json_delta", "partial_json": t} for t in halves(next(texts)))


def cohere(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """V2 chat: the body, and the stream."""
    calls = [
        {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
        for c in a["calls"]
    ]
    kinds = [("thinking", a["thinking"]), ("text", a["text"])]
    content = [{"type": kind, kind: "".join(texts)} for kind, texts in kinds if texts]
    plan = {"tool_plan": a["refusal"]} if a["refusal"] and calls else {}
    cited = [
        {"start": 0, "end": 1, "text": "x", "sources": [{"type": "document", "id": "d", "document": {"id": "doc"}}]}
    ]
    tokens = {"input_tokens": float(a["input"]), "output_tokens": float(a["output"])}
    usage = {"tokens": tokens, "cached_tokens": float(a["cached"])}
    finish = "MAX_TOKENS" if a["length"] else "TOOL_CALL" if calls else "COMPLETE"
    message = {"role": "assistant", "content": content, "tool_calls": calls, "citations": cited, **plan}
    body = {"id": "1", "finish_reason": finish, "message": message, "usage": usage}

    def stream() -> Iterator[tuple[str, Any]]:
        yield "message-start", {"id": "1", "delta": {"message": {"role": "assistant"}}}
        for t in halves(plan.get("tool_plan", "")):
            yield "tool-plan-delta", {"delta": {"message": {"tool_plan": t}}}
        for i, (kind, texts) in enumerate((k, t) for k, t in kinds if t):
            yield "content-start", {"index": i, "delta": {"message": {"content": {"type": kind, kind: ""}}}}
            for t in texts:
                yield "content-delta", {"index": i, "delta": {"message": {"content": {kind: t}}}}
            yield "content-end", {"index": i}
        yield "citation-start", {"index": 0, "delta": {"message": {"citations": cited[0]}}}
        yield "citation-end", {"index": 0}
        for i, c in enumerate(calls):
            told = c | {"function": {"name": c["function"]["name"], "arguments": ""}}
            yield "tool-call-start", {"index": i, "delta": {"message": {"tool_calls": told}}}
            for t in halves(c["function"]["arguments"]):
                yield (
                    "tool-call-delta",
                    {"index": i, "delta": {"message": {"tool_calls": {"function": {"arguments": t}}}}},
                )
            yield "tool-call-end", {"index": i}
        yield "message-end", {"delta": {"finish_reason": finish, "usage": usage}}

    return body, ((n, d | {"type": n}) for n, d in stream())


def sent(wire: ChatWire, stream: Iterator[tuple[str, Any]]) -> bytes:
    """Events as bytes on the line."""
    if getattr(wire, "framing", SseParser) is JsonLines:
        return b"".join(json.dumps(data).encode() + b"\n" for _, data in stream)
    return b"".join(
        (f"event: {name}\n" if name else "").encode()
        + b"data: "
        + (data if isinstance(data, str) else json.dumps(data)).encode()
        + b"\n\n"
        for name, data in stream
    )


def all_of(reply: Reply) -> dict[str, Any]:
    """A reply's fields, but for those that a stream cannot have."""
    return {
        name: getattr(reply, name) for name in reply.__dataclass_fields__ if name not in ("raw", "price", "headers")
    }


WIRES: dict[str, tuple[ChatWire, Any]] = {
    "chat": (ChatCompletions(Dialect("openai")), chat),
    "responses": (Responses(Dialect("openai")), responses),
    "messages": (MessagesWire(), messages),
    "v2 chat": (ChatV2(), cohere),
    "gemini": (Gemini(), gemini),
    **LINES,
}
REQUEST = ChatRequest("own", Messages())
quick = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", WIRES)
@quick
@given(answer=answers())
def test_a_stream_says_what_the_whole_answer_says(name: str, answer: dict[str, Any]) -> None:
    wire, write = WIRES[name]
    body, stream = write(answer)
    fold, parser = wire.fold(REQUEST), getattr(wire, "framing", SseParser)()
    shown: list[Any] = []
    told, step = sent(wire, stream), answer["seed"] % 37 + 1
    for at in range(0, len(told), step):
        for event, data in parser.feed(told[at : at + step]):
            shown.extend(fold.feed(event, data))
    reply, whole = fold.finish(), wire.decode(json.loads(json.dumps(body)))
    assert all_of(reply) == all_of(whole)
    assert "".join(p.text for p in shown if isinstance(p, TextPiece)) == whole.text
    assert "".join(p.text for p in shown if isinstance(p, ThinkingPiece)) == (whole.thinking or "")
    calls = [p for p in shown if isinstance(p, ToolPiece)]
    assert [(p.name, p.id) for p in calls if p.name] == [(c.name, c.id) for c in whole.tool_calls]


@pytest.mark.parametrize("name", WIRES)
@quick
@given(answer=answers(), part=st.floats(0, 0.999))
def test_a_stream_without_its_end_is_broken(name: str, answer: dict[str, Any], part: float) -> None:
    wire, write = WIRES[name]
    events = list(write(answer)[1])
    last = {"chat": 3, "completions": 3}.get(name, 1)
    fold, text = wire.fold(REQUEST), ""
    for event, data in events[: int((len(events) - last + 1) * part)]:
        text += "".join(p.text for p in fold.feed(event, json.dumps(data).encode()) if isinstance(p, TextPiece))
    with pytest.raises(StreamBroken) as broken:
        fold.finish()
    assert broken.value.partial == text

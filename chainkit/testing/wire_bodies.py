"""One answer in the words of five wire formats, whole and as the events of a stream.

The shapes: "chat-completions", "responses", "messages", "chat-v2", "generate-content" and "chat-lines". `Said` is the answer in nobody's
words; `body(shape, said)` is the JSON of an unstreamed answer, `events(shape, said)` the same answer as
(event name, JSON) pairs, `refusal(shape, status, message)` the JSON of an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from chainkit.messages import ToolCall
from chainkit.testing import content_bodies, line_bodies
from chainkit.usage import Usage

Shape: TypeAlias = Literal["chat-completions", "responses", "messages", "chat-v2", "generate-content", "chat-lines"]
SHAPES: tuple[Shape, ...] = ("chat-completions", "responses", "messages", "chat-v2", "generate-content", "chat-lines")
Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
Event: TypeAlias = tuple[str, Any]
_PIECES = re.compile(r"\S+\s*|\s+")
_MODEL = "loopback"
USAGE = Usage(input=11, output=7)
"""What an answer counts unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says. `usage=None` leaves the counts out."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    usage: Usage | None = USAGE
    model: str = _MODEL

    @property
    def pieces(self) -> list[str]:
        """The text in the pieces in which it is streamed: words."""
        return _PIECES.findall(self.text)


def body(shape: Shape, said: Said) -> dict[str, Any]:
    """An unstreamed answer."""
    return _WHOLE[shape](said)


def events(shape: Shape, said: Said) -> list[Event]:
    """The events of a streamed answer; the name is empty where the format has none."""
    return list(_STREAM[shape](said))


def refusal(shape: Shape, status: int, message: str, code: str | None = None) -> dict[str, Any]:
    """An error, as it stands in an answer whose status is not 200."""
    if shape == "generate-content":
        return content_bodies.refusal(status, message, code)
    if shape == "chat-lines":
        return line_bodies.refusal(message)
    word = code or _CODES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    if shape == "messages":
        return {"type": "error", "error": {"type": word, "message": message}}
    if shape == "chat-v2":
        return {"id": "0", "message": message}
    return {"error": {"message": message, "type": word, "param": None, "code": code or _CODES.get(status)}}


def error_event(shape: Shape, message: str, code: str = "overloaded_error") -> Event:
    """An error in the middle of a stream whose status was 200."""
    if shape == "chat-v2":
        return "message-end", {
            "type": "message-end",
            "delta": {"finish_reason": "ERROR", "error": message, "error_type": code},
        }
    if shape == "responses":
        failed = {"id": "resp_0", "status": "failed", "error": {"code": "server_error", "message": message}}
        return "response.failed", {"type": "response.failed", "response": failed}
    if shape == "messages":
        return "error", refusal(shape, 529, message, code)
    return "", refusal(shape, 503, message, None if shape == "generate-content" else code)


def written(shape: Shape, event: Event) -> bytes:
    """One event as it stands on that format's wire: a server-sent event, or a line."""
    if shape == "chat-lines":
        return as_told(shape, json.dumps(event[1], ensure_ascii=False))
    return sse(event)


def as_told(shape: Shape, data: str) -> bytes:
    """Data, whether it is JSON or not, as one event without a name."""
    return f"{data}\n".encode() if shape == "chat-lines" else f"data: {data}\n\n".encode()


def stream_type(shape: Shape) -> str:
    """The content type of its streams."""
    return "application/x-ndjson" if shape == "chat-lines" else "text/event-stream; charset=utf-8"


def sse(event: Event, *, newline: str = "\n") -> bytes:
    """One event as it stands on the wire."""
    name, data = event
    told = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    head = f"event: {name}{newline}" if name else ""
    return f"{head}data: {told}{newline}{newline}".encode()


_CODES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "server_error",
    529: "overloaded_error",
}


def _arguments(call: ToolCall) -> str:
    return call.raw if call.raw is not None else json.dumps(dict(call.arguments), ensure_ascii=False)


def _id(call: ToolCall, index: int) -> str:
    return call.id or f"call_{index}"


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def _counts(said: Said) -> tuple[int, int, int]:
    usage = said.usage or Usage()
    return usage.input or 0, usage.output or 0, usage.cached or 0


# Chat Completions


def _chat_usage(said: Said) -> dict[str, Any] | None:
    if said.usage is None:
        return None
    read, written, cached = _counts(said)
    counts: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return counts | {"prompt_tokens_details": {"cached_tokens": cached}}


def _chat_finish(said: Said) -> str:
    return "tool_calls" if said.calls and said.finish == "stop" else said.finish


def _chat_call(call: ToolCall, index: int, arguments: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments}
    return {"id": _id(call, index), "type": "function", "function": function}


def _chat_body(said: Said) -> dict[str, Any]:
    calls = [_chat_call(c, i, _arguments(c)) for i, c in enumerate(said.calls)]
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
    message |= {"tool_calls": calls} if calls else {}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _chat_finish(said)}
    head = {"id": "chatcmpl-0", "object": "chat.completion", "created": 0, "model": said.model}
    usage = _chat_usage(said)
    return head | {"choices": [choice]} | ({"usage": usage} if usage else {})


def _chat_events(said: Said) -> Iterator[Event]:
    head = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": said.model}

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> Event:
        return "", head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in said.pieces:
        yield chunk({"content": piece})
    for i, call in enumerate(said.calls):
        yield chunk({"tool_calls": [{"index": i, **_chat_call(call, i, "")}]})
        for half in _halves(_arguments(call)):
            yield chunk({"tool_calls": [{"index": i, "function": {"arguments": half}}]})
    yield chunk({}, _chat_finish(said))
    usage = _chat_usage(said)
    if usage:
        yield "", head | {"choices": [], "usage": usage}
    yield "", "[DONE]"


# Responses


def _items(said: Said) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if said.text or not said.calls:
        text = {"type": "output_text", "text": said.text, "annotations": list[Any]()}
        items.append({"id": "msg_0", "type": "message", "role": "assistant", "status": "completed", "content": [text]})
    for i, call in enumerate(said.calls):
        told = {"call_id": _id(call, i), "name": call.name, "arguments": _arguments(call)}
        items.append({"id": f"fc_{i}", "type": "function_call", "status": "completed", **told})
    return items


def _responses_body(said: Said) -> dict[str, Any]:
    why = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(said.finish)
    read, written, cached = _counts(said)
    counts: dict[str, Any] = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    counts |= {"input_tokens_details": {"cached_tokens": cached}, "output_tokens_details": {"reasoning_tokens": 0}}
    head = {"id": "resp_0", "object": "response", "created_at": 0, "model": said.model, "error": None}
    ended = {"status": "incomplete" if why else "completed", "incomplete_details": {"reason": why} if why else None}
    return head | ended | {"output": _items(said), "usage": counts if said.usage is not None else None}


def _responses_events(said: Said) -> Iterator[Event]:
    whole = _responses_body(said)
    for number, (name, data) in enumerate(_responses_told(said, whole)):
        yield name, {"type": name, "sequence_number": number, **data}


def _responses_told(said: Said, whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "response.created", {"response": whole | {"status": "in_progress", "output": [], "usage": None}}
    for i, item in enumerate(whole["output"]):
        at = {"output_index": i, "item_id": item["id"]}
        empty: dict[str, Any] = {"content": list[Any]()} if item["type"] == "message" else {"arguments": ""}
        yield "response.output_item.added", {"output_index": i, "item": item | empty | {"status": "in_progress"}}
        if item["type"] == "message":
            for piece in said.pieces:
                yield "response.output_text.delta", at | {"content_index": 0, "delta": piece}
            yield "response.output_text.done", at | {"content_index": 0, "text": said.text}
        else:
            for half in _halves(item["arguments"]):
                yield "response.function_call_arguments.delta", at | {"delta": half}
            yield "response.function_call_arguments.done", at | {"arguments": item["arguments"]}
        yield "response.output_item.done", {"output_index": i, "item": item}
    yield f"response.{whole['status']}", {"response": whole}


# Messages

_STOPS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def _messages_stop(said: Said) -> str:
    return "tool_use" if said.calls and said.finish == "stop" else _STOPS[said.finish]


def _blocks(said: Said) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": said.text}] if said.text else []
    for i, call in enumerate(said.calls):
        blocks.append({"type": "tool_use", "id": _id(call, i), "name": call.name, "input": dict(call.arguments)})
    return blocks


def _messages_head(said: Said) -> dict[str, Any]:
    return {"id": "msg_0", "type": "message", "role": "assistant", "model": said.model, "stop_sequence": None}


def _messages_usage(said: Said, written: int) -> dict[str, Any]:
    read, _, cached = _counts(said)
    if said.usage is None:
        return {}
    return {"usage": {"input_tokens": read - cached, "cache_read_input_tokens": cached, "output_tokens": written}}


def _messages_body(said: Said) -> dict[str, Any]:
    told = {"content": _blocks(said), "stop_reason": _messages_stop(said)}
    return _messages_head(said) | told | _messages_usage(said, _counts(said)[1])


def _messages_events(said: Said) -> Iterator[Event]:
    for name, data in _messages_told(said):
        yield name, {"type": name, **data}


def _messages_told(said: Said) -> Iterator[tuple[str, dict[str, Any]]]:
    begun = _messages_head(said) | {"content": list[Any](), "stop_reason": None} | _messages_usage(said, 1)
    yield "message_start", {"message": begun}
    yield "ping", {}
    raws = iter([_arguments(c) for c in said.calls])
    for i, block in enumerate(_blocks(said)):
        text = block["type"] == "text"
        empty: dict[str, Any] = {"text": ""} if text else {"input": {}}
        yield "content_block_start", {"index": i, "content_block": block | empty}
        deltas = [{"type": "text_delta", "text": p} for p in said.pieces]
        if not text:
            deltas = [{"type": "input_json_delta", "partial_json": h} for h in _halves(next(raws))]
        for delta in deltas:
            yield "content_block_delta", {"index": i, "delta": delta}
        yield "content_block_stop", {"index": i}
    counts: dict[str, Any] = {} if said.usage is None else {"usage": {"output_tokens": _counts(said)[1]}}
    yield "message_delta", {"delta": {"stop_reason": _messages_stop(said), "stop_sequence": None}, **counts}
    yield "message_stop", {}


# Chat v2

_ENDS: dict[Finish, str] = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR_TOXIC",
}


def _v2_end(said: Said) -> dict[str, Any]:
    word = "TOOL_CALL" if said.calls and said.finish == "stop" else _ENDS[said.finish]
    if said.usage is None:
        return {"finish_reason": word}
    read, written, cached = _counts(said)
    tokens = {"input_tokens": float(read), "output_tokens": float(written)}
    return {"finish_reason": word, "usage": {"billed_units": tokens, "tokens": tokens, "cached_tokens": float(cached)}}


def _v2_body(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    if said.text:
        message["content"] = [{"type": "text", "text": said.text}]
    if said.calls:
        message["tool_calls"] = [_chat_call(c, i, _arguments(c)) for i, c in enumerate(said.calls)]
    return {"id": "0", "message": message} | _v2_end(said)


def _v2_events(said: Said) -> Iterator[Event]:
    for name, data in _v2_told(said):
        yield name, {"type": name, **data}


def _v2_told(said: Said) -> Iterator[tuple[str, dict[str, Any]]]:
    def delta(message: Mapping[str, Any]) -> dict[str, Any]:
        return {"delta": {"message": message}}

    yield "message-start", {"id": "0", **delta({"role": "assistant"})}
    if said.text:
        yield "content-start", {"index": 0, **delta({"content": {"type": "text", "text": ""}})}
        for piece in said.pieces:
            yield "content-delta", {"index": 0, **delta({"content": {"text": piece}})}
        yield "content-end", {"index": 0}
    for i, call in enumerate(said.calls):
        yield "tool-call-start", {"index": i, **delta({"tool_calls": _chat_call(call, i, "")})}
        for half in _halves(_arguments(call)):
            yield "tool-call-delta", {"index": i, **delta({"tool_calls": {"function": {"arguments": half}}})}
        yield "tool-call-end", {"index": i}
    yield "message-end", {"delta": _v2_end(said)}


_WHOLE = {
    "chat-completions": _chat_body,
    "responses": _responses_body,
    "messages": _messages_body,
    "chat-v2": _v2_body,
    "generate-content": content_bodies.body,
    "chat-lines": line_bodies.body,
}
_STREAM = {
    "chat-completions": _chat_events,
    "responses": _responses_events,
    "messages": _messages_events,
    "chat-v2": _v2_events,
    "generate-content": content_bodies.events,
    "chat-lines": line_bodies.events,
}

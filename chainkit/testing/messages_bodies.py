"""Answers in the two wire formats whose methods are `messages` and `v2/chat`: blocks that begin, grow and end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chainkit.testing.completions_bodies import function_call
from chainkit.testing.shapes import Event, Finish, Said, Shape, arguments, counts, halves, id_of, word_of


class Messages(Shape):
    """`messages`: content blocks, each begun, filled and ended by events."""

    name = "messages"
    paths = ("/messages",)

    def body(self, said: Said) -> dict[str, Any]:
        return _messages_body(said)

    def events(self, said: Said) -> Iterator[Event]:
        return _messages_events(said)

    def refusal(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        return {"type": "error", "error": {"type": word_of(status, code), "message": message}}

    def too_long(self, message: str) -> tuple[int, Any]:
        return 400, self.refusal(400, f"prompt is too long: {message}")

    def error_event(self, message: str, code: str = "overloaded_error") -> Event:
        return "error", self.refusal(529, message, code)


class ChatV2(Shape):
    """`v2/chat`: contents that begin, grow and end, and a last event with the counts."""

    name = "chat-v2"
    paths = ("/v2/chat",)

    def body(self, said: Said) -> dict[str, Any]:
        return _v2_body(said)

    def events(self, said: Said) -> Iterator[Event]:
        return _v2_events(said)

    def refusal(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        return {"id": "0", "message": message}

    def too_long(self, message: str) -> tuple[int, Any]:
        return 400, self.refusal(400, f"too many tokens: {message}")

    def error_event(self, message: str, code: str = "overloaded_error") -> Event:
        ended = {"finish_reason": "ERROR", "error": message, "error_type": code}
        return "message-end", {"type": "message-end", "delta": ended}


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
    blocks: list[dict[str, Any]] = []
    if said.thinking:
        blocks.append({"type": "thinking", "thinking": said.thinking, "signature": "sealed"})
    if said.text:
        blocks.append({"type": "text", "text": said.text})
    for i, call in enumerate(said.calls):
        blocks.append({"type": "tool_use", "id": id_of(call, i), "name": call.name, "input": dict(call.arguments)})
    return blocks


def _messages_head(said: Said) -> dict[str, Any]:
    return {"id": "msg_0", "type": "message", "role": "assistant", "model": said.model, "stop_sequence": None}


def _messages_usage(said: Said, written: int) -> dict[str, Any]:
    read, _, cached = counts(said)
    if said.usage is None:
        return {}
    return {"usage": {"input_tokens": read - cached, "cache_read_input_tokens": cached, "output_tokens": written}}


def _messages_body(said: Said) -> dict[str, Any]:
    told = {"content": _blocks(said), "stop_reason": _messages_stop(said)}
    return _messages_head(said) | told | _messages_usage(said, counts(said)[1])


def _messages_events(said: Said) -> Iterator[Event]:
    for name, data in _messages_told(said):
        yield name, {"type": name, **data}


def _messages_told(said: Said) -> Iterator[tuple[str, dict[str, Any]]]:
    begun = _messages_head(said) | {"content": list[Any](), "stop_reason": None} | _messages_usage(said, 1)
    yield "message_start", {"message": begun}
    yield "ping", {}
    raws = iter([arguments(c) for c in said.calls])
    for i, block in enumerate(_blocks(said)):
        yield "content_block_start", {"index": i, "content_block": block | _EMPTY[block["type"]]}
        for delta in _deltas(said, block["type"], raws):
            yield "content_block_delta", {"index": i, "delta": delta}
        yield "content_block_stop", {"index": i}
    used: dict[str, Any] = {} if said.usage is None else {"usage": {"output_tokens": counts(said)[1]}}
    yield "message_delta", {"delta": {"stop_reason": _messages_stop(said), "stop_sequence": None}, **used}
    yield "message_stop", {}


_EMPTY: dict[str, dict[str, Any]] = {
    "thinking": {"thinking": "", "signature": ""},
    "text": {"text": ""},
    "tool_use": {"input": {}},
}
"""What a block lacks when its stream begins."""


def _deltas(said: Said, kind: str, raws: Iterator[str]) -> Iterator[dict[str, Any]]:
    if kind == "text":
        yield from ({"type": "text_delta", "text": p} for p in said.pieces)
    elif kind == "tool_use":
        yield from ({"type": "input_json_delta", "partial_json": h} for h in halves(next(raws)))
    else:
        yield from ({"type": "thinking_delta", "thinking": h} for h in halves(said.thinking))
        yield {"type": "signature_delta", "signature": "sealed"}


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
    read, written, cached = counts(said)
    tokens = {"input_tokens": float(read), "output_tokens": float(written)}
    return {"finish_reason": word, "usage": {"billed_units": tokens, "tokens": tokens, "cached_tokens": float(cached)}}


def _v2_body(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    thinking = [{"type": "thinking", "thinking": said.thinking}] if said.thinking else []
    if said.text or thinking:
        message["content"] = [*thinking, {"type": "text", "text": said.text}]
    if said.calls:
        message["tool_calls"] = [function_call(c, i, arguments(c)) for i, c in enumerate(said.calls)]
    return {"id": "0", "message": message} | _v2_end(said)


def _v2_events(said: Said) -> Iterator[Event]:
    for name, data in _v2_told(said):
        yield name, {"type": name, **data}


def _v2_told(said: Said) -> Iterator[tuple[str, dict[str, Any]]]:
    def delta(message: Mapping[str, Any]) -> dict[str, Any]:
        return {"delta": {"message": message}}

    yield "message-start", {"id": "0", **delta({"role": "assistant"})}
    contents = [("thinking", list(halves(said.thinking)))] if said.thinking else []
    contents += [("text", said.pieces)] if said.text else []
    for i, (kind, pieces) in enumerate(contents):
        yield "content-start", {"index": i, **delta({"content": {"type": kind, kind: ""}})}
        for piece in pieces:
            yield "content-delta", {"index": i, **delta({"content": {kind: piece}})}
        yield "content-end", {"index": i}
    for i, call in enumerate(said.calls):
        yield "tool-call-start", {"index": i, **delta({"tool_calls": function_call(call, i, "")})}
        for half in halves(arguments(call)):
            yield "tool-call-delta", {"index": i, **delta({"tool_calls": {"function": {"arguments": half}}})}
        yield "tool-call-end", {"index": i}
    yield "message-end", {"delta": _v2_end(said)}

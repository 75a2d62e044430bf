"""Answers in the two wire formats whose methods are `chat/completions` and `responses`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chainkit.testing.shapes import Event, Said, Shape, arguments, code_of, counts, halves, id_of, word_of

if TYPE_CHECKING:
    from chainkit.messages import ToolCall


class ChatCompletions(Shape):
    """`chat/completions`: choices with messages, deltas, `[DONE]`."""

    name = "chat-completions"
    paths = ("/chat/completions",)

    def body(self, said: Said) -> dict[str, Any]:
        return _chat_body(said)

    def events(self, said: Said) -> Iterator[Event]:
        return _chat_events(said)

    def refusal(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        error = {"message": message, "type": word_of(status, code), "param": None, "code": code_of(status, code)}
        return {"error": error}

    def too_long(self, message: str) -> tuple[int, Any]:
        return 400, self.refusal(400, message, "context_length_exceeded")


class Responses(ChatCompletions):
    """`responses`: items, and an event for each thing that happens to one."""

    name = "responses"
    paths = ("/responses",)

    def body(self, said: Said) -> dict[str, Any]:
        return _responses_body(said)

    def events(self, said: Said) -> Iterator[Event]:
        return _responses_events(said)

    def error_event(self, message: str, code: str = "overloaded_error") -> Event:
        failed = {"id": "resp_0", "status": "failed", "error": {"code": "server_error", "message": message}}
        return "response.failed", {"type": "response.failed", "response": failed}


# Chat Completions


def _chat_usage(said: Said) -> dict[str, Any] | None:
    if said.usage is None:
        return None
    read, wrote, cached = counts(said)
    told: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
    return told | {"prompt_tokens_details": {"cached_tokens": cached}}


def _chat_finish(said: Said) -> str:
    return "tool_calls" if said.calls and said.finish == "stop" else said.finish


def function_call(call: ToolCall, index: int, told: str) -> dict[str, Any]:
    """A call as several formats write it."""
    function = {"name": call.name, "arguments": told}
    return {"id": id_of(call, index), "type": "function", "function": function}


def _chat_body(said: Said) -> dict[str, Any]:
    calls = [function_call(c, i, arguments(c)) for i, c in enumerate(said.calls)]
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
    message |= {"reasoning_content": said.thinking} if said.thinking else {}
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
    for half in halves(said.thinking) if said.thinking else ():
        yield chunk({"reasoning_content": half})
    for piece in said.pieces:
        yield chunk({"content": piece})
    for i, call in enumerate(said.calls):
        yield chunk({"tool_calls": [{"index": i, **function_call(call, i, "")}]})
        for half in halves(arguments(call)):
            yield chunk({"tool_calls": [{"index": i, "function": {"arguments": half}}]})
    yield chunk({}, _chat_finish(said))
    usage = _chat_usage(said)
    if usage:
        yield "", head | {"choices": [], "usage": usage}
    yield "", "[DONE]"


# Responses

_EMPTY: dict[str, dict[str, Any]] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "reasoning": {"summary": [], "encrypted_content": None},
}
"""What an item lacks when its stream begins."""


def _items(said: Said) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if said.thinking:
        summary = [{"type": "summary_text", "text": said.thinking}]
        items.append({"id": "rs_0", "type": "reasoning", "summary": summary, "encrypted_content": "sealed"})
    if said.text or not said.calls:
        text = {"type": "output_text", "text": said.text, "annotations": list[Any]()}
        items.append({"id": "msg_0", "type": "message", "role": "assistant", "status": "completed", "content": [text]})
    for i, call in enumerate(said.calls):
        told = {"call_id": id_of(call, i), "name": call.name, "arguments": arguments(call)}
        items.append({"id": f"fc_{i}", "type": "function_call", "status": "completed", **told})
    return items


def _responses_body(said: Said) -> dict[str, Any]:
    why = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(said.finish)
    read, wrote, cached = counts(said)
    used: dict[str, Any] = {"input_tokens": read, "output_tokens": wrote, "total_tokens": read + wrote}
    used |= {"input_tokens_details": {"cached_tokens": cached}, "output_tokens_details": {"reasoning_tokens": 0}}
    head = {"id": "resp_0", "object": "response", "created_at": 0, "model": said.model, "error": None}
    ended = {"status": "incomplete" if why else "completed", "incomplete_details": {"reason": why} if why else None}
    return head | ended | {"output": _items(said), "usage": used if said.usage is not None else None}


def _responses_events(said: Said) -> Iterator[Event]:
    whole = _responses_body(said)
    for number, (name, data) in enumerate(_responses_told(said, whole)):
        yield name, {"type": name, "sequence_number": number, **data}


def _responses_told(said: Said, whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "response.created", {"response": whole | {"status": "in_progress", "output": [], "usage": None}}
    for i, item in enumerate(whole["output"]):
        at = {"output_index": i, "item_id": item["id"]}
        empty = _EMPTY[item["type"]]
        yield "response.output_item.added", {"output_index": i, "item": item | empty | {"status": "in_progress"}}
        if item["type"] == "reasoning":
            for half in halves(said.thinking):
                yield "response.reasoning_summary_text.delta", at | {"summary_index": 0, "delta": half}
        elif item["type"] == "message":
            for piece in said.pieces:
                yield "response.output_text.delta", at | {"content_index": 0, "delta": piece}
            yield "response.output_text.done", at | {"content_index": 0, "text": said.text}
        else:
            for half in halves(item["arguments"]):
                yield "response.function_call_arguments.delta", at | {"delta": half}
            yield "response.function_call_arguments.done", at | {"arguments": item["arguments"]}
        yield "response.output_item.done", {"output_index": i, "item": item}
    yield f"response.{whole['status']}", {"response": whole}

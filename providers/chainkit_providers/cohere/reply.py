"""A whole v2 chat answer as a reply of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import Text, Thinking, ToolCall
from chainkit.models.reply import Citation, Reply
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.faults import fault
from chainkit_providers.folding import shaped
from chainkit_providers.payload import Json, call_arguments, inner, listed, malformed, text_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.models.reply import FinishReason

VENDOR = "cohere"
KEYS = ("CO_API_KEY", "COHERE_API_KEY")
TOOL_PLAN = "tool_plan"
"""Marks thinking that came as the plan before tool calls, for its way back."""
_FINISH: dict[str | None, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
    "TIMEOUT": "error",
}


@shaped("v2 chat")
def decode(body: Any) -> Reply:
    """A whole answer. Raises the fault of one that ended in an error, or ReplyMalformed."""
    if not isinstance(body, dict):
        raise malformed("v2 chat", body, "message")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    message: Json | None = answer.get("message")
    if not isinstance(message, dict):
        raise malformed("v2 chat", answer, "message")
    word: str | None = answer.get("finish_reason")
    if word == "ERROR":
        told = {
            "message": answer.get("error") or "the answer ended in an error",
            "error_type": answer.get("error_type"),
        }
        raise fault(VENDOR, told, keys=KEYS)
    return Reply(
        tuple(_parts(message)),
        _FINISH.get(word, "unknown"),
        word,
        usage(answer.get("usage")),
        id=answer.get("id"),
        citations=tuple(_citations(message)),
        logprobs=tuple(listed(answer, "logprobs")),
        raw=answer,
    )


def _parts(message: Json) -> Iterable[Text | Thinking | ToolCall]:
    plan = text_of(message, "tool_plan")
    if plan:
        yield Thinking(plan, TOOL_PLAN, VENDOR)
    for item in listed(message, "content"):
        if item.get("type") == "thinking":
            yield Thinking(text_of(item, "thinking"), None, VENDOR)
        elif item.get("type") == "text":
            yield Text(text_of(item, "text"))
    for call in listed(message, "tool_calls"):
        function = inner(call, "function")
        arguments, raw = call_arguments(function.get("arguments"))
        yield ToolCall(text_of(function, "name"), arguments, call.get("id"), raw)


_NOWHERE: Json = {}


def _citations(message: Json) -> Iterable[Citation]:
    """One for each source of each cited stretch of the text; what cites the plan is left out."""
    starts = _starts(listed(message, "content"))
    for told in listed(message, "citations"):
        if told.get("type", "TEXT_CONTENT") != "TEXT_CONTENT":
            continue
        offset = starts.get(told.get("content_index") or 0, 0)
        for source in listed(told, "sources") or [_NOWHERE]:
            document = inner(source, "document") or inner(source, "tool_output")
            name = document.get("url") or document.get("id") or source.get("id")
            start, end = _place(told, offset)
            yield Citation(text_of(told, "text"), name, start, end, document.get("title"))


def _place(told: Json, offset: int) -> tuple[int | None, int | None]:
    """Where a citation stands in the whole text, as far as it says."""
    start, end = told.get("start"), told.get("end")
    if isinstance(start, int) and isinstance(end, int):
        return start + offset, end + offset
    return None, None


def _starts(items: Iterable[Json]) -> dict[int, int]:
    """Where the text of each content item begins in the text of them all."""
    starts: dict[int, int] = {}
    length = 0
    for index, item in enumerate(items):
        starts[index] = length
        length += len(text_of(item, "text"))
    return starts


def usage(told: Json | None) -> Usage:
    """The tokens of an answer; the vendor sends them as floats."""
    if not told:
        return NO_USAGE
    tokens = inner(told, "tokens")
    return Usage(
        whole(tokens.get("input_tokens")),
        whole(tokens.get("output_tokens")),
        whole(told.get("cached_tokens")),
        reasoning=whole(tokens.get("reasoning_tokens")),
    )

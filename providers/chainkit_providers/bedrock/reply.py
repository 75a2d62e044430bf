"""A whole Converse answer as a reply of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import ServerItem, Text, Thinking, ToolCall
from chainkit.models.reply import Citation, Reply
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.folding import shaped
from chainkit_providers.payload import Json, inner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.models.reply import FinishReason

VENDOR = "bedrock"
_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}


@shaped("Converse")
def decode(body: Any) -> Reply:
    """The reply in a body. Raises ReplyMalformed for another shape."""
    word = str(body["stopReason"])
    parts: list[Text | Thinking | ToolCall | ServerItem] = []
    citations: list[Citation] = []
    for block in body["output"]["message"]["content"]:
        parts += _parts(block)
        citations += _citations(block, sum(len(p.text) for p in parts if isinstance(p, Text)))
    return Reply(
        tuple(parts),
        _FINISH.get(word, "unknown"),
        word,
        usage(inner(body, "usage")),
        citations=tuple(citations),
        raw=body,
    )


def _parts(block: Json) -> Iterator[Text | Thinking | ToolCall | ServerItem]:
    if "text" in block:
        yield Text(block["text"])
    elif "toolUse" in block:
        yield _call(block["toolUse"])
    elif "reasoningContent" in block:
        yield _thinking(block["reasoningContent"])
    elif "citationsContent" in block:
        yield Text("".join(c.get("text", "") for c in block["citationsContent"].get("content") or ()))
    else:
        yield ServerItem(VENDOR, next(iter(block), "empty"), block)


def _call(told: Json) -> ToolCall | ServerItem:
    if told.get("type") == "server_tool_use":
        return ServerItem(VENDOR, "toolUse", {"toolUse": told})
    held = told.get("input")
    if isinstance(held, str):
        return ToolCall(told["name"], {}, told["toolUseId"], raw=held)
    return ToolCall(told["name"], held or {}, told["toolUseId"])


def _thinking(told: Json) -> Thinking:
    if "redactedContent" in told:
        return Thinking("", vendor=VENDOR, data=told["redactedContent"])
    text = inner(told, "reasoningText")
    return Thinking(text.get("text") or "", text.get("signature"), VENDOR)


def _citations(block: Json, end: int) -> Iterator[Citation]:
    held = inner(block, "citationsContent")
    text = "".join(c.get("text", "") for c in held.get("content") or ())
    for told in held.get("citations") or ():
        source = told.get("source") or inner(inner(told, "location"), "web").get("url")
        yield Citation(text, source, end - len(text), end, told.get("title"))


def usage(told: Json) -> Usage:
    """The tokens: what was read from the cache and written to it stands beside the input here."""
    if not told:
        return NO_USAGE
    cached, wrote = told.get("cacheReadInputTokens"), told.get("cacheWriteInputTokens")
    read = told.get("inputTokens")
    return Usage(
        input=None if read is None else read + (cached or 0) + (wrote or 0),
        output=told.get("outputTokens"),
        cached=cached,
        cache_write=wrote,
    )

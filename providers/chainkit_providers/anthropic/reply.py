"""A whole Messages answer as a reply of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import ServerItem, Text, Thinking, ToolCall
from chainkit.models.reply import Citation, Reply
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.faults import fault
from chainkit_providers.folding import shaped
from chainkit_providers.payload import Json, call_arguments, inner, listed, malformed, text_of

if TYPE_CHECKING:
    from chainkit.models.reply import FinishReason

VENDOR = "anthropic"
KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_FINISH: dict[str | None, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "paused",
    "compaction": "paused",
    "refusal": "refusal",
}


@shaped("Messages")
def decode(body: Any) -> Reply:
    """A whole answer. Raises the fault that a body with status 200 may hold, or ReplyMalformed."""
    if not isinstance(body, dict):
        raise malformed("Messages", body, "content")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    if answer.get("type") == "error":
        raise fault(VENDOR, answer, keys=KEYS)
    blocks: list[Json] | None = answer.get("content")
    if not isinstance(blocks, list):
        raise malformed("Messages", answer, "content")
    parts = tuple(_part(b) for b in blocks)
    word: str | None = answer.get("stop_reason")
    return Reply(
        parts,
        _FINISH.get(word, "unknown"),
        word,
        usage(answer.get("usage")),
        model=answer.get("model"),
        id=answer.get("id"),
        refusal=_refusal(word, answer, parts),
        citations=_citations(blocks),
        raw=answer,
    )


def _part(block: Json) -> Text | Thinking | ToolCall | ServerItem:
    kind: str = block.get("type") or ""
    if kind == "text":
        return Text(text_of(block, "text"))
    if kind == "thinking":
        return Thinking(text_of(block, "thinking"), block.get("signature"), VENDOR)
    if kind == "redacted_thinking":
        return Thinking("", None, VENDOR, None, block.get("data"))
    if kind == "tool_use":
        return _call(block)
    return ServerItem(VENDOR, kind, block)


def _call(block: Json) -> ToolCall:
    told: Any = block.get("input")
    arguments, raw = call_arguments(told) if isinstance(told, str) else (told or {}, None)
    return ToolCall(text_of(block, "name"), arguments, block.get("id"), raw)


def _refusal(word: str | None, answer: Json, parts: tuple[Any, ...]) -> str | None:
    """What is said about a refusal; without an explanation, the text that came before it."""
    if word != "refusal":
        return None
    said = text_of(inner(answer, "stop_details"), "explanation")
    return said or "".join(p.text for p in parts if isinstance(p, Text)) or "the model refused"


def _citations(blocks: list[Json]) -> tuple[Citation, ...]:
    """A citation stands for the whole text block that carries it."""
    found: list[Citation] = []
    start = 0
    for block in blocks:
        if block.get("type") != "text":
            continue
        text = text_of(block, "text")
        found.extend(_citation(c, text, start) for c in listed(block, "citations"))
        start += len(text)
    return tuple(found)


def _citation(told: Json, text: str, start: int) -> Citation:
    title: str | None = told.get("title") or told.get("document_title")
    index = told.get("document_index")
    named = told.get("url") or told.get("source") or told.get("file_id") or told.get("document_title")
    source = named or (None if index is None else f"document {index}")
    return Citation(text, source, start, start + len(text), title)


def usage(told: Json | None) -> Usage:
    """The tokens of an answer; the vendor counts cache reads and writes beside the input, we with it."""
    if not told:
        return NO_USAGE
    read, written = told.get("cache_read_input_tokens"), told.get("cache_creation_input_tokens")
    fresh = told.get("input_tokens")
    return Usage(
        None if fresh is None else fresh + (read or 0) + (written or 0),
        told.get("output_tokens"),
        read,
        written,
        inner(told, "output_tokens_details").get("thinking_tokens"),
    )

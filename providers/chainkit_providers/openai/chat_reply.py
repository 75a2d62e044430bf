"""A whole Chat Completions answer as a reply of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.messages import ServerItem, Text, Thinking, ToolCall
from chainkit.models.reply import Citation, Reply
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.faults import fault
from chainkit_providers.folding import shaped
from chainkit_providers.openai.cost import told
from chainkit_providers.openai.think_tags import parted
from chainkit_providers.payload import Json, call_arguments, inner, listed, malformed, text_of, whole

if TYPE_CHECKING:
    from chainkit.models.reply import FinishReason
    from chainkit_providers.openai.dialect import Dialect

THOUGHTS = ("thinking", "reasoning")
"""The types of a content item that holds thinking: Mistral's, and Databricks'."""
_FINISH: dict[str | None, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "error": "error",
    "abort": "error",
    "network_error": "error",
    "insufficient_system_resource": "error",
}


@shaped("Chat Completions")
def decode(body: Any, dialect: Dialect) -> Reply:
    """A whole answer. Raises the fault that a body with status 200 may hold, or ReplyMalformed."""
    if not isinstance(body, dict):
        raise malformed("Chat Completions", body, "choices")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    choices: list[Json] | None = answer.get("choices")
    if not choices:
        if answer.get("error") is not None or answer.get("object") == "error":
            raise fault(dialect.vendor, answer, keys=dialect.keys)
        raise malformed("Chat Completions", answer, "choices")
    replies = [_choice(c, answer, dialect) for c in choices]
    reply = replies[0]
    counted: Json | None = answer.get("usage") or inner(answer, "x_groq").get("usage")
    reply.usage, reply.price = usage(counted), told(counted, dialect)
    reply.choices = tuple(replies[1:])
    reply.raw = answer
    return reply


def _choice(choice: Json, answer: Json, dialect: Dialect) -> Reply:
    vendor, message = dialect.vendor, inner(choice, "message")
    if dialect.think_tags:
        message = _untagged(message)
    parts = [*_thinking(message, vendor), *_texts(message, vendor), *_executed(message, vendor), *_calls(message)]
    text = "".join(p.text for p in parts if type(p) is Text)
    word: str | None = choice.get("finish_reason")
    refusal = text_of(message, "refusal") or None
    return Reply(
        tuple(parts),
        finish_reason(word, any(type(p) is ToolCall for p in parts), refusal),
        word,
        model=answer.get("model"),
        id=answer.get("id"),
        refusal=refusal,
        citations=_citations(message, answer, text),
        logprobs=tuple(listed(inner(choice, "logprobs"), "content")),
    )


def finish_reason(word: str | None, calls: bool, refusal: str | None) -> FinishReason:
    """The vendor's word in ours; some vendors say "stop" though they call tools, or refuse."""
    if refusal:
        return "refusal"
    reason = _FINISH.get(word, "unknown")
    return "tool_calls" if calls and reason in ("stop", "unknown") else reason


def _thinking(message: Json, vendor: str) -> list[Thinking]:
    details = listed(message, "reasoning_details")
    text = text_of(message, "reasoning_content") or text_of(message, "reasoning") or detailed(details)
    data = json.dumps(details, ensure_ascii=False) if details else None
    return [Thinking(text, vendor=vendor, data=data)] if text or data else []


def _untagged(message: Json) -> Json:
    """A message with the thinking at the head of its text in a field of its own."""
    content = message.get("content")
    if not isinstance(content, str) or text_of(message, "reasoning_content") or text_of(message, "reasoning"):
        return message
    thinking, text = parted(content)
    return message if text == content else {**message, "content": text, "reasoning_content": thinking}


def detailed(details: list[Json]) -> str:
    """The text of reasoning details, where nothing else tells it."""
    return "".join(text_of(d, "text") or text_of(d, "summary") for d in details)


def _texts(message: Json, vendor: str) -> list[Text | Thinking]:
    content = message.get("content") or inner(message, "audio").get("transcript")
    if not content:
        return []
    if isinstance(content, str):
        return [Text(content)]
    if isinstance(content, dict):
        return [Text(json.dumps(content, ensure_ascii=False, separators=(",", ":")))]
    return [part for item in content if (part := _item(item, vendor)) is not None]


def _item(item: Json | str, vendor: str) -> Text | Thinking | None:
    """One item of a content list, as Mistral sends it."""
    if isinstance(item, str):
        return Text(item)
    if item.get("type") == "text":
        return Text(text_of(item, "text"))
    if item.get("type") in THOUGHTS:
        # What is more than a text (a signature) goes back as it came.
        data = json.dumps([item], ensure_ascii=False) if item["type"] == "reasoning" else None
        return Thinking(thought(item), vendor=vendor, data=data)
    return None


def thought(item: Json) -> str:
    """The text of a thinking item, which is a string or a list of texts; Databricks has it in a summary."""
    held: str | list[Json] = item.get("thinking") or item.get("summary") or ""
    return held if isinstance(held, str) else "".join(text_of(t, "text") for t in held)


def _executed(message: Json, vendor: str) -> list[ServerItem]:
    """What the server did or made itself: tools that it ran, pictures, sound."""
    ran = [ServerItem(vendor, str(t.get("type")), t) for t in listed(message, "executed_tools")]
    drawn = [ServerItem(vendor, str(i.get("type")), i) for i in listed(message, "images")]
    spoken = inner(message, "audio")
    # Some servers fill in an empty one.
    return [*ran, *drawn, *([ServerItem(vendor, "audio", spoken)] if spoken.get("id") else [])]


def _calls(message: Json) -> list[ToolCall]:
    calls = [_call(inner(c, "function"), c.get("id")) for c in listed(message, "tool_calls")]
    old = inner(message, "function_call")
    # Some servers fill in an empty function_call beside the real tool calls.
    return [*calls, _call(old, None)] if old.get("name") else calls


def _call(function: Json, call_id: str | None) -> ToolCall:
    told: Any = function.get("arguments")
    if isinstance(told, dict):
        return ToolCall(text_of(function, "name"), told, call_id)  # pyright: ignore[reportUnknownArgumentType]
    arguments, raw = call_arguments(told)
    return ToolCall(text_of(function, "name"), arguments, call_id, raw)


def _citations(message: Json, answer: Json, text: str) -> tuple[Citation, ...]:
    inside = [_citation(a["url_citation"], text) for a in listed(message, "annotations") if a.get("url_citation")]
    found = [Citation("", f.get("url"), title=f.get("title")) for f in listed(answer, "search_results")]
    urls: list[Any] = [] if found else answer.get("citations") or []
    return (*inside, *found, *(Citation("", u) for u in urls if isinstance(u, str)))


def _citation(note: Json, text: str) -> Citation:
    start, end = note.get("start_index"), note.get("end_index")
    placed = isinstance(start, int) and isinstance(end, int) and end > start
    stretch = text[start:end] if placed else ""
    return Citation(stretch, note.get("url"), start if placed else None, end if placed else None, note.get("title"))


def usage(told: Json | None) -> Usage:
    """The tokens of an answer; the vendors keep cached ones in five places."""
    if not told:
        return NO_USAGE
    read = inner(told, "prompt_tokens_details")
    written = inner(told, "completion_tokens_details")
    reasoning = written.get("reasoning_tokens")
    cached, kept = _first(told, read, _CACHED), _first(told, read, _KEPT)
    return Usage(
        whole(_input(told, cached, kept)),
        whole(_output(told, reasoning)),
        whole(cached),
        whole(kept),
        whole(reasoning),
        whole(read.get("audio_tokens")),
        whole(written.get("audio_tokens")),
    )


_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens", "cache_read_input_tokens")
_KEPT = ("cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")


def _first(told: Json, read: Json, names: tuple[str, ...]) -> int | None:
    for name in names:
        for place in (read, told):
            if (count := place.get(name)) is not None:
                return count
    return None


def _input(told: Json, cached: int | None, kept: int | None) -> int | None:
    """All that was read: where the total shows that cached tokens stand beside the prompt, these too."""
    prompt: int | None = told.get("prompt_tokens")
    beside = (cached or 0) + (kept or 0)
    total = (prompt or 0) + beside + (told.get("completion_tokens") or 0)
    return prompt + beside if prompt is not None and beside and told.get("total_tokens") == total else prompt


def _output(told: Json, reasoning: int | None) -> int | None:
    """All that was written: where the total shows that reasoning stands beside the completion, both."""
    output: int | None = told.get("completion_tokens")
    if (
        reasoning
        and output is not None
        and told.get("total_tokens") == (told.get("prompt_tokens") or 0) + output + reasoning
    ):
        return output + reasoning
    return output

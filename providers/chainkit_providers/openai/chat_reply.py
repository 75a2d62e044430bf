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
from chainkit_providers.payload import Json, call_arguments, inner, listed, malformed, text_of, whole

if TYPE_CHECKING:
    from chainkit.models.reply import FinishReason
    from chainkit_providers.openai.dialect import Dialect

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
    replies = [_choice(c, answer, dialect.vendor) for c in choices]
    reply = replies[0]
    counted: Json | None = answer.get("usage") or inner(answer, "x_groq").get("usage")
    reply.usage, reply.price = usage(counted), told(counted, dialect)
    reply.choices = tuple(replies[1:])
    reply.raw = answer
    return reply


def _choice(choice: Json, answer: Json, vendor: str) -> Reply:
    message = inner(choice, "message")
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
    text = text_of(message, "reasoning_content") or text_of(message, "reasoning")
    details = message.get("reasoning_details")
    data = json.dumps(details, ensure_ascii=False) if details else None
    return [Thinking(text, vendor=vendor, data=data)] if text or data else []


def _texts(message: Json, vendor: str) -> list[Text | Thinking]:
    content = message.get("content")
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
    if item.get("type") == "thinking":
        return Thinking(thought(item), vendor=vendor)
    return None


def thought(item: Json) -> str:
    """The text of a thinking item, which is a string or a list of texts."""
    held: str | list[Json] = item.get("thinking") or ""
    return held if isinstance(held, str) else "".join(text_of(t, "text") for t in held)


def _executed(message: Json, vendor: str) -> list[ServerItem]:
    return [ServerItem(vendor, str(t.get("type")), t) for t in listed(message, "executed_tools")]


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
    """The tokens of an answer; the vendors keep cached ones in four places."""
    if not told:
        return NO_USAGE
    read = inner(told, "prompt_tokens_details")
    written = inner(told, "completion_tokens_details")
    reasoning = written.get("reasoning_tokens")
    return Usage(
        whole(told.get("prompt_tokens")),
        whole(_output(told, reasoning)),
        whole(_cached(told, read)),
        whole(read.get("cache_write_tokens")),
        whole(reasoning),
        whole(read.get("audio_tokens")),
        whole(written.get("audio_tokens")),
    )


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


def _cached(told: Json, read: Json) -> int | None:
    places = (
        read.get("cached_tokens"),
        *(told.get(k) for k in ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")),
    )
    return next((n for n in places if n is not None), None)

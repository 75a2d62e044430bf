"""A whole Responses answer as a reply of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import ServerItem, Text, Thinking, ToolCall
from chainkit.models.reply import Citation, Reply
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.faults import fault
from chainkit_providers.folding import shaped
from chainkit_providers.openai.cost import told
from chainkit_providers.openai.responses_request import REASONING_TEXT
from chainkit_providers.payload import Json, call_arguments, inner, listed, malformed, text_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.models.reply import FinishReason
    from chainkit_providers.openai.dialect import Dialect

_CUT: dict[str | None, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}


@shaped("Responses")
def decode(body: Any, dialect: Dialect) -> Reply:
    """A whole answer. Raises the fault of a failed one, or ReplyMalformed."""
    if not isinstance(body, dict):
        raise malformed("Responses", body, "output")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    status: str | None = answer.get("status")
    if answer.get("error") is not None and status in (None, "failed"):
        raise fault(dialect.vendor, answer, keys=dialect.keys)
    if not isinstance(answer.get("output"), list):
        raise malformed("Responses", answer, "output")
    reply = _reply(answer["output"], dialect.vendor)
    reply.finish_word = status
    reply.finish_reason = _finish_reason(status, answer, reply)
    counted: Json | None = answer.get("usage")
    reply.usage, reply.price = usage(counted), told(counted, dialect)
    reply.model, reply.id, reply.raw = answer.get("model"), answer.get("id"), answer
    return reply


def _reply(items: list[Json], vendor: str) -> Reply:
    """Parts in the order of the items; citations are placed in the text of them all."""
    parts: list[Text | Thinking | ToolCall | ServerItem] = []
    refusals: list[str] = []
    citations: list[Citation] = []
    logprobs: list[Any] = []
    start = 0
    for item in items:
        if item.get("type") != "message":
            parts.extend(_other(item, vendor))
            continue
        for content in listed(item, "content"):
            if content.get("type") == "refusal":
                refusals.append(text_of(content, "refusal"))
                continue
            text = text_of(content, "text")
            parts.append(Text(text, item.get("phase")))
            citations.extend(_citations(listed(content, "annotations"), text, start))
            logprobs.extend(listed(content, "logprobs"))
            start += len(text)
    refusal = "".join(refusals) or None
    return Reply(tuple(parts), refusal=refusal, citations=tuple(citations), logprobs=tuple(logprobs))


def _other(item: Json, vendor: str) -> Iterable[Thinking | ToolCall | ServerItem]:
    kind: str = item.get("type") or ""
    if kind == "reasoning":
        return _thinking(item, vendor)
    if kind == "function_call":
        arguments, raw = call_arguments(item.get("arguments"))
        return (ToolCall(text_of(item, "name"), arguments, item.get("call_id"), raw),)
    if kind == "custom_tool_call":
        return (ToolCall(text_of(item, "name"), {}, item.get("call_id"), text_of(item, "input")),)
    return (ServerItem(vendor, kind, item),)


def _thinking(item: Json, vendor: str) -> Iterable[Thinking]:
    """One part for each piece of the summary, the encrypted content with the first."""
    own, data = item.get("id"), item.get("encrypted_content")
    shown = [text_of(c, "text") for c in listed(item, "content") if c.get("type") == REASONING_TEXT]
    if shown:
        return (Thinking("".join(shown), REASONING_TEXT, vendor, own, data),)
    texts = [text_of(s, "text") for s in listed(item, "summary")] or [""]
    return [Thinking(t, None, vendor, own, data if i == 0 else None) for i, t in enumerate(texts)]


def _citations(notes: Iterable[Json], text: str, offset: int) -> Iterable[Citation]:
    for note in notes:
        start, end = note.get("start_index"), note.get("end_index")
        source = note.get("url") or note.get("file_id") or note.get("filename")
        title = note.get("title") or note.get("filename")
        if isinstance(start, int) and isinstance(end, int):
            yield Citation(text[start:end], source, start + offset, end + offset, title)
        else:
            yield Citation("", source, title=title)


def _finish_reason(status: str | None, answer: Json, reply: Reply) -> FinishReason:
    if status == "incomplete":
        return _CUT.get(inner(answer, "incomplete_details").get("reason"), "unknown")
    if reply.refusal:
        return "refusal"
    if status == "completed":
        return "tool_calls" if reply.tool_calls else "stop"
    return "error" if status in ("failed", "cancelled") else "unknown"


def usage(told: Json | None) -> Usage:
    """The tokens of an answer."""
    if not told:
        return NO_USAGE
    read = inner(told, "input_tokens_details")
    written = inner(told, "output_tokens_details")
    return Usage(
        whole(told.get("input_tokens")),
        whole(told.get("output_tokens")),
        whole(read.get("cached_tokens")),
        whole(read.get("cache_write_tokens")),
        whole(written.get("reasoning_tokens")),
    )

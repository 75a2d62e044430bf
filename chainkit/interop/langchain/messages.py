"""LangChain's messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from chainkit.errors import CompositionError
from chainkit.interop.langchain.documents import theirs
from chainkit.messages import Media, Message, Messages, Part, Role, Text, Thinking, ToolCall, ToolResult
from chainkit.models.reply import FinishReason, Reply
from chainkit.usage import NO_USAGE, Usage

_ROLES: dict[str, Role] = {
    "system": "system",
    "human": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "tool": "tool",
}
_KINDS: dict[str, Any] = {"image": "image", "audio": "audio", "video": "video", "file": "document"}
_WORDS = {kind: word for word, kind in _KINDS.items()}


def from_messages(messages: Iterable[Any]) -> Messages:
    """Theirs as ours. Raises CompositionError for a role that there is not."""
    return Messages(_message(m) for m in messages)


def _message(message: Any) -> Message:
    role = _ROLES.get(message.type)
    if role is None:
        raise CompositionError(f"a message of the role {message.type!r} has no place in a conversation here")
    return Message(role, tuple(_parts(message)), None if role == "tool" else message.name)


def _parts(message: Any) -> Iterator[Part]:
    if message.type == "tool":
        text = message.content if isinstance(message.content, str) else json.dumps(message.content)
        yield ToolResult(message.tool_call_id, text, message.name, failed=message.status == "error")
        return
    for block in message.content_blocks:
        kind = block["type"]
        if kind == "text":
            yield Text(block["text"])
        elif kind == "reasoning":
            yield Thinking(block.get("reasoning", ""))
        elif kind in _KINDS:
            data = base64.b64decode(block["base64"]) if "base64" in block else None
            yield Media(_KINDS[kind], block.get("mime_type", "application/octet-stream"), data, block.get("url"))
    for call in getattr(message, "tool_calls", ()):
        yield ToolCall(call["name"], call["args"], call["id"])


def to_messages(messages: Sequence[Message]) -> list[Any]:
    """Ours as theirs. A vendor's own blocks and thinking, which only it can read again, are left out."""
    return [made for message in messages for made in _made(message)]


def _made(message: Message) -> Iterator[Any]:
    kinds = theirs("messages")
    if message.role == "tool":
        for part in message.parts:
            if isinstance(part, ToolResult):
                status = "error" if part.failed else "success"
                yield kinds.ToolMessage(part.text, tool_call_id=part.id or "", name=part.name, status=status)
        return
    content = _content(message.parts)
    if message.role == "assistant":
        calls = [
            {"name": p.name, "args": dict(p.arguments), "id": p.id, "type": "tool_call"}
            for p in message.parts
            if isinstance(p, ToolCall)
        ]
        yield kinds.AIMessage(content=content, tool_calls=calls, name=message.name)
        return
    kind = kinds.SystemMessage if message.role == "system" else kinds.HumanMessage
    yield kind(content=content, name=message.name)


def _content(parts: Sequence[Part]) -> Any:
    blocks = [b for part in parts if (b := _block(part)) is not None]
    if all(b["type"] == "text" for b in blocks):
        return "".join(b["text"] for b in blocks)
    return blocks


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if not isinstance(part, Media):
        return None
    held = {"url": part.url} if part.data is None else {"base64": base64.b64encode(part.data).decode("ascii")}
    return {"type": _WORDS[part.kind], "mime_type": part.media_type, **held}


def from_answer(message: Any) -> Reply:
    """Their answer as a reply, with what it used where they say it."""
    parts = tuple(p for p in _parts(message) if isinstance(p, Text | Thinking | ToolCall))
    told = message.response_metadata
    word = told.get("finish_reason") or told.get("stop_reason")
    reason: FinishReason = (
        "tool_calls" if message.tool_calls else "length" if word in ("length", "max_tokens") else "stop"
    )
    name = told.get("model_name") or told.get("model")
    return Reply(parts, reason, word, _usage(message.usage_metadata), model=name, id=message.id, raw=message)


def _usage(told: Any) -> Usage:
    return NO_USAGE if not told else Usage(input=told["input_tokens"], output=told["output_tokens"])


def to_answer(reply: Reply) -> Any:
    """A reply as their message."""
    (message,) = to_messages([reply.message])
    used = reply.usage
    if used.input is not None and used.output is not None:
        message.usage_metadata = {
            "input_tokens": used.input, "output_tokens": used.output, "total_tokens": used.input + used.output,
        }  # fmt: skip
    message.response_metadata = {"model_name": reply.model, "finish_reason": reply.finish_reason}
    return message

"""Turns of a conversation as `contents`: a role, user or model, and parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainkit.messages import Media, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit_providers.google.errors import VENDOR
from chainkit_providers.payload import Json, base64_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainkit.messages import Message, Part

UNSIGNED = "skip_thought_signature_validator"
"""The vendor's own mark for a call that another model made: newer models refuse a call without a signature."""


def contents(turns: Sequence[Message], *, signed: bool) -> list[Json]:
    """The turns but for system ones; results of tools that ran together share one content.

    `signed` says that the model wants a signature on the first call of a turn.
    """
    written: list[Json] = []
    calls: list[ToolCall] = []
    was_tool = False
    for turn in turns:
        if turn.role == "system":
            continue
        if turn.role == "assistant":
            calls = [p for p in turn.parts if isinstance(p, ToolCall)]
            parts = _model(turn.parts, signed=signed)
        else:
            parts = [_part(p, calls) for p in turn.parts if not (isinstance(p, Text) and not p.text)]
        if was_tool and turn.role == "tool":
            written[-1]["parts"].extend(parts)
        elif parts:
            written.append({"role": "model" if turn.role == "assistant" else "user", "parts": parts})
        was_tool = turn.role == "tool" and bool(parts or was_tool)
    return written


def system(turns: Iterable[Message]) -> Json | None:
    """The system turns, which stand beside the contents."""
    parts = [{"text": p.text} for m in turns if m.role == "system" for p in m.parts if isinstance(p, Text) and p.text]
    return {"parts": parts} if parts else None


def _model(parts: Iterable[Part], *, signed: bool) -> list[Json]:
    """A model's turn. A signature without thoughts goes to the part that follows it, or stands alone at the end."""
    written: list[Json] = []
    held: str | None = None
    for part in parts:
        if isinstance(part, Thinking | ServerItem) and part.vendor != VENDOR:
            continue
        if isinstance(part, Thinking) and not part.text:
            held = part.signature or held
        elif not isinstance(part, Text) or part.text:
            made = _part(part, ())
            written.append(made | {"thoughtSignature": held} if held is not None else made)
            held = None
    if held is not None:
        written.append({"text": "", "thoughtSignature": held})
    first = next((p for p in written if "functionCall" in p), None)
    if signed and first is not None and "thoughtSignature" not in first:
        first["thoughtSignature"] = UNSIGNED
    return written


def _part(part: Part, calls: Sequence[ToolCall]) -> Json:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Media):
        return media(part)
    if isinstance(part, ToolCall):
        return {"functionCall": {**_id(part.id), "name": part.name, "args": dict(part.arguments)}}
    if isinstance(part, ToolResult):
        return _result(part, calls)
    if isinstance(part, ServerItem):
        return dict(part.data)
    thought: Json = {"text": part.text, "thought": True}
    return thought | {"thoughtSignature": part.signature} if part.signature is not None else thought


def _id(given: str | None) -> Json:
    return {} if given is None else {"id": given}


def _result(result: ToolResult, calls: Sequence[ToolCall]) -> Json:
    """A tool's result, under the name of the call that it answers."""
    name = result.name or next((c.name for c in calls if c.id == result.id), None) or "unknown"
    told = {"error" if result.failed else "output": result.text}
    return {"functionResponse": {**_id(result.id), "name": name, "response": told}}


def media(part: Media) -> Json:
    """Bytes in the request itself, or a URL that the vendor opens."""
    if part.url is None:
        return {"inlineData": {"mimeType": part.media_type, "data": base64_text(part)}}
    known = {} if part.media_type.endswith("/*") else {"mimeType": part.media_type}
    return {"fileData": {**known, "fileUri": part.url}}

"""Messages as JSON and back, exactly: every kind of part, and nothing left out. ASCII, in one line."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from chainkit.errors import ChainkitError
from chainkit.messages import Media, Message, Messages, Part, ServerItem, Text, Thinking, ToolCall, ToolResult

_KINDS: dict[str, type[Any]] = {
    "text": Text,
    "media": Media,
    "thinking": Thinking,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "server_item": ServerItem,
}
_WORDS = {cls: word for word, cls in _KINDS.items()}
_FIELDS = {cls: fields(cls) for cls in _WORDS}


def line_of(messages: Sequence[Message]) -> str:
    """Messages as one line of JSON. Raises TypeError for arguments that are no JSON."""
    return json.dumps([_turn(m) for m in messages], separators=(",", ":"))


def messages_of(line: str | bytes, where: str) -> Messages:
    """The messages of a line. Raises ChainkitError, naming where it stands, for one that is none."""
    try:
        return Messages([_message(turn) for turn in json.loads(line)])
    except (ValueError, TypeError, KeyError) as error:
        msg = f"{where} holds what is no turn of a conversation: {type(error).__name__}: {error}"
        raise ChainkitError(msg, cure="take that line out, or clear the conversation") from error


def joined(lines: Iterable[str | bytes], where: str) -> Messages:
    """The messages of many lines."""
    held = [line if isinstance(line, str) else line.decode("ascii", "replace") for line in lines]
    try:
        # One text is read several times as quickly as its lines.
        added = json.loads(f"[{','.join(held)}]")
        return Messages([_message(turn) for each in added for turn in each])
    except (ValueError, TypeError, KeyError):
        return Messages(m for line in held for m in messages_of(line, where))


def _turn(message: Message) -> dict[str, Any]:
    held: dict[str, Any] = {"role": message.role, "parts": [_part(p) for p in message.parts]}
    return held if message.name is None else {**held, "name": message.name}


def _message(data: Mapping[str, Any]) -> Message:
    return Message(data["role"], tuple([_read(p) for p in data["parts"]]), data.get("name"))


def _part(part: Part) -> dict[str, Any]:
    held: dict[str, Any] = {"is": _WORDS[type(part)]}
    for field in _FIELDS[type(part)]:
        value = getattr(part, field.name)
        if value != field.default or type(value) is not type(field.default):
            held[field.name] = _value(value)
    return held


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return dict(value) if isinstance(value, Mapping) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _read(data: Mapping[str, Any]) -> Part:
    if data["is"] == "text" and len(data) == 2:
        return Text(data["text"])
    held = {name: value for name, value in data.items() if name != "is"}
    if data["is"] == "media" and "data" in held:
        held["data"] = base64.b64decode(held["data"]["base64"], validate=True)
    return _KINDS[data["is"]](**held)

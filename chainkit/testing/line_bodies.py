"""An answer in the wire format that streams one JSON object a line, the last with `done`: whole, as lines, and its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from chainkit.testing.shapes import Event, Said, Shape


class ChatLines(Shape):
    """One JSON object a line; a call comes whole, in one of them."""

    name = "chat-lines"
    paths = ("/api/chat",)
    stream_type = "application/x-ndjson"
    without: ClassVar[Mapping[str, str]] = {
        "arguments that are no json are kept as they came": "arguments are an object here, and no text",
        "usage": "it counts no cached tokens",
        "stop reasons": "it filters nothing",
    }

    def body(self, said: Said) -> dict[str, Any]:
        calls = _calls(said)
        message: dict[str, Any] = {"role": "assistant", "content": said.text}
        message |= {"thinking": said.thinking} if said.thinking else {}
        return _head(said) | {"message": message | ({"tool_calls": calls} if calls else {})} | _end(said)

    def events(self, said: Said) -> Iterator[Event]:
        def line(message: dict[str, Any]) -> Event:
            return "", _head(said) | {"message": {"role": "assistant", "content": "", **message}, "done": False}

        if said.thinking:
            yield line({"thinking": said.thinking})
        yield from (line({"content": piece}) for piece in said.pieces)
        yield from (line({"tool_calls": [call]}) for call in _calls(said))
        yield "", _head(said) | {"message": {"role": "assistant", "content": ""}} | _end(said)

    def refusal(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        return {"error": message}

    def too_long(self, message: str) -> tuple[int, Any]:
        return 400, self.refusal(400, f"the input length exceeds the context length: {message}")

    def written(self, event: Event) -> bytes:
        return self.as_told(json.dumps(event[1], ensure_ascii=False))

    def as_told(self, data: str) -> bytes:
        return f"{data}\n".encode()

    def commented(self, write: bytes) -> bytes:
        return b"\n" + write


def _head(said: Said) -> dict[str, Any]:
    return {"model": said.model, "created_at": "2026-01-01T00:00:00.000000Z"}


def _calls(said: Said) -> list[dict[str, Any]]:
    return [
        {"id": call.id or f"call_{i}", "function": {"index": i, "name": call.name, "arguments": dict(call.arguments)}}
        for i, call in enumerate(said.calls)
    ]


def _end(said: Said) -> dict[str, Any]:
    ended = {"done": True, "done_reason": "stop" if said.finish == "tool_calls" else said.finish, "total_duration": 1}
    if said.usage is None:
        return ended
    return ended | {"prompt_eval_count": said.usage.input or 0, "eval_count": said.usage.output or 0}

"""An answer in the wire format that streams one JSON object a line, the last with `done`: whole, as lines, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.testing.wire_bodies import Event, Said


def body(said: Said) -> dict[str, Any]:
    """An unstreamed answer."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    calls = _calls(said)
    return _head(said) | {"message": message | ({"tool_calls": calls} if calls else {})} | _end(said)


def events(said: Said) -> Iterator[Event]:
    """The lines of a stream: a call comes whole, in one of them."""

    def line(message: dict[str, Any]) -> Event:
        return "", _head(said) | {"message": {"role": "assistant", "content": "", **message}, "done": False}

    yield from (line({"content": piece}) for piece in said.pieces)
    yield from (line({"tool_calls": [call]}) for call in _calls(said))
    yield "", _head(said) | {"message": {"role": "assistant", "content": ""}} | _end(said)


def refusal(message: str) -> dict[str, Any]:
    """An error: a text, and nothing beside it."""
    return {"error": message}


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

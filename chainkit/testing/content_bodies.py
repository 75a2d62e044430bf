"""An answer in the wire format whose method is `generateContent`: whole, as the events of a stream, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.testing.wire_bodies import Event, Said

_ENDS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def body(said: Said) -> dict[str, Any]:
    """An unstreamed answer."""
    parts = [{"text": said.text}] if said.text else []
    return _head(said) | {"candidates": [_candidate([*parts, *_calls(said)], said)]} | _usage(said)


def events(said: Said) -> Iterator[Event]:
    """The events of a streamed answer: each has the form of a whole one, and the last one says why it ended."""
    for piece in said.pieces:
        yield "", _head(said) | {"candidates": [_candidate([{"text": piece}])]}
    for call in _calls(said):
        yield "", _head(said) | {"candidates": [_candidate([call])]}
    yield "", _head(said) | {"candidates": [_candidate([{"text": ""}], said)]} | _usage(said)


def refusal(status: int, message: str, code: str | None = None) -> dict[str, Any]:
    """An error."""
    return {"error": {"code": status, "message": message, "status": code or _STATUS.get(status, "UNKNOWN")}}


def _head(said: Said) -> dict[str, Any]:
    return {"modelVersion": said.model, "responseId": "0"}


def _candidate(parts: list[Any], said: Said | None = None) -> dict[str, Any]:
    ended = {} if said is None else {"finishReason": _ENDS[said.finish]}
    return {"content": {"role": "model", "parts": parts}, "index": 0, **ended}


def _calls(said: Said) -> list[dict[str, Any]]:
    return [
        {"functionCall": {"id": call.id or f"call_{i}", "name": call.name, "args": dict(call.arguments)}}
        for i, call in enumerate(said.calls)
    ]


def _usage(said: Said) -> dict[str, Any]:
    if said.usage is None:
        return {}
    read, written = said.usage.input or 0, said.usage.output or 0
    counts = {"promptTokenCount": read, "candidatesTokenCount": written, "totalTokenCount": read + written}
    return {"usageMetadata": counts | {"cachedContentTokenCount": said.usage.cached or 0}}

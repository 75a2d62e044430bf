"""An answer in the wire format whose method is `generateContent`: whole, as the events of a stream, and its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from chainkit.testing.shapes import Event, Said, Shape

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


class GenerateContent(Shape):
    """`generateContent`: each event of a stream has the form of a whole answer, and the last one says why it ended."""

    name = "generate-content"
    paths = (":generateContent", ":streamGenerateContent")
    without: ClassVar[Mapping[str, str]] = {
        "arguments that are no json are kept as they came": "arguments are an object here, and no text"
    }

    def body(self, said: Said) -> dict[str, Any]:
        parts = [{"text": said.text}] if said.text else []
        whole = [*_thoughts(said), *parts, *_calls(said)]
        return _head(said) | {"candidates": [_candidate(whole, said)]} | _usage(said)

    def events(self, said: Said) -> Iterator[Event]:
        for part in (*_thoughts(said), *({"text": piece} for piece in said.pieces), *_calls(said)):
            yield "", _head(said) | {"candidates": [_candidate([part])]}
        yield "", _head(said) | {"candidates": [_candidate([{"text": ""}], said)]} | _usage(said)

    def refusal(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        return {"error": {"code": status, "message": message, "status": code or _STATUS.get(status, "UNKNOWN")}}

    def too_long(self, message: str) -> tuple[int, Any]:
        told = f"The input token count exceeds the maximum number of tokens allowed: {message}"
        return 400, self.refusal(400, told)

    def error_event(self, message: str, code: str = "overloaded_error") -> Event:
        return "", self.refusal(503, message)

    def streams(self, path: str, asked: Mapping[str, Any]) -> bool:
        return ":stream" in path


def _thoughts(said: Said) -> list[dict[str, Any]]:
    return [{"text": said.thinking, "thought": True}] if said.thinking else []


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

"""Bedrock's Converse, for the fault server and the suite: JSON whole, and binary frames with checksums as a stream."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from typing import TYPE_CHECKING, Any, ClassVar

from chainkit.testing import Shape
from chainkit.testing.shapes import arguments, counts, halves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chainkit.testing.shapes import Event, Said

STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "guardrail_intervened"}
EXCEPTIONS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


class Converse(Shape):
    """`/model/NAME/converse` and `/converse-stream`."""

    name = "converse"
    paths = ("/converse", "/converse-stream")
    stream_type = "application/vnd.amazon.eventstream"
    lines = False
    without: ClassVar[Mapping[str, str]] = {"no usage is unknown and not zero": "the counts are what ends its streams"}

    def body(self, said: Said) -> dict[str, Any]:
        thought = {"reasoningContent": {"reasoningText": {"text": said.thinking, "signature": "s"}}}
        blocks: list[Any] = [thought] if said.thinking else []
        blocks += [{"text": said.text}] if said.text else []
        for i, call in enumerate(said.calls):
            called = {"toolUseId": call.id or f"t{i}", "name": call.name, "input": dict(call.arguments)}
            blocks.append({"toolUse": called})
        message = {"role": "assistant", "content": blocks}
        return {"output": {"message": message}, "stopReason": stop(said), **used(said)}

    def events(self, said: Said) -> Iterator[Event]:
        yield "messageStart", {"role": "assistant"}
        deltas: list[tuple[Any, list[Any]]] = []
        if said.thinking:
            told = [{"reasoningContent": {"text": half}} for half in halves(said.thinking)]
            deltas.append((None, [*told, {"reasoningContent": {"signature": "s"}}]))
        if said.text:
            deltas.append((None, [{"text": piece} for piece in said.pieces]))
        for i, call in enumerate(said.calls):
            start = {"toolUse": {"toolUseId": call.id or f"t{i}", "name": call.name}}
            deltas.append((start, [{"toolUse": {"input": half}} for half in halves(arguments(call))]))
        for i, (start, parts) in enumerate(deltas):
            if start is not None:
                yield "contentBlockStart", {"contentBlockIndex": i, "start": start}
            for delta in parts:
                yield "contentBlockDelta", {"contentBlockIndex": i, "delta": delta}
            yield "contentBlockStop", {"contentBlockIndex": i}
        yield "messageStop", {"stopReason": stop(said)}
        if said.usage is not None:
            yield "metadata", {**used(said), "metrics": {"latencyMs": 1}}

    def refusal(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        return {"message": message}

    def too_long(self, message: str) -> tuple[int, Any]:
        return 400, self.refusal(400, f"Input is too long for requested model: {message}")

    def error_event(self, message: str, code: str = "overloaded_error") -> Event:
        return "!serviceUnavailableException", {"message": message}

    def written(self, event: Event) -> bytes:
        name, data = event
        kind = "exception" if name.startswith("!") else "event"
        told = {":message-type": kind, f":{kind}-type": name.lstrip("!"), ":content-type": "application/json"}
        return frame(data if isinstance(data, str) else json.dumps(data, ensure_ascii=False), told)

    def as_told(self, data: str) -> bytes:
        return self.written(("contentBlockDelta", data)) if data else b""

    def commented(self, write: bytes) -> bytes:
        return write

    def streams(self, path: str, asked: Mapping[str, Any]) -> bool:
        return path.endswith("-stream")


def stop(said: Said) -> str:
    """Why it ended."""
    return "tool_use" if said.calls and said.finish == "stop" else STOPS[said.finish]


def used(said: Said) -> dict[str, Any]:
    """The counts, if there are any: cached tokens stand beside the others here."""
    if said.usage is None:
        return {}
    read, wrote, cached = counts(said)
    told = {"inputTokens": read - cached, "outputTokens": wrote, "totalTokens": read + wrote}
    return {"usage": told | {"cacheReadInputTokens": cached}}


def frame(payload: str, headers: Mapping[str, str]) -> bytes:
    """One message of the AWS event stream encoding."""
    data = payload.encode()
    named = b"".join(
        struct.pack(">B", len(n)) + n.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode()
        for n, v in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(named) + len(data), len(named))
    body = prelude + struct.pack(">I", crc32(prelude)) + named + data
    return body + struct.pack(">I", crc32(body))

"""Bedrock's framing of a stream, given as server-sent events."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from binascii import crc32

import pytest

pytest.importorskip("botocore.eventstream")

from chainkit.models.sse import SseParser
from chainkit_providers.anthropic.sdk import AwsEvents


def frame(payload: bytes, **headers: str) -> bytes:
    """One message of the AWS event stream encoding, as its specification lays it out."""
    named = b"".join(
        struct.pack(">B", len(n) + 1) + f":{n}".encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode()
        for n, v in ((k.replace("_", "-"), v) for k, v in headers.items())
    )
    prelude = struct.pack(">II", 16 + len(named) + len(payload), len(named))
    body = prelude + struct.pack(">I", crc32(prelude)) + named + payload
    return body + struct.pack(">I", crc32(body))


def event(data: dict[str, object]) -> bytes:
    held = json.dumps({"bytes": b64encode(json.dumps(data).encode()).decode()}).encode()
    return frame(held, event_type="chunk", content_type="application/json", message_type="event")


def test_events_come_out_however_the_network_cuts_them() -> None:
    sent = [
        {"type": "message_start"},
        {"type": "content_block_delta", "delta": {"text": "grün"}},
        {"type": "message_stop"},
    ]
    data = b"".join(map(event, sent))
    for size in (1, 7, 100, len(data)):
        undo, parser = AwsEvents(), SseParser()
        found = [e for i in range(0, len(data), size) for e in parser.feed(undo.decode(data[i : i + size]))]
        assert [name for name, _ in found] == ["message_start", "content_block_delta", "message_stop"]
        assert [json.loads(body) for _, body in found] == sent
        assert undo.flush() == b""


def test_an_exception_in_the_stream_is_an_error_event() -> None:
    refused = frame(b'{"message":"slow down"}', message_type="exception", exception_type="throttlingException")
    ((name, body),) = SseParser().feed(AwsEvents().decode(refused))
    assert name == "error"
    assert json.loads(body)["error"]["type"] == "throttlingException"

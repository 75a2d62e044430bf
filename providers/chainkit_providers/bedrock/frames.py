"""AWS's framing of a stream: binary messages with checksums, read by botocore."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from chainkit.errors import MissingExtra, ReplyMalformed


class AwsFrames:
    """One stream. Gives each message's kind and payload; an exception's kind is `!` and its name."""

    def __init__(self) -> None:
        try:
            from botocore.eventstream import EventStreamBuffer
        except ImportError as error:
            msg = "bedrock: a stream is read by botocore, which is not installed"
            raise MissingExtra(msg, cure="pip install 'chainkit[bedrock]'") from error
        make: Any = EventStreamBuffer
        self._frames = make()

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The messages that end in `data`. Raises ReplyMalformed where a checksum is wrong."""
        from botocore.eventstream import ParserError

        self._frames.add_data(data)
        found: list[tuple[str, bytes]] = []
        try:
            for frame in self._frames:
                said = frame.headers
                kind = said.get(":event-type") or f"!{said.get(':exception-type') or said.get(':error-code')}"
                found.append(self.opened(str(kind), frame.payload))
        except ParserError as error:
            raise ReplyMalformed(f"bedrock's stream was damaged on its way: {error}") from error
        return found

    def opened(self, kind: str, payload: bytes) -> tuple[str, bytes]:
        """A message as an event."""
        return kind, payload

    def rest(self) -> list[tuple[str, bytes]]:
        """Nothing: half a message is none."""
        return []


class WrappedFrames(AwsFrames):
    """The same, around another vendor's events."""

    def opened(self, kind: str, payload: bytes) -> tuple[str, bytes]:
        """The event inside."""
        if kind != "chunk":
            return kind, payload
        return "message", b64decode(json.loads(payload)["bytes"])

"""The anthropic package as a carrier: `anthropic.Anthropic`, Bedrock, Vertex, Foundry and their async forms."""

from __future__ import annotations

import json
from base64 import b64decode
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainkit.errors import AuthenticationError
from chainkit.run.carriers.sdk import PostCarrier, made, posting

if TYPE_CHECKING:
    from chainkit.models.provider import Account
    from chainkit.run.carriers.handed import Mode
    from chainkit.run.carriers.transport import Sockets


class AnthropicSdk:
    """What the carriers need to know of the anthropic package."""

    def mode(self, client: object) -> Mode | None:
        """Whether that is one of its clients, and which kind."""
        return posting(client, "anthropic")

    def client(self, account: Account, sockets: Sockets) -> Any:
        """A client for an account; what the account leaves open, it reads from its own environment."""
        import anthropic

        make = anthropic.Anthropic if sockets.blocking else anthropic.AsyncAnthropic
        try:
            client = made(make, anthropic, account, sockets)
        except anthropic.AnthropicError as error:
            raise _no_key(account, error) from error
        if not any(getattr(client, name, None) for name in _WAYS_IN):
            raise _no_key(account)
        return client

    def carrier(self, client: Any, sockets: Sockets | None = None) -> PostCarrier:
        """A carrier through a client."""
        import anthropic

        return PostCarrier(anthropic, client, sockets, undo={"application/vnd.amazon.eventstream": AwsEvents})


_WAYS_IN = ("api_key", "auth_token", "credentials", "_token_cache")
"""What a client of this package may prove itself with; without any of them it fails at its first request only."""


def _no_key(account: Account, error: Exception | None = None) -> AuthenticationError:
    why = f": {error}" if error is not None else ""
    return AuthenticationError(
        f"{account.provider}: the anthropic client has no key{why}", cure="set ANTHROPIC_API_KEY, or pass api_key="
    )


class AwsEvents:
    """Bedrock frames the events of a stream in AWS's own form; this gives them as server-sent events."""

    def __init__(self) -> None:
        # Comes with anthropic[bedrock].
        self._frames: Any = import_module("botocore.eventstream").EventStreamBuffer()

    def decode(self, data: bytes) -> bytes:
        """The events that are whole."""
        self._frames.add_data(data)
        return b"".join(_event(frame.to_response_dict()) for frame in self._frames)

    def flush(self) -> bytes:
        """Nothing: half a frame is no event."""
        return b""


def _event(frame: dict[str, Any]) -> bytes:
    headers, payload = frame["headers"], frame["body"]
    if frame["status_code"] != 200:
        kind = headers.get(":exception-type") or headers.get(":error-code") or "api_error"
        said = {"type": "error", "error": {"type": str(kind), "message": payload.decode("utf-8", "replace")}}
        return b"event: error\ndata: " + json.dumps(said).encode() + b"\n\n"
    held = json.loads(payload).get("bytes")
    if held is None:
        return b""
    data = b64decode(held)
    return b"event: " + str(json.loads(data).get("type", "")).encode() + b"\ndata: " + data + b"\n\n"


SDK = AnthropicSdk()

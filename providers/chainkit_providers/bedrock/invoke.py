"""Claude on Bedrock by Anthropic's own Messages: `POST /model/{model}/invoke`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.bedrock.errors import refused
from chainkit_providers.bedrock.frames import WrappedFrames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.request import ChatRequest

_VERSION = "bedrock-2023-05-31"
"""The version of Messages that stands in the body here, as the model stands in the path."""


class InvokeMessages(MessagesWire):
    """Messages, wrapped as Bedrock wraps what it hands through."""

    framing = WrappedFrames

    def path(self, request: ChatRequest) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """Where to POST."""
        return f"model/{{model}}/invoke{'-with-response-stream' if request.stream else ''}"

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The body of Messages, its model and its wish for a stream left to the path."""
        body = super().encode(request, options)
        del body["model"]
        body.pop("stream", None)
        return {"anthropic_version": _VERSION, **body}

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return refused(status, headers, body)

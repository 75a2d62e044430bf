"""Ollama's chat: `POST /api/chat`, streamed as one JSON object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.models.json_lines import JsonLines
from chainkit_providers.ollama.fold import ChatFold
from chainkit_providers.ollama.reply import decode
from chainkit_providers.ollama.request import encode
from chainkit_providers.ollama.wire import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest


class Chat:
    """The native chat."""

    name = "native"
    path = "api/chat"
    framing = JsonLines

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the wire honours out of `options`."""
        return encode(request, options)

    def decode(self, body: Any) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault that it holds."""
        return decode(body)

    def fold(self, request: ChatRequest) -> ChatFold:
        """A fresh fold for a streamed answer."""
        return ChatFold()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return refusal(status, headers, body)

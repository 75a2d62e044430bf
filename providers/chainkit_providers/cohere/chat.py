"""The v2 chat wire: `POST /v2/chat`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.cohere.fold import ChatFold
from chainkit_providers.cohere.reply import KEYS, VENDOR, decode
from chainkit_providers.cohere.request import encode
from chainkit_providers.faults import http_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest


class ChatV2:
    """Cohere's v2 chat."""

    name = "chat"
    path = "v2/chat"

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
        return http_fault(VENDOR, status, headers, body, keys=KEYS)

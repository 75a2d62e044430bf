"""The Messages wire: `POST /v1/messages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.anthropic.fold import MessagesFold
from chainkit_providers.anthropic.reply import KEYS, VENDOR, decode
from chainkit_providers.anthropic.request import encode
from chainkit_providers.faults import http_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest


class MessagesWire:
    """Anthropic's Messages."""

    name = "messages"
    path = "v1/messages"

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the wire and the model honour out of `options`. May raise BadRequest."""
        return encode(request, options)

    def decode(self, body: Any) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault that it holds."""
        return decode(body)

    def fold(self, request: ChatRequest) -> MessagesFold:
        """A fresh fold for a streamed answer."""
        return MessagesFold()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return http_fault(VENDOR, status, headers, body, keys=KEYS)

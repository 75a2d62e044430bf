"""The Converse wire: `POST /model/{model}/converse`, and `/converse-stream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.bedrock.errors import refused
from chainkit_providers.bedrock.fold import ConverseFold
from chainkit_providers.bedrock.frames import AwsFrames
from chainkit_providers.bedrock.reply import decode
from chainkit_providers.bedrock.request import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest


class Converse:
    """One form for all models of Bedrock."""

    name = "converse"
    framing = AwsFrames

    def path(self, request: ChatRequest) -> str:
        """Where to POST."""
        return f"model/{{model}}/converse{'-stream' if request.stream else ''}"

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the wire and the model honour out of `options`. May raise BadRequest."""
        return encode(request, options)

    def decode(self, body: Any) -> Reply:
        """A whole answer. Raises ReplyMalformed."""
        return decode(body)

    def fold(self, request: ChatRequest) -> ConverseFold:
        """A fresh fold for a streamed answer."""
        return ConverseFold()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return refused(status, headers, body)

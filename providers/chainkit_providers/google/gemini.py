"""The wire of Gemini: `models/{model}:generateContent`, and `:streamGenerateContent` for streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.google.errors import refused
from chainkit_providers.google.fold import GeminiFold, whole
from chainkit_providers.google.options import GoogleOptions
from chainkit_providers.google.places import STUDIO
from chainkit_providers.google.reply import decode
from chainkit_providers.google.request import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest
    from chainkit_providers.google.places import Place


class Gemini:
    """Gemini's own interface, at one place."""

    name = "chat"
    vendor = GoogleOptions

    def __init__(self, place: Place = STUDIO) -> None:
        self._place = place

    def path(self, request: ChatRequest) -> str:
        """Where to POST."""
        verb = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return self._place.path(request.model, verb)

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the wire and the model honour out of `options`. May raise BadRequest."""
        return encode(request, options)

    def decode(self, body: Any) -> Reply:
        """A whole answer, or the events of a stream in one array. Raises ReplyMalformed, or the fault that it holds."""
        return whole(body) if isinstance(body, list) and body else decode(body)

    def fold(self, request: ChatRequest) -> GeminiFold:
        """A fresh fold for a streamed answer."""
        return GeminiFold(request.options.get("n") or 1)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return refused(self._place.vendor, status, headers, body)

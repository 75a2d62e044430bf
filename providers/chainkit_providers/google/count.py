"""Counting tokens: `countTokens`, asked with the body of a question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.count import TokenCount
from chainkit_providers.folding import shaped
from chainkit_providers.google.errors import refused
from chainkit_providers.google.places import STUDIO
from chainkit_providers.google.request import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.count import CountRequest
    from chainkit_providers.google.places import Place
    from chainkit_providers.payload import Json

_READ = ("contents", "systemInstruction", "tools", "generationConfig")
"""What of a question Vertex AI counts."""


class CountTokens:
    """How many tokens a question has. AI Studio takes the whole of it, Vertex AI what is read."""

    name = "count"
    answer: Literal["json", "bytes"] = "json"

    def __init__(self, place: Place = STUDIO) -> None:
        self._place = place

    def path(self, request: CountRequest) -> str:
        """Where to POST."""
        return self._place.path(request.model, "countTokens")

    def encode(self, request: CountRequest, options: dict[str, Any]) -> Json:
        """The JSON body: what the model would read."""
        body = encode(replace(request.asked, stream=False), dict(request.asked.options))
        if self._place.vendor != "google":
            return {name: body[name] for name in _READ if name in body}
        named = request.model if "/" in request.model else f"models/{request.model}"
        return {"generateContentRequest": {"model": named, **body}}

    def decode(self, body: Any, request: CountRequest) -> TokenCount:
        """The count. Raises ReplyMalformed."""
        return _counted(body, request.model)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return refused(self._place.vendor, status, headers, body)


@shaped("countTokens")
def _counted(body: Any, model: str) -> TokenCount:
    return TokenCount(tokens=int(body["totalTokens"]), model=model, raw=body)


COUNT = CountTokens()

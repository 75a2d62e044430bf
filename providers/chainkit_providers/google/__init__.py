"""Google: Gemini through AI Studio (`google:`) and through Vertex AI (`vertex:`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit_providers.google.errors import KEYS
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.google.options import GoogleOptions
from chainkit_providers.google.places import STUDIO

if TYPE_CHECKING:
    from chainkit.models.provider import Account

__all__ = ["GoogleOptions", "provider"]

_SWITCHES = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")


class Google(HttpProvider):
    """The row. Where the variable is set that sends Google's own client to Vertex AI, that is where it asks."""

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        told = next((v for name in _SWITCHES if (v := os.environ.get(name, "").strip().lower())), "")
        if told not in ("1", "true"):
            return super().open(account)
        from chainkit_providers.google.vertex import provider as vertex

        return vertex.open(account)


provider = Google(
    name="google",
    base_url=STUDIO.host,
    wires={"chat": Gemini()},
    batches="chainkit_providers.google.batches:BATCHES",
    key_env=KEYS,
    base_url_env=("GOOGLE_GEMINI_BASE_URL",),
    auth="x-goog-api-key: {key}",
    keys_at="https://aistudio.google.com/apikey",
    profiles="chainkit_providers.google.models:profile",
    vendor=GoogleOptions,
    tasks={
        "count": "chainkit_providers.google.count:COUNT",
        "embed": "chainkit_providers.google.embed:EMBED",
        "image": "chainkit_providers.google.images:DRAW",
        "speak": "chainkit_providers.google.speech:SPEAK",
    },
)

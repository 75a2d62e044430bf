"""Google: Gemini through AI Studio (`google:`) and through Vertex AI (`vertex:`)."""

from __future__ import annotations

from chainkit.models.http import HttpProvider
from chainkit_providers.google.errors import KEYS
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.google.options import GoogleOptions
from chainkit_providers.google.places import STUDIO

__all__ = ["GoogleOptions", "provider"]

provider = HttpProvider(
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

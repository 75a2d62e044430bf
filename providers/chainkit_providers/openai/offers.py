"""Who, of those that speak OpenAI's protocols, is asked what besides chat: names alone, so that a chat loads no more.

`chainkit_providers.openai.tasks` holds the wires.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainkit.models.late import Late

OFFERS: Mapping[str, str] = {
    "openai": "embed image transcribe speak",
    "azure": "embed image transcribe speak",
    "openrouter": "embed rerank image transcribe speak",
    "together": "embed rerank image transcribe speak",
    "mistral": "embed transcribe speak",
    "perplexity": "embed",
    "xai": "image",
    "groq": "transcribe speak",
    "fireworks": "embed rerank",
    "deepinfra": "embed",
    "nebius": "embed",
    "nvidia": "embed",
    "siliconflow": "embed rerank",
    "dashscope": "embed",
    "github": "embed",
    "vercel": "embed",
    "lmstudio": "embed",
    "llamacpp": "embed rerank",
    "vllm": "embed rerank transcribe",
    "sglang": "embed rerank",
    "litellm": "embed image transcribe speak rerank",
    "gpustack": "embed rerank",
}
"""By vendor: the kinds that it offers."""

LIMITS: Mapping[str, tuple[int | None, int | None]] = {
    "mistral": (None, 16_000),
    "litellm": (2048, 250_000),
}
"""By vendor: how many texts one request may hold, and how many tokens they may have together, where that is known."""


def tasks_of(vendor: str, keys: tuple[str, ...] = (), prefix: str = "") -> dict[str, Late]:
    """What a vendor is asked besides chat: its wires by their kind, made when they are asked for.

    `keys` are the variables that hold its key, `prefix` stands before its paths.
    """
    kinds = OFFERS.get(vendor, "").split()
    return {kind: Late("chainkit_providers.openai.tasks:wire", (vendor, kind, keys, prefix)) for kind in kinds}

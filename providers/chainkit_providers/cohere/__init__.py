"""Cohere: v2 chat, embeddings and reranking."""

from __future__ import annotations

from chainkit.models.http import HttpProvider
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.cohere.embed import EmbedV2
from chainkit_providers.cohere.options import CohereOptions
from chainkit_providers.cohere.reply import KEYS
from chainkit_providers.reranking import RerankWire

__all__ = ["CohereOptions", "provider"]

provider = HttpProvider(
    name="cohere",
    base_url="https://api.cohere.com",
    wires={"chat": ChatV2()},
    tasks={"embed": EmbedV2("cohere", KEYS), "rerank": RerankWire("cohere", KEYS, prefix="v2/")},
    key_env=KEYS,
    base_url_env=("CO_API_URL",),
    hosts=("api.cohere.ai",),
    keys_at="https://dashboard.cohere.com/api-keys",
    sdk="chainkit_providers.cohere.sdk:SDK",
    extra="cohere",
    vendor=CohereOptions,
    profiles="chainkit_providers.cohere.models:profile",
)

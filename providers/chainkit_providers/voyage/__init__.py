"""Voyage: embeddings and reranking, no chat."""

from __future__ import annotations

import re
from typing import TypedDict

from chainkit.models.http import HttpProvider
from chainkit.models.profile import Profile
from chainkit_providers.openai.embeddings import EmbeddingsWire
from chainkit_providers.reranking import RerankWire

KEYS = ("VOYAGE_API_KEY",)
_ROOM = (
    (re.compile(r"lite"), 1_000_000),
    (re.compile(r"^voyage-(?:4|3\.5|2)$"), 320_000),
)
"""Tokens of one request, by model; else 120,000. Source: the vendor's page of its embeddings interface."""


class VoyageOptions(TypedDict, total=False):
    """What only Voyage takes."""

    voyage_truncation: bool
    """Cut a text that is too long. Unasked it is refused, as what is cut is lost unseen."""


def profile(model: str) -> Profile:
    """What is known of a model."""
    room = next((tokens for pattern, tokens in _ROOM if pattern.search(model)), 120_000)
    kind = "rerank" if model.startswith("rerank") else "embed"
    takes = frozenset({"top_n"} if kind == "rerank" else {"dimensions", "task"}) | {"extra", "vendor"}
    return Profile(
        "voyage",
        model,
        kinds=frozenset({kind}),
        options=takes,
        most=1000,
        room=room,
        media=frozenset(),
        fetches=frozenset(),
        priced_as="voyageai",
    )


provider = HttpProvider(
    name="voyage",
    base_url="https://api.voyageai.com/v1",
    wires={},
    tasks={
        "embed": EmbeddingsWire(
            "voyage",
            KEYS,
            options={"dimensions": "output_dimension", "task": "input_type"},
            tasks={"query": "query", "document": "document"},
            always={"encoding_format": "base64", "truncation": False},
        ),
        "rerank": RerankWire("voyage", KEYS, top="top_k", under="data", always={"truncation": False}),
    },
    key_env=KEYS,
    keys_at="https://dashboard.voyageai.com/api-keys",
    profiles=profile,
    vendor=VoyageOptions,
)

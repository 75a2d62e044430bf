"""Jina: embeddings and reranking, no chat."""

from __future__ import annotations

from typing import TypedDict

from chainkit.models.http import HttpProvider
from chainkit.models.profile import Profile
from chainkit_providers.openai.embeddings import EmbeddingsWire
from chainkit_providers.reranking import RerankWire

KEYS = ("JINA_API_KEY",)


class JinaOptions(TypedDict, total=False):
    """What only Jina takes."""

    jina_late_chunking: bool
    """Read the texts of one request as one document, and give each its vector within that."""
    jina_truncate: bool
    """Cut a text that is too long. Unasked it is refused."""
    jina_normalized: bool


def profile(model: str) -> Profile:
    """What is known of a model."""
    kind = "rerank" if "rerank" in model else "embed"
    takes = frozenset({"top_n"} if kind == "rerank" else {"dimensions", "task"}) | {"extra", "vendor"}
    return Profile(
        "jina",
        model,
        kinds=frozenset({kind}),
        options=takes,
        most=512,
        media=frozenset(),
        fetches=frozenset(),
    )


provider = HttpProvider(
    name="jina",
    base_url="https://api.jina.ai/v1",
    wires={},
    tasks={
        "embed": EmbeddingsWire(
            "jina",
            KEYS,
            options={"dimensions": "dimensions", "task": "task"},
            tasks={
                "query": "retrieval.query",
                "document": "retrieval.passage",
                "similarity": "text-matching",
                "classification": "classification",
                "clustering": "separation",
            },
        ),
        "rerank": RerankWire("jina", KEYS, always={"return_documents": False}),
    },
    key_env=KEYS,
    keys_at="https://jina.ai/api-dashboard",
    profiles=profile,
    vendor=JinaOptions,
)

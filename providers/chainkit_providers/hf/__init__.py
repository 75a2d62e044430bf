"""Hugging Face: Inference Providers by their router, and servers of one's own (text generation, text embeddings)."""

from __future__ import annotations

from chainkit_providers.hf.options import HfOptions
from chainkit_providers.hf.provider import HuggingFace, provider

__all__ = ["HfOptions", "HuggingFace", "provider"]

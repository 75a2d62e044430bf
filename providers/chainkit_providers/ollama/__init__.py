"""Ollama's own API: models on this machine or another, and Ollama's cloud.

`api="chat"` and `api="responses"` ask the same server through OpenAI's protocols.
"""

from __future__ import annotations

from chainkit_providers.ollama.options import OllamaOptions
from chainkit_providers.ollama.provider import Ollama, provider

__all__ = ["Ollama", "OllamaOptions", "provider"]

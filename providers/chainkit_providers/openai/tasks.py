"""Who, of those that speak OpenAI's protocols, embeds, reranks, draws, transcribes and speaks: rows of wires.

A row says what a vendor's own documentation or client says, or what was recorded; a vendor that stands here not is
asked for chat alone. Options that a row does not name are refused before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from chainkit_providers.openai.audio import SpeechWire, TranscriptionsWire
from chainkit_providers.openai.embeddings import EmbeddingsWire
from chainkit_providers.openai.images import OPTIONS, ImagesWire
from chainkit_providers.openai.mistral_audio import MistralSpeech, MistralTranscriptions
from chainkit_providers.reranking import RerankWire

Wires: TypeAlias = EmbeddingsWire | RerankWire | ImagesWire | TranscriptionsWire | SpeechWire
_BASE64 = {"encoding_format": "base64"}
_ANY = re.compile(r"")
_OPENAI_VOICES = ("alloy", "ash", "coral", "nova", "sage", "verse")
_OPENAI_SPEECH = {
    "voice": "voice",
    "format": "response_format",
    "speed": "speed",
    "instructions": "instructions",
}
_INPUT_TYPE = {"query": "query", "document": "passage"}


def _openai(vendor: str) -> tuple[Wires, ...]:
    return (
        EmbeddingsWire(vendor, always=_BASE64),
        ImagesWire(vendor, always={"response_format": "b64_json"}, edits="openai"),
        TranscriptionsWire(vendor, translates=True),
        SpeechWire(vendor, options=_OPENAI_SPEECH, voices=_OPENAI_VOICES),
    )


def _openrouter() -> tuple[Wires, ...]:
    drawing = {**OPTIONS, "background": "background", "format": "output_format", "seed": "seed"}
    return (
        EmbeddingsWire("openrouter", cost="cost"),
        RerankWire("openrouter"),
        ImagesWire("openrouter", place="images", options=drawing, edits="input_references", cost="cost"),
        TranscriptionsWire("openrouter", options={"language": "language"}, sends="json", times=_ANY, cost="cost"),
        SpeechWire("openrouter", options=_OPENAI_SPEECH),
    )


def _together() -> tuple[Wires, ...]:
    drawing = {"n": "n", "seed": "seed", "format": "output_format"}
    return (
        EmbeddingsWire("together", options={}),
        RerankWire("together"),
        ImagesWire("together", options=drawing, always={"response_format": "base64"}, edits="image_url", sides=True),
        TranscriptionsWire("together", translates=True),
        SpeechWire("together", options={"voice": "voice", "format": "response_format"}),
    )


ROWS: Mapping[str, tuple[Wires, ...]] = {
    "openai": _openai("openai"),
    "azure": _openai("azure"),
    "openrouter": _openrouter(),
    "together": _together(),
    "mistral": (
        EmbeddingsWire("mistral", options={"dimensions": "output_dimension"}),
        MistralTranscriptions("mistral", options={"language": "language"}, times=None),
        MistralSpeech("mistral", options={"voice": "voice_id", "format": "response_format"}),
    ),
    "perplexity": (
        EmbeddingsWire(
            "perplexity", prefix="v1/", always={"encoding_format": "base64_int8"}, packed="b", cost="cost.total_cost"
        ),
    ),
    "xai": (ImagesWire("xai", options={"n": "n"}, always={"response_format": "b64_json"}, cost="cost_in_usd_ticks"),),
    "groq": (
        TranscriptionsWire("groq", translates=True),
        SpeechWire("groq", voices=("Fritz-PlayAI", "Celeste-PlayAI")),
    ),
    "fireworks": (EmbeddingsWire("fireworks"), RerankWire("fireworks")),
    "deepinfra": (EmbeddingsWire("deepinfra"),),
    "nebius": (EmbeddingsWire("nebius"),),
    "nvidia": (EmbeddingsWire("nvidia", options={"task": "input_type"}, tasks=_INPUT_TYPE),),
    "siliconflow": (EmbeddingsWire("siliconflow"), RerankWire("siliconflow")),
    "dashscope": (EmbeddingsWire("dashscope"),),
    "github": (EmbeddingsWire("github"),),
    "vercel": (EmbeddingsWire("vercel"),),
    "lmstudio": (EmbeddingsWire("lmstudio", options={}),),
    "llamacpp": (EmbeddingsWire("llamacpp", options={}), RerankWire("llamacpp")),
    "vllm": (EmbeddingsWire("vllm"), RerankWire("vllm"), TranscriptionsWire("vllm", times=_ANY)),
    "sglang": (EmbeddingsWire("sglang", options={}), RerankWire("sglang")),
    "litellm": (*_openai("litellm"), RerankWire("litellm")),
    "gpustack": (EmbeddingsWire("gpustack"), RerankWire("gpustack")),
}


def wire(vendor: str, kind: str, keys: tuple[str, ...] = (), prefix: str = "") -> Wires:
    """A vendor's wire of that kind; see `offers.tasks_of`."""
    found = next(row for row in ROWS[vendor] if row.name == kind)
    return replace(found, keys=keys, prefix=prefix or found.prefix)

"""Who completes a raw text over this wire, and how each differs: a row of data each.

Sources: the vendors' pages of the completions (or fill-in-the-middle) endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from chainkit_providers.openai.completions import Completing, Completions, fields

_SAMPLING = {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty"}
LLAMA = fields("best_of", "user", top_k="top_k", min_p="min_p", repeat_penalty="repeat_penalty", grammar="grammar")

ROWS = (
    Completing("openai", fill="suffix", echo=True, keys=("OPENAI_API_KEY",)),
    Completing("azure", fill="suffix", echo=True),
    # Servers of one's own.
    Completing("vllm", fields(**_SAMPLING), echo=True),
    Completing("sglang", fields(**_SAMPLING), echo=True),
    Completing("llamacpp", LLAMA, logprobs_least=1),
    Completing("llamafile", LLAMA, logprobs_least=1, stream_usage=False),
    Completing("lmstudio", fields("best_of", "n", "user", "logprobs", top_k="top_k", repeat_penalty="repeat_penalty")),
    Completing("litellm", fill="suffix"),
    # Vendors.
    Completing("together", fields("best_of", "user", **_SAMPLING), echo=True, stream_usage=False),
    Completing("fireworks", fields("best_of", **_SAMPLING), echo=True),
    Completing("deepinfra", fields("best_of", "logit_bias", "logprobs", **_SAMPLING)),
    Completing("hyperbolic", fields("best_of", **_SAMPLING)),
    Completing("nebius", fields(**_SAMPLING)),
    Completing("novita", fields("best_of", **_SAMPLING)),
    Completing("openrouter", fields("best_of", **_SAMPLING)),
    Completing(
        "deepseek",
        fields("best_of", "logit_bias", "n", "seed", "user"),
        "beta/completions",
        fill="suffix",
        echo=True,
    ),
    Completing(
        "mistral",
        {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_tokens", "stop": "stop", "seed": "random_seed"},
        "fim/completions",
        fill="suffix",
        stream_usage=False,
        answers="chat",
    ),
    Completing(
        "writer",
        {k: k for k in ("temperature", "top_p", "max_tokens", "stop", "best_of")} | {"seed": "random_seed"},
        path="v1/completions",
        stream_usage=False,
    ),
)  # fmt: skip

COMPLETIONS: Mapping[str, Completions] = MappingProxyType({row.vendor: Completions(row) for row in ROWS})
"""The wire of each vendor, by its name."""
OPENAI = COMPLETIONS["openai"]


def completing(vendor: str, prefix: str, keys: tuple[str, ...]) -> Mapping[str, Completions]:
    """The wire of a vendor as a provider's tasks have it, `prefix` before its path; none where it completes nothing."""
    known = COMPLETIONS.get(vendor)
    return {} if known is None else {"complete": Completions(replace(known.row, keys=keys), prefix)}

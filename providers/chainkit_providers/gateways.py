"""Vendors and servers that speak OpenAI's protocols: a row of data each.

What a row does not name, an option or an interface, raises before anything is sent. A server of one's own
needs no key and is asked where it listens by default; `base_url=` names another place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from chainkit.models.http import HttpProvider
from chainkit.models.profile import Profile
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect, fields
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.provider import ChatWire

_NATIVE = ("native", "tool", "json", "prompt")
_TOOLS = ("tool", "json", "prompt")
_OWN = ("native", "json", "tool", "prompt")


@dataclass(frozen=True, slots=True)
class Gateway:
    """One row. `prefix` stands before the paths where the vendor's own client has it there."""

    dialect: Dialect
    base_url: str
    output: tuple[str, ...] = _NATIVE
    responses: bool = False
    prefix: str = ""
    base_url_env: tuple[str, ...] = ()
    keys_at: str | None = None
    own: bool = False

    def provider(self) -> HttpProvider:
        """The provider that the row describes."""
        wires: dict[str, ChatWire | str] = {"chat": ChatCompletions(self.dialect, f"{self.prefix}chat/completions")}
        if self.responses:
            wires["responses"] = Responses(self.dialect, f"{self.prefix}responses")
        return HttpProvider(
            name=self.dialect.vendor,
            base_url=self.base_url,
            wires=wires,
            key_env=self.dialect.keys,
            base_url_env=self.base_url_env,
            key_needed=not self.own,
            keys_at=self.keys_at,
            profiles=partial(_profile, self),
        )


def _profile(row: Gateway, model: str) -> Profile:
    """What is known: the protocol, and nothing of the model."""
    reasoning = ("reasoning", "reasoning_tokens") if row.dialect.reasoning_object else ()
    options = frozenset((*row.dialect.options, *reasoning, "extra"))
    local = row.own and not model.endswith("cloud")
    return Profile(row.dialect.vendor, model, output=row.output, vision=True, options=options, local=local)


groq = Gateway(
    Dialect(
        "groq",
        fields("logprobs", "logit_bias", "n", reasoning="reasoning_effort", service_tier="service_tier"),
        strict=False,
        keys=("GROQ_API_KEY",),
    ),
    "https://api.groq.com",
    _TOOLS,
    responses=True,
    prefix="openai/v1/",
    base_url_env=("GROQ_BASE_URL",),
    keys_at="https://console.groq.com/keys",
).provider()

deepseek = Gateway(
    Dialect(
        "deepseek",
        fields("logit_bias", "n", "parallel_tools", "seed", "user", reasoning="reasoning_effort"),
        thinking_back="reasoning_content",
        thinking_switch=True,
        keys=("DEEPSEEK_API_KEY",),
    ),
    "https://api.deepseek.com",
    _TOOLS,
    responses=True,
    keys_at="https://platform.deepseek.com/api_keys",
).provider()

mistral = Gateway(
    Dialect(
        "mistral",
        fields("logit_bias", "logprobs", "user", seed="random_seed", reasoning="reasoning_effort"),
        stream_usage=False,
        thinking_back="content",
        keys=("MISTRAL_API_KEY",),
    ),
    "https://api.mistral.ai/v1",
    keys_at="https://console.mistral.ai/api-keys",
).provider()

together = Gateway(
    Dialect(
        "together",
        fields(
            "parallel_tools",
            "user",
            top_k="top_k",
            min_p="min_p",
            repeat_penalty="repetition_penalty",
            reasoning="reasoning_effort",
        ),
        strict=False,
        stream_usage=False,
        top_logprobs=False,
        keys=("TOGETHER_API_KEY",),
    ),
    "https://api.together.xyz/v1",
    base_url_env=("TOGETHER_BASE_URL",),
    keys_at="https://api.together.ai/settings/api-keys",
).provider()

openrouter = Gateway(
    Dialect(
        "openrouter",
        fields("n", top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty", verbosity="verbosity"),
        thinking_back="reasoning_details",
        reasoning_object=True,
        keys=("OPENROUTER_API_KEY",),
    ),
    "https://openrouter.ai/api/v1",
    responses=True,
    keys_at="https://openrouter.ai/settings/keys",
).provider()

xai = Gateway(
    Dialect(
        "xai",
        fields("logit_bias", reasoning="reasoning_effort"),
        thinks=re.compile(r"^grok-(?:[4-9]|\d\d)(?!.*non-reasoning)"),
        keys=("XAI_API_KEY",),
    ),
    "https://api.x.ai/v1",
    responses=True,
    keys_at="https://console.x.ai",
).provider()

ollama = Gateway(
    Dialect(
        "ollama",
        fields("logit_bias", "n", "parallel_tools", "user", reasoning="reasoning_effort"),
        strict=False,
        keys=("OLLAMA_API_KEY",),
    ),
    "http://localhost:11434/v1",
    _OWN,
    responses=True,
    own=True,
).provider()

lmstudio = Gateway(
    Dialect(
        "lmstudio",
        fields("logprobs", "n", "parallel_tools", "user", top_k="top_k", repeat_penalty="repeat_penalty"),
        keys=("LMSTUDIO_API_KEY",),
    ),
    "http://localhost:1234/v1",
    _OWN,
    responses=True,
    own=True,
).provider()

vllm = Gateway(
    Dialect(
        "vllm",
        fields(top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty", reasoning="reasoning_effort"),
        keys=("VLLM_API_KEY",),
    ),
    "http://localhost:8000/v1",
    _OWN,
    responses=True,
    own=True,
).provider()

llamacpp = Gateway(
    Dialect(
        "llamacpp",
        fields("user", top_k="top_k", min_p="min_p", repeat_penalty="repeat_penalty", grammar="grammar"),
        strict=False,
        keys=("LLAMA_API_KEY",),
    ),
    "http://localhost:8080/v1",
    ("grammar", "tool", "json", "prompt"),
    responses=True,
    own=True,
).provider()

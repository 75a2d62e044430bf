"""Hosts of other people's models, open ones mostly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from chainkit_providers.gateways.row import NATIVE, TOOLS, ended, gateway
from chainkit_providers.openai.dialect import fields, responses

_PENALTIES = ("frequency_penalty", "presence_penalty")
_RESPONSES = responses("verbosity", "prompt_cache_key", "logprobs")


class GroqOptions(TypedDict, total=False):
    """What only Groq takes."""

    groq_reasoning_format: Literal["hidden", "raw", "parsed"]
    groq_include_reasoning: bool
    groq_disable_tool_validation: bool
    groq_documents: Sequence[Mapping[str, Any]]
    groq_citation_options: Literal["enabled", "disabled"]
    groq_search_settings: Mapping[str, Any]
    groq_compound_custom: Mapping[str, Any]


groq = gateway(
    "groq",
    "https://api.groq.com",
    key_env="GROQ_API_KEY",
    base_url_env="GROQ_BASE_URL",
    options=fields("logprobs", "logit_bias", "n", reasoning="reasoning_effort", service_tier="service_tier"),
    output=TOOLS,
    apis=("chat", "responses"),
    prefix="openai/v1/",
    keys_at="https://console.groq.com/keys",
    vendor=GroqOptions,
    responses_options=_RESPONSES,
    strict=False,
    stream_usage=False,
    thinking_back="reasoning",
    think_tags=True,
    media=("image",),
)

together = gateway(
    "together",
    "https://api.together.ai",
    key_env="TOGETHER_API_KEY",
    base_url_env="TOGETHER_BASE_URL",
    options=fields(
        *("parallel_tools", "user"),
        top_k="top_k",
        min_p="min_p",
        repeat_penalty="repetition_penalty",
        reasoning="reasoning_effort",
    ),
    prefix="v1/",
    hosts=("api.together.xyz",),
    keys_at="https://api.together.ai/settings/api-keys",
    strict=False,
    stream_usage=False,
    top_logprobs=False,
    thinking_back="reasoning",
    think_tags=True,
    media=("image",),
)

fireworks = gateway(
    "fireworks",
    "https://api.fireworks.ai",
    key_env="FIREWORKS_API_KEY",
    base_url_env="FIREWORKS_BASE_URL",
    options=fields(
        top_k="top_k",
        min_p="min_p",
        repeat_penalty="repetition_penalty",
        reasoning="reasoning_effort",
        service_tier="service_tier",
        prompt_cache_key="prompt_cache_key",
    ),
    apis=("chat", "responses"),
    prefix="inference/v1/",
    keys_at="https://app.fireworks.ai/settings/users/api-keys",
    responses_options=_RESPONSES,
    strict=False,
    stream_usage=False,
    thinking_back="reasoning_content",
    think_tags=True,
    media=("image",),
)


class CerebrasOptions(TypedDict, total=False):
    """What only Cerebras takes."""

    cerebras_reasoning_format: Literal["none", "parsed", "text_parsed", "raw", "hidden"]
    cerebras_clear_thinking: bool
    cerebras_prediction: Mapping[str, Any]


# `logit_bias` is accepted there and has no effect.
cerebras = gateway(
    "cerebras",
    "https://api.cerebras.ai",
    key_env="CEREBRAS_API_KEY",
    base_url_env="CEREBRAS_BASE_URL",
    options=fields(
        *_PENALTIES,
        *("logit_bias", "n"),
        max_tokens="max_completion_tokens",
        reasoning="reasoning_effort",
        service_tier="service_tier",
        prompt_cache_key="prompt_cache_key",
    ),
    prefix="v1/",
    keys_at="https://cloud.cerebras.ai",
    vendor=CerebrasOptions,
    thinking_back="reasoning",
    media=("image",),
    fetches=(),
)

nvidia = gateway(
    "nvidia",
    "https://integrate.api.nvidia.com/v1",
    key_env="NVIDIA_API_KEY",
    base_url_env="NVIDIA_BASE_URL",
    options=fields("logit_bias", "logprobs", "n", "user"),
    output=TOOLS,
    keys_at="https://build.nvidia.com/settings/api-keys",
    strict=False,
    think_tags=True,
    media=("image",),
    fetches=(),
)

sambanova = gateway(
    "sambanova",
    "https://api.sambanova.ai/v1",
    key_env="SAMBANOVA_API_KEY",
    base_url_env=("SAMBA_NOVA_BASE_URL", "SAMBANOVA_BASE_URL"),
    options=fields(
        *_PENALTIES, *("logit_bias", "logprobs", "n", "seed", "user"), top_k="top_k", reasoning="reasoning_effort"
    ),
    keys_at="https://cloud.sambanova.ai/apis",
    strict=False,
    think_tags=True,
    media=("image",),
    fetches=(),
)

deepinfra = gateway(
    "deepinfra",
    "https://api.deepinfra.com/v1/openai",
    key_env=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
    options=fields(
        *("logprobs", "parallel_tools"),
        top_k="top_k",
        min_p="min_p",
        repeat_penalty="repetition_penalty",
        reasoning="reasoning_effort",
    ),
    keys_at="https://deepinfra.com/dash/api_keys",
    strict=False,
    tool_choices=("auto", "none"),
    think_tags=True,
    media=("image",),
    cost="estimated_cost",
)

novita = gateway(
    "novita",
    "https://api.novita.ai/openai/v1",
    key_env="NOVITA_API_KEY",
    options=fields(
        *("parallel_tools", "tool_choice", "user"),
        top_k="top_k",
        min_p="min_p",
        repeat_penalty="repetition_penalty",
    ),
    output=("native", "json", "prompt"),
    keys_at="https://novita.ai/settings/key-management",
    strict=False,
    tool_choices=("auto",),
    think_tags=True,
    media=("image",),
)

siliconflow = gateway(
    "siliconflow",
    "https://api.siliconflow.com/v1",
    key_env="SILICONFLOW_API_KEY",
    options=fields(
        *("logit_bias", "logprobs", "parallel_tools", "presence_penalty", "seed", "tool_choice", "user"),
        top_k="top_k",
        min_p="min_p",
        reasoning_tokens="thinking_budget",
    ),
    output=("json", "prompt"),
    hosts=("api.siliconflow.cn",),
    keys_at="https://cloud.siliconflow.com/account/ak",
    strict=False,
    thinking_switch="enable_thinking",
    tool_choices=("auto",),
    media=("image",),
)

nebius = gateway(
    "nebius",
    "https://api.tokenfactory.nebius.com/v1",
    key_env="NEBIUS_API_KEY",
    options=fields("parallel_tools", "tool_choice"),
    output=("native", "json", "prompt"),
    hosts=("api.studio.nebius.com", "api.studio.nebius.ai"),
    keys_at="https://tokenfactory.nebius.com/?modals=create-api-key",
    strict=False,
    tool_choices=("auto",),
    think_tags=True,
    media=("image",),
)

hyperbolic = gateway(
    "hyperbolic",
    "https://api.hyperbolic.xyz/v1",
    key_env="HYPERBOLIC_API_KEY",
    options=fields("logit_bias", "logprobs", "parallel_tools"),
    output=("json", "prompt"),
    keys_at="https://app.hyperbolic.xyz/settings",
    strict=False,
    think_tags=True,
    media=("image",),
)

github = ended(
    gateway("github", "https://models.github.ai/inference", key_env="GITHUB_TOKEN", output=NATIVE),
    when="2026-07-30",
    instead="its models are at openai:, azure:, deepseek:, mistral:, openrouter:",
)

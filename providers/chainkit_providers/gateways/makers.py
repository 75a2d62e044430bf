"""Vendors of their own models, and those who sell answers rather than models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from chainkit.models.vendor import At
from chainkit_providers.gateways.aleph import Complete
from chainkit_providers.gateways.row import NATIVE, TOOLS, gateway
from chainkit_providers.openai.dialect import fields, responses

_PENALTIES = ("frequency_penalty", "presence_penalty")
_JSON = ("json", "prompt")


class DeepSeekOptions(TypedDict, total=False):
    """What only DeepSeek takes."""

    deepseek_thinking: Mapping[str, Any]
    """`{"type": "enabled"}` or `{"type": "disabled"}`."""


# Thinking is on by default there, and a thinking model refuses a forced tool.
deepseek = gateway(
    "deepseek",
    "https://api.deepseek.com",
    key_env="DEEPSEEK_API_KEY",
    options=fields("logit_bias", "n", "parallel_tools", "seed", "user", reasoning="reasoning_effort"),
    output=("json", "tool", "prompt"),
    apis=("chat", "responses"),
    keys_at="https://platform.deepseek.com/api_keys",
    vendor=DeepSeekOptions,
    thinking_back="reasoning_content",
    thinking_switch="thinking",
    media=(),
)


class MistralOptions(TypedDict, total=False):
    """What only Mistral takes."""

    mistral_safe_prompt: bool
    mistral_prompt_mode: Literal["reasoning"]
    mistral_prediction: Mapping[str, Any]
    mistral_guardrails: Sequence[Mapping[str, Any]]


mistral = gateway(
    "mistral",
    "https://api.mistral.ai/v1",
    key_env="MISTRAL_API_KEY",
    options=fields(
        *("logit_bias", "user"),
        seed="random_seed",
        top_k="top_k",
        repeat_penalty="repetition_penalty",
        reasoning="reasoning_effort",
        service_tier="service_tier",
        prompt_cache_key="prompt_cache_key",
    ),
    keys_at="https://console.mistral.ai/api-keys",
    vendor=MistralOptions,
    stream_usage=False,
    thinking_back="content",
    parts="mistral",
    fetches=("image", "audio", "document"),
    batches="chainkit_providers.openai.batches:MISTRAL",
)


class XaiOptions(TypedDict, total=False):
    """What only xAI takes, in Responses."""

    xai_server_tools: Annotated[Sequence[Mapping[str, Any]], At("tools[]")]
    """Tools that the vendor runs itself: `[{"type": "web_search"}, {"type": "x_search"}]`."""
    xai_store: bool
    xai_previous_response_id: str


_GROK_THINKS = re.compile(r"^grok-(?:[4-9]|\d\d)(?!.*non-reasoning)")


def _grok_refuses(model: str, options: Mapping[str, Any]) -> Sequence[str]:
    return (*_PENALTIES, "stop") if _GROK_THINKS.search(model) else ()


# The vendor's own advice: Chat Completions is deprecated there, and loses the thinking between turns.
xai = gateway(
    "xai",
    "https://api.x.ai/v1",
    key_env="XAI_API_KEY",
    options=fields("logit_bias", reasoning="reasoning_effort"),
    apis=("responses", "chat"),
    keys_at="https://console.x.ai",
    priced_as="x-ai",
    vendor=XaiOptions,
    responses_options=responses("verbosity", "service_tier"),
    unfit=_grok_refuses,
    thinks=_GROK_THINKS,
    media=("image",),
    cost="cost_in_usd_ticks",
)


class MoonshotOptions(TypedDict, total=False):
    """What only Moonshot takes."""

    moonshot_thinking: Mapping[str, Any]
    moonshot_safety_identifier: str


moonshot = gateway(
    "moonshot",
    "https://api.moonshot.ai/v1",
    key_env="MOONSHOT_API_KEY",
    options=fields(
        *("logit_bias", "logprobs", "parallel_tools", "seed", "user"),
        reasoning="reasoning_effort",
        max_tokens="max_completion_tokens",
        prompt_cache_key="prompt_cache_key",
    ),
    output=_JSON,
    hosts=("api.moonshot.cn",),
    keys_at="https://platform.moonshot.ai/console/api-keys",
    vendor=MoonshotOptions,
    priced_as="moonshotai",
    strict=False,
    thinking_back="reasoning_content",
    thinking_switch="thinking",
    tool_choices=("auto", "none"),
    media=("image", "video"),
    fetches=(),
)


class DashscopeOptions(TypedDict, total=False):
    """What only Alibaba's Model Studio takes."""

    dashscope_enable_thinking: bool
    dashscope_preserve_thinking: bool
    dashscope_enable_search: bool
    dashscope_search_options: Mapping[str, Any]


dashscope = gateway(
    "dashscope",
    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    key_env="DASHSCOPE_API_KEY",
    options=fields(
        *("frequency_penalty", "logit_bias", "user"),
        top_k="top_k",
        repeat_penalty="repetition_penalty",
        reasoning_tokens="thinking_budget",
    ),
    output=("json", "tool", "prompt"),
    apis=("chat", "responses"),
    hosts=("dashscope.aliyuncs.com", "dashscope-us.aliyuncs.com", ".maas.aliyuncs.com"),
    keys_at="https://www.alibabacloud.com/help/en/model-studio/get-api-key",
    vendor=DashscopeOptions,
    strict=False,
    responses_options=responses("logprobs", "service_tier", "user", "verbosity", "prompt_cache_key"),
    thinking_back="reasoning_content",
    thinking_switch="enable_thinking",
    tool_choices=("auto", "none", "name"),
    media=("image", "video"),
    fetches=("image", "video"),
)


class ZaiOptions(TypedDict, total=False):
    """What only Z.AI takes."""

    zai_thinking: Mapping[str, Any]
    """`{"type": "enabled", "clear_thinking": False}` keeps the thinking of earlier turns."""
    zai_do_sample: bool
    zai_tool_stream: bool


zai = gateway(
    "zai",
    "https://api.z.ai/api/paas/v4",
    key_env="ZAI_API_KEY",
    base_url_env="ZAI_BASE_URL",
    options=fields(
        *_PENALTIES,
        *("logit_bias", "logprobs", "n", "parallel_tools"),
        user="user_id",
        reasoning="reasoning_effort",
    ),
    output=_JSON,
    hosts=("open.bigmodel.cn",),
    keys_at="https://z.ai/manage-apikey/apikey-list",
    vendor=ZaiOptions,
    strict=False,
    stream_usage=False,
    thinking_back="reasoning_content",
    thinking_switch="thinking",
    tool_choices=("auto",),
    media=("image", "video"),
    fetches=("image", "video"),
)

# Without `reasoning_split` thinking stands in the text, between tags.
minimax = gateway(
    "minimax",
    "https://api.minimax.io/v1",
    key_env="MINIMAX_API_KEY",
    options={"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_completion_tokens"},
    output=("prompt",),
    apis=("chat",),
    hosts=("api.minimaxi.com",),
    keys_at="https://platform.minimax.io/user-center/basic-information/interface-key",
    always={"reasoning_split": True},
    thinking_back="reasoning_details",
    thinking_switch="thinking",
    tool_choices=("auto",),
    media=("image",),
)


class PerplexityOptions(TypedDict, total=False):
    """What only Perplexity takes: where it searches, and what it tells besides."""

    perplexity_search_mode: Literal["web", "academic", "sec"]
    perplexity_search_domain_filter: Sequence[str]
    perplexity_search_language_filter: Sequence[str]
    perplexity_search_recency_filter: Literal["hour", "day", "week", "month", "year"]
    perplexity_search_after_date_filter: str
    perplexity_search_before_date_filter: str
    perplexity_disable_search: bool
    perplexity_return_images: bool
    perplexity_return_related_questions: bool
    perplexity_web_search_options: Mapping[str, Any]


perplexity = gateway(
    "perplexity",
    "https://api.perplexity.ai",
    key_env=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
    base_url_env="PERPLEXITY_BASE_URL",
    options=fields(
        *("logit_bias", "logprobs", "n", "parallel_tools", "seed", "tool_choice", "user"),
        top_k="top_k",
        reasoning="reasoning_effort",
    ),
    output=("native", "prompt"),
    keys_at="https://www.perplexity.ai/account/api/keys",
    vendor=PerplexityOptions,
    strict=False,
    stream_usage=False,
    tool_choices=(),
    think_tags=True,
    media=("image",),
    cost="cost.total_cost",
)

writer = gateway(
    "writer",
    "https://api.writer.com",
    key_env="WRITER_API_KEY",
    base_url_env="WRITER_BASE_URL",
    options=fields(*_PENALTIES, "logit_bias", "logprobs", "parallel_tools", "seed", "tool_choice", "user"),
    output=("native", "prompt"),
    paths={"chat": "v1/chat"},
    keys_at="https://app.writer.com/aistudio",
    strict=False,
    tool_choices=("auto",),
    media=("image",),
)

alephalpha = gateway(
    "alephalpha",
    "https://api.aleph-alpha.com",
    key_env="AA_TOKEN",
    options=fields(*_PENALTIES, "logit_bias", "logprobs", "n", "seed", "stop", "user", top_k="top_k"),
    output=TOOLS[:1] + NATIVE[3:],
    strict=False,
    media=(),
    tasks={"complete": Complete()},
)

"""Routers to many vendors, and models inside somebody's cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

from chainkit_providers.gateways.row import NATIVE, gateway
from chainkit_providers.openai.dialect import fields, responses

if TYPE_CHECKING:
    from chainkit.models.profile import Profile
    from chainkit.models.request import ChatRequest

_PENALTIES = ("frequency_penalty", "presence_penalty")


class OpenRouterOptions(TypedDict, total=False):
    """What only OpenRouter takes: whom it may ask, and what it does besides."""

    openrouter_models: Sequence[str]
    """Models to try after the first."""
    openrouter_provider: Mapping[str, Any]
    openrouter_plugins: Sequence[Mapping[str, Any]]
    openrouter_transforms: Sequence[str]
    openrouter_preset: str
    openrouter_route: str


def _openrouters_cache(model: str, wish: str, api: str) -> Mapping[str, Any] | None:
    """Claude's prompts are kept when asked, those of most others by themselves, and for minutes."""
    if api == "chat" and model.startswith(("anthropic/", "~anthropic/")):
        return {"cache_control": {"type": "ephemeral"} | ({"ttl": "1h"} if wish == "long" else {})}
    return None


openrouter = gateway(
    "openrouter",
    "https://openrouter.ai/api/v1",
    key_env="OPENROUTER_API_KEY",
    options=fields("n", top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty", verbosity="verbosity"),
    apis=("chat", "responses"),
    keys_at="https://openrouter.ai/settings/keys",
    vendor=OpenRouterOptions,
    thinking_back="reasoning_details",
    reasoning_object=True,
    media=("image", "audio", "video", "document"),
    fetches=("image", "video", "document"),
    cache=_openrouters_cache,
    cost="cost",
)


class VercelOptions(TypedDict, total=False):
    """What only Vercel's gateway takes."""

    vercel_providerOptions: Mapping[str, Any]
    vercel_models: Sequence[str]


vercel = gateway(
    "vercel",
    "https://ai-gateway.vercel.sh/v1",
    key_env=("AI_GATEWAY_API_KEY", "VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
    options=fields("logit_bias", "logprobs", "n", "parallel_tools"),
    apis=("chat", "responses"),
    keys_at="https://vercel.com/docs/ai-gateway",
    vendor=VercelOptions,
    thinking_back="reasoning_details",
    reasoning_object=True,
    media=("image", "document"),
)

cloudflare = gateway(
    "cloudflare",
    "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
    key_env=("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"),
    options=fields(
        *("logit_bias", "logprobs", "n", "parallel_tools", "stop", "tool_choice", "user"),
        top_k="top_k",
        repeat_penalty="repetition_penalty",
    ),
    output=("native", "json", "prompt"),
    apis=("chat", "responses"),
    keys_at="https://dash.cloudflare.com/profile/api-tokens",
    responses_options=responses("logprobs", "service_tier", "user", "verbosity", "prompt_cache_key"),
    strict=False,
    tool_choices=("auto",),
    think_tags=True,
    media=("image",),
    fetches=(),
)

databricks = gateway(
    "databricks",
    "https://{DATABRICKS_HOST}/serving-endpoints",
    key_env="DATABRICKS_TOKEN",
    options=fields(*_PENALTIES, "logit_bias", "parallel_tools", "seed", "user", reasoning="reasoning_effort"),
    keys_at="https://docs.databricks.com/dev-tools/auth/pat",
    stream_usage=False,
    thinking_back="content",
    media=("image",),
    fetches=(),
)


def _cortex(profile: Profile) -> Profile:
    """Tools and schemas are for OpenAI's and Anthropic's models there; for others they are refused or ignored."""
    if profile.model.startswith(("claude", "openai-")):
        return profile
    return replace(profile, output=("prompt",), tools=False)


snowflake = gateway(
    "snowflake",
    "https://{SNOWFLAKE_ACCOUNT}.snowflakecomputing.com/api/v2/cortex/v1",
    key_env=("SNOWFLAKE_TOKEN", "SNOWFLAKE_PAT"),
    options=fields(
        *_PENALTIES,
        *("logit_bias", "logprobs", "n", "parallel_tools", "seed", "stop", "user"),
        max_tokens="max_completion_tokens",
    ),
    output=("native", "tool", "prompt"),
    hosts=(".snowflakecomputing.com",),
    keys_at="https://docs.snowflake.com/en/user-guide/programmatic-access-tokens",
    refine=_cortex,
    strict=False,
    thinking_back="reasoning_details",
    reasoning_object=True,
    media=("image",),
    fetches=(),
)


class HerokuOptions(TypedDict, total=False):
    """What only Heroku takes."""

    heroku_extended_thinking: Mapping[str, Any]
    heroku_allow_ignored_params: bool


heroku = gateway(
    "heroku",
    "https://us.inference.heroku.com",
    key_env=("INFERENCE_KEY", "HEROKU_INFERENCE_KEY"),
    base_url_env=("INFERENCE_URL", "HEROKU_INFERENCE_URL"),
    options=fields(*_PENALTIES, "logit_bias", "logprobs", "n", "parallel_tools", "seed", "user"),
    output=("tool", "prompt"),
    prefix="v1/",
    hosts=("eu.inference.heroku.com",),
    keys_at="https://devcenter.heroku.com/articles/heroku-inference",
    vendor=HerokuOptions,
    strict=False,
    stream_usage=False,
    media=("image",),
    fetches=(),
)


def _mantles_path(request: ChatRequest) -> str:
    """Open-weight models have the plain path, OpenAI's own another."""
    return "v1/responses" if "gpt-oss" in request.model else "openai/v1/responses"


bedrock_mantle = gateway(
    "bedrock_mantle",
    "https://bedrock-mantle.{AWS_REGION}.api.aws",
    key_env="AWS_BEARER_TOKEN_BEDROCK",
    options=fields("logit_bias", "logprobs", "n", "user", reasoning="reasoning_effort"),
    output=NATIVE,
    apis=("responses", "chat"),
    prefix="v1/",
    paths={"responses": _mantles_path},
    keys_at="https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html",
    priced_as="aws",
    responses_options=responses("prompt_cache_key", "service_tier", "user"),
    thinks=re.compile(r"^openai\.(?!gpt-oss)"),
    phases=True,
    thinking_back="reasoning",
    media=("image",),
    fetches=(),
)

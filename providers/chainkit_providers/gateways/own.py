"""Servers of one's own, where they listen by default; `base_url=` names another place."""

from __future__ import annotations

from chainkit_providers.gateways.row import gateway
from chainkit_providers.openai.dialect import fields

_OWN = ("native", "json", "tool", "prompt")

lmstudio = gateway(
    "lmstudio",
    "http://localhost:1234/v1",
    key_env=("LM_STUDIO_API_KEY", "LMSTUDIO_API_KEY"),
    base_url_env="LM_STUDIO_API_BASE",
    options=fields("logprobs", "n", "parallel_tools", "user", top_k="top_k", repeat_penalty="repeat_penalty"),
    output=_OWN,
    apis=("chat", "responses"),
    own=True,
    think_tags=True,
    media=("image",),
    fetches=(),
)

vllm = gateway(
    "vllm",
    "http://localhost:8000/v1",
    key_env="VLLM_API_KEY",
    base_url_env="VLLM_BASE_URL",
    options=fields(top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty", reasoning="reasoning_effort"),
    output=_OWN,
    apis=("chat", "responses"),
    own=True,
    thinking_back="reasoning",
    think_tags=True,
    media=("image", "audio", "video"),
    fetches=("image", "video"),
)

sglang = gateway(
    "sglang",
    "http://localhost:30000/v1",
    options=fields(top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty", reasoning="reasoning_effort"),
    output=_OWN,
    apis=("chat", "responses"),
    own=True,
    strict=False,
    thinking_back="reasoning_content",
    thinking_switch="chat_template_kwargs",
    think_tags=True,
    media=("image", "audio", "video"),
    fetches=("image", "video"),
)

llamacpp = gateway(
    "llamacpp",
    "http://localhost:8080/v1",
    key_env="LLAMA_API_KEY",
    options=fields("user", top_k="top_k", min_p="min_p", repeat_penalty="repeat_penalty", grammar="grammar"),
    output=("grammar", "tool", "json", "prompt"),
    apis=("chat", "responses"),
    own=True,
    strict=False,
    # It takes an object here for nothing said, and would choose freely.
    tool_choices=("auto", "none", "required", "alone"),
    thinking_back="reasoning_content",
    thinking_switch="chat_template_kwargs",
    think_tags=True,
    media=("image", "audio"),
)

llamafile = gateway(
    "llamafile",
    "http://localhost:8080/v1",
    key_env="LLAMAFILE_API_KEY",
    base_url_env="LLAMAFILE_API_BASE",
    options=fields(
        *("n", "parallel_tools", "tool_choice", "user"),
        top_k="top_k",
        min_p="min_p",
        repeat_penalty="repeat_penalty",
        grammar="grammar",
    ),
    output=("json", "prompt"),
    own=True,
    strict=False,
    tool_choices=(),
    think_tags=True,
    media=("image",),
    fetches=(),
)

gpustack = gateway(
    "gpustack",
    "http://localhost/v1",
    key_env="GPUSTACK_API_KEY",
    options=fields(top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty"),
    output=_OWN,
    own=True,
    strict=False,
    think_tags=True,
    media=("image",),
)

# A proxy to paid models: it needs no key of its own where nobody set one, and is not free.
litellm = gateway(
    "litellm",
    "http://localhost:4000/v1",
    key_env=("LITELLM_PROXY_API_KEY", "LITELLM_API_KEY"),
    base_url_env="LITELLM_PROXY_API_BASE",
    options=fields(reasoning="reasoning_effort"),
    apis=("chat", "responses"),
    own=True,
    free=False,
    thinking_back="reasoning_content",
)

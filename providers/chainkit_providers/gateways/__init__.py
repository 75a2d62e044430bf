"""Vendors and servers that speak OpenAI's protocols: a row of data each, in groups that a reader can survey.

What a row does not name, an option or an interface, raises before anything is sent: a vendor's page that
says nothing of an option counts as a no. `gateway(...)` makes a row of one's own.
"""

from chainkit_providers.gateways.hosts import (
    cerebras,
    deepinfra,
    fireworks,
    github,
    groq,
    hyperbolic,
    nebius,
    novita,
    nvidia,
    sambanova,
    siliconflow,
    together,
)
from chainkit_providers.gateways.makers import (
    alephalpha,
    dashscope,
    deepseek,
    minimax,
    mistral,
    moonshot,
    perplexity,
    writer,
    xai,
    zai,
)
from chainkit_providers.gateways.own import gpustack, litellm, llamacpp, llamafile, lmstudio, sglang, vllm
from chainkit_providers.gateways.routers import (
    bedrock_mantle,
    cloudflare,
    databricks,
    heroku,
    openrouter,
    snowflake,
    vercel,
)
from chainkit_providers.gateways.row import Ended, Gateway, Quirks, gateway
from chainkit_providers.openai.dialect import Dialect, fields, responses

__all__ = [
    "Dialect",
    "Ended",
    "Gateway",
    "Quirks",
    "alephalpha",
    "bedrock_mantle",
    "cerebras",
    "cloudflare",
    "dashscope",
    "databricks",
    "deepinfra",
    "deepseek",
    "fields",
    "fireworks",
    "gateway",
    "github",
    "gpustack",
    "groq",
    "heroku",
    "hyperbolic",
    "litellm",
    "llamacpp",
    "llamafile",
    "lmstudio",
    "minimax",
    "mistral",
    "moonshot",
    "nebius",
    "novita",
    "nvidia",
    "openrouter",
    "perplexity",
    "responses",
    "sambanova",
    "sglang",
    "siliconflow",
    "snowflake",
    "together",
    "vercel",
    "vllm",
    "writer",
    "xai",
    "zai",
]

"""What is known of the models on Bedrock, by their makers and families. Source: Bedrock's model pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chainkit.models.profile import Profile
from chainkit_providers.anthropic.models import SCHEMA, family

_REGION = re.compile(r"^(?:arn:[^/]*/)?(?:(?:us|eu|apac|ap|jp|au|ca|sa|us-gov|global)\.)?")
_COMMON = frozenset({"max_tokens", "temperature", "top_p", "stop", "service_tier", "tool_choice", "extra", "vendor"})
_OWN = {
    "anthropic": frozenset({"top_k", "reasoning", "reasoning_tokens", "prompt_cache"}),
    "amazon": frozenset({"top_k", "prompt_cache"}),
    "openai": frozenset({"reasoning"}),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A family: its context and longest answer in tokens, and what it reads."""

    pattern: re.Pattern[str]
    context: int
    max_output: int | None = None
    media: frozenset[str] = frozenset()
    tools: bool = True


def _kind(pattern: str, context: int, most: int | None = None, media: str = "", *, tools: bool = True) -> Kind:
    return Kind(re.compile(pattern), context, most, frozenset(media.split()), tools)


_SEES = "image document"
KINDS = (
    _kind(r"amazon\.nova-micro", 128_000, 10_000),
    _kind(r"amazon\.nova-premier", 1_000_000, 32_000, "image document video"),
    _kind(r"amazon\.nova-2", 1_000_000, 64_000, "image document video"),
    _kind(r"amazon\.nova", 300_000, 10_000, "image document video"),
    _kind(r"amazon\.titan-text", 32_000, 8_192, tools=False),
    _kind(r"meta\.llama4", 1_000_000, 8_192, _SEES),
    _kind(r"meta\.llama3-2-(?:11|90)b", 128_000, 4_096, _SEES),
    _kind(r"meta\.llama3-[123]", 128_000, 4_096),
    _kind(r"meta\.llama", 8_192, 2_048, tools=False),
    _kind(r"mistral\.pixtral", 128_000, None, _SEES),
    _kind(r"mistral\.", 128_000, None),
    _kind(r"cohere\.command-r", 128_000, 4_096),
    _kind(r"ai21\.jamba", 256_000, 4_096),
    _kind(r"deepseek\.r1", 128_000, 32_768, tools=False),
    _kind(r"deepseek\.", 128_000, None),
    _kind(r"openai\.gpt-oss", 128_000, None),
    _kind(r"qwen\.", 128_000, None),
)
_EMBEDS = re.compile(r"embed")


def named(model: str) -> str:
    """The model's own name, without the region, profile or account before it."""
    return _REGION.sub("", model)


def maker(model: str) -> str:
    """Who made it: `anthropic`, `amazon`, `meta`, ..."""
    return named(model).partition(".")[0]


def profile(model: str) -> Profile:
    """What is known of a model; an unknown one is taken to know tools."""
    own = named(model)
    options = _COMMON | _OWN.get(maker(model), frozenset())
    told = Profile("bedrock", model, output=("tool", "prompt"), options=options, priced_as="aws", fetches=frozenset())
    if _EMBEDS.search(own):
        most = 96 if own.startswith("cohere") else 1
        return replace(told, kinds=frozenset({"embed"}), output=(), most=most)
    if own.startswith("anthropic."):
        return _claude(told, own)
    kind = next((k for k in KINDS if k.pattern.search(own)), None)
    if kind is None:
        return told
    return replace(
        told, context=kind.context, max_output=kind.max_output, tools=kind.tools, media=kind.media,
        vision="image" in kind.media, output=("tool", "prompt") if kind.tools else ("prompt",),
    )  # fmt: skip


def _claude(told: Profile, own: str) -> Profile:
    known = family(own)
    if known is None:
        return replace(told, vision=True, media=frozenset(_SEES.split()))
    return replace(
        told, context=known.context, max_output=known.max_output, vision=True, media=frozenset(_SEES.split()),
        output=("native", "tool", "prompt") if known.schema else ("tool", "prompt"), schema=SCHEMA,
        reasoning=known.thinking != "none",
    )  # fmt: skip

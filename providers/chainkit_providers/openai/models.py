"""What is known of OpenAI's models: their published limits, by family."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainkit.models.profile import Profile
from chainkit_providers.openai.dialect import Dialect, fields

THINKS = re.compile(r"^(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)(?!.*chat)|codex)")
_TTL = re.compile(r"^(?:ft:)?gpt-(?:5\.(?:[6-9]|\d\d)|[6-9]|\d\d)")
_RETENTION = re.compile(r"^(?:ft:)?gpt-(?:5(?!\.5)|4\.1)")
_LONG_ONLY = re.compile(r"^(?:ft:)?gpt-5\.5")


def cache(model: str, wish: str, api: str) -> dict[str, Any] | None:
    """The fields that keep a prompt for minutes ("short") or hours ("long"); None where a model does not.

    All models keep prompts for minutes by themselves. Source: the vendor's guide to prompt caching.
    """
    if _TTL.search(model):
        longest = {"ttl": "12h"} if api == "responses" else None
        asked = {"ttl": "30m"} if wish == "short" else longest
        return None if asked is None else {"prompt_cache_options": asked}
    if wish == "short":
        return {"prompt_cache_retention": "in_memory"} if _RETENTION.search(model) else {}
    kept = _RETENTION.search(model) or _LONG_ONLY.search(model)
    return {"prompt_cache_retention": "24h"} if kept else None


_SAMPLING = ("temperature", "top_p", "logprobs")
_ALWAYS = re.compile(r"^(?:ft:)?(?:o\d|gpt-5(?!\.\d)(?!.*chat))")
_NO_STOP = re.compile(r"^(?:o3(?!-mini)|o4)")


def unfit(model: str, options: Mapping[str, Any]) -> list[str]:
    """What a reasoning model refuses: the older ones always, the newer ones while they reason.

    Source: the vendor's guides to its reasoning models, GPT-5 and later.
    """
    if _ALWAYS.search(model):
        refused = [*_SAMPLING, "frequency_penalty", "presence_penalty", "logit_bias"]
        refused += ["stop"] if _NO_STOP.search(model) else []
    elif THINKS.search(model) and options.get("reasoning") not in (None, "none"):
        refused = [*_SAMPLING]
    else:
        return []
    return [name for name in refused if name not in ("temperature", "top_p") or options.get(name) != 1]


def dialect(vendor: str, *keys: str) -> Dialect:
    """OpenAI's own dialect, for whoever serves its models."""
    return Dialect(
        vendor,
        fields(
            reasoning="reasoning_effort",
            verbosity="verbosity",
            service_tier="service_tier",
            prompt_cache_key="prompt_cache_key",
        ),
        thinks=THINKS,
        unfit=unfit,
        phases=True,
        cache=cache,
        keys=keys,
    )


DIALECT = dialect("openai", "OPENAI_API_KEY")
BASE = re.compile(r"^(?:ft:)?(?:gpt-3\.5-turbo-instruct|(?:text-)?(?:davinci|curie|babbage|ada)\b)")
"""Base models: they go on with a text and know no chat."""
_OTHERS = (
    (re.compile(r"^text-embedding"), "embed"),
    (re.compile(r"^(?:gpt-image|chatgpt-image|dall-e|gpt-5[.\d]*-image)"), "image"),
    (re.compile(r"whisper|transcribe"), "transcribe"),
    (re.compile(r"^tts-|-tts"), "speak"),
)
"""Models that are asked for something else."""
_NATIVE = ("native", "tool", "json", "prompt")
_TOOLS = ("tool", "json", "prompt")
_UNKNOWN = frozenset({"chat", "complete"})
"""What a model of a name that this table does not know may be asked for."""


@dataclass(frozen=True, slots=True)
class Family:
    """Limits in tokens, the ways to ask for structured output, and the interface that takes all it can do."""

    pattern: re.Pattern[str]
    context: int | None
    max_output: int | None
    output: tuple[str, ...] = _NATIVE
    api: str = "chat"
    vision: bool = True
    tools: bool = True


def _family(pattern: str, context: int | None, max_output: int | None, **more: object) -> Family:
    return Family(re.compile(rf"^(?:ft:)?{pattern}"), context, max_output, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Source: the vendor's model pages. The first family that matches counts.
FAMILIES = (
    _family(r"gpt-5[.\d]*-chat", 128_000, 16_384),
    _family(r"gpt-(?:6|5\.6)", 1_050_000, 128_000, api="responses"),
    _family(r"gpt-5\.4-pro", 1_050_000, 128_000, api="responses"),
    _family(r"gpt-5\.5-pro", 1_000_000, 128_000, api="responses"),
    _family(r"gpt-5\.5", 1_000_000, 128_000),
    _family(r"gpt-5\.4(?!-mini|-nano)", 1_050_000, 128_000),
    _family(r"gpt-5-pro", 400_000, 272_000, api="responses"),
    _family(r"gpt-5[.\d]*-(?:pro|codex)", 400_000, 128_000, api="responses"),
    _family(r"gpt-5", 400_000, 128_000),
    _family(r"o\d-(?:pro|deep-research)|o4-mini-deep-research", 200_000, 100_000, api="responses"),
    _family(r"codex-mini", 200_000, 100_000, api="responses"),
    _family(r"o1-preview", 128_000, 32_768, output=("prompt",), vision=False, tools=False),
    _family(r"o1-mini", 128_000, 65_536, output=("prompt",), vision=False, tools=False),
    _family(r"o3-mini", 200_000, 100_000, vision=False),
    _family(r"o[134]", 200_000, 100_000),
    _family(r"gpt-4\.1", 1_047_576, 32_768),
    _family(r"gpt-4o-2024-05-13", 128_000, 4_096, output=_TOOLS),
    _family(r"(?:gpt|chatgpt)-4o", 128_000, 16_384),
    _family(r"gpt-4-(?:turbo|1106|0125|vision)", 128_000, 4_096, output=_TOOLS),
    _family(r"gpt-4-32k", 32_768, 32_768, output=("tool", "prompt"), vision=False),
    _family(r"gpt-4", 8_192, 8_192, output=("tool", "prompt"), vision=False),
    _family(r"gpt-3\.5-turbo", 16_385, 4_096, output=_TOOLS, vision=False),
)


def family(model: str) -> Family | None:
    """The family of a model, or None for one that this table does not know."""
    return next((f for f in FAMILIES if f.pattern.search(model)), None)


def api(model: str) -> str:
    """The interface that takes all that a model can do: "chat", or "responses" for newer and larger ones."""
    known = family(model)
    return "chat" if known is None else known.api


def profile(model: str, vendor: Dialect = DIALECT) -> Profile:
    """What is known of a model; an unknown one is taken to know schemas and tools."""
    if BASE.search(model):
        return Profile(vendor.vendor, model, tools=False, kinds=frozenset({"complete"}), media=frozenset())
    other = next((kind for pattern, kind in _OTHERS if pattern.search(model)), None)
    if other is not None:
        return _of_kind(other, model, vendor)
    known, chosen = family(model), api(model)
    options = vendor.takes(chosen)
    fetches = frozenset({"image", "document"} if chosen == "responses" else {"image"})
    if known is None:
        output = ("native", "tool", "prompt")
        return Profile(vendor.vendor, model, output=output, options=options, fetches=fetches, kinds=_UNKNOWN)
    return Profile(
        vendor.vendor,
        model,
        context=known.context,
        max_output=known.max_output,
        output=known.output,
        tools=known.tools,
        vision=known.vision,
        options=options,
        media=frozenset({"image", "document"} if known.vision else ()),
        fetches=fetches,
        reasoning=bool(THINKS.search(model)),
    )


def _of_kind(kind: str, model: str, vendor: Dialect) -> Profile:
    """A model that is asked for something other than chat; limits by the vendor's page of its embeddings."""
    return Profile(
        vendor.vendor,
        model,
        tools=False,
        kinds=frozenset({kind}),
        media=frozenset({"image"} if kind == "image" else {"audio"} if kind == "transcribe" else ()),
        fetches=frozenset({"image"} if "image" in model else ()),
        most=2048 if kind == "embed" else None,
        room=250_000 if kind == "embed" else None,
    )

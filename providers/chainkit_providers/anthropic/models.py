"""What is known of Anthropic's models: their published limits, by family."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from chainkit.models.profile import Profile
from chainkit.output.dialect import STRICT, STRUCTURE

ThinkingForm: TypeAlias = Literal["none", "budget", "both", "adaptive"]
SAMPLING = ("temperature", "top_p", "top_k")


@dataclass(frozen=True, slots=True)
class Family:
    """Limits in tokens; `thinking` is how reasoning is asked for; `effort` and `schema` what it takes.

    From the 4.7 generation on a family thinks adaptively only, and then takes no sampling options.
    """

    pattern: re.Pattern[str]
    context: int
    max_output: int
    thinking: ThinkingForm = "budget"
    effort: bool = False
    schema: bool = False


def _family(names: str, context: int, max_output: int, thinking: ThinkingForm, *, effort: bool, schema: bool) -> Family:
    return Family(re.compile(rf"claude-(?:{names})(?:$|[-@.:])"), context, max_output, thinking, effort, schema)


# Source: the vendor's model pages and its models endpoint. The first family that matches counts.
FAMILIES = (
    _family(
        "(?:opus|sonnet|haiku|fable|mythos)-[5-9](?:-\\d)?|opus-4-[78]",
        1_000_000,
        128_000,
        "adaptive",
        effort=True,
        schema=True,
    ),
    _family("(?:opus|sonnet)-4-6", 1_000_000, 128_000, "both", effort=True, schema=True),
    _family("opus-4-5", 200_000, 64_000, "budget", effort=True, schema=True),
    _family("(?:sonnet|haiku)-4-5", 200_000, 64_000, "budget", effort=False, schema=True),
    _family("opus-4-1", 200_000, 32_000, "budget", effort=False, schema=True),
    _family("opus-4", 200_000, 32_000, "budget", effort=False, schema=False),
    _family("sonnet-4|3-7-sonnet", 200_000, 64_000, "budget", effort=False, schema=False),
    _family("3-5-(?:sonnet|haiku)", 200_000, 8_192, "none", effort=False, schema=False),
    _family("3-(?:opus|sonnet|haiku)", 200_000, 4_096, "none", effort=False, schema=False),
)
SCHEMA = replace(
    STRICT,
    name="anthropic",
    keywords=STRUCTURE | {"const", "format", "pattern"},
    all_required=False,
    inline=True,
    lone_refs=False,
)
"""What the vendor enforces: no bounds, no recursion, optional fields as they are."""
OPTIONS = frozenset(
    (
        *SAMPLING,
        "max_tokens",
        "stop",
        "reasoning",
        "reasoning_tokens",
        "service_tier",
        "prompt_cache",
        "user",
        "tool_choice",
        "parallel_tools",
        "extra",
    )
)


def family(model: str) -> Family | None:
    """The family of a model, or None for one that this table does not know."""
    return next((f for f in FAMILIES if f.pattern.search(model)), None)


_FETCHES = frozenset({"image", "document"})


def profile(model: str) -> Profile:
    """What is known of a model; an unknown one is taken to know tools and no enforced schema."""
    known = family(model)
    if known is None:
        return Profile("anthropic", model, output=("tool", "prompt"), options=OPTIONS, fetches=_FETCHES)
    return Profile(
        "anthropic",
        model,
        context=known.context,
        max_output=known.max_output,
        output=("native", "tool", "prompt") if known.schema else ("tool", "prompt"),
        schema=SCHEMA,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        vision=True,
        fetches=_FETCHES,
        options=OPTIONS.difference(SAMPLING) if known.thinking == "adaptive" else OPTIONS,
    )

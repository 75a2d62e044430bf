"""What is known of OpenAI's models: their published limits, by family."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainkit.models.profile import Profile
from chainkit_providers.openai.dialect import Dialect, fields
from chainkit_providers.openai.responses_request import TAKES

THINKS = re.compile(r"^(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)(?!.*chat)|codex)")
DIALECT = Dialect(
    "openai",
    fields(reasoning="reasoning_effort", verbosity="verbosity", service_tier="service_tier"),
    thinks=THINKS,
    keys=("OPENAI_API_KEY",),
)
_NATIVE = ("native", "tool", "json", "prompt")
_TOOLS = ("tool", "json", "prompt")


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


def profile(model: str) -> Profile:
    """What is known of a model; an unknown one is taken to know schemas and tools."""
    known = family(model)
    options = TAKES if api(model) == "responses" else frozenset((*DIALECT.options, "extra"))
    if known is None:
        return Profile("openai", model, output=("native", "tool", "prompt"), options=options)
    return Profile(
        "openai",
        model,
        context=known.context,
        max_output=known.max_output,
        output=known.output,
        tools=known.tools,
        vision=known.vision,
        options=options,
    )

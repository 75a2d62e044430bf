"""What is known of Google's models: their published limits, by family, and how each is asked to think."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from chainkit.models.profile import Profile
from chainkit.output.dialect import STRICT, STRUCTURE

Thinking: TypeAlias = Literal["no", "budget", "level"]
SAMPLING = ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")
MEDIA = frozenset({"image", "audio", "video", "document"})
SCHEMA = replace(
    STRICT,
    name="google",
    keywords=STRUCTURE | {"format", "maxItems", "maximum", "minItems", "minimum", "prefixItems"},
    formats=frozenset({"date", "date-time", "time"}),
    objects="open",
    all_required=False,
    anything="yes",
)
"""What `responseJsonSchema` understands. Source: the reference of GenerationConfig."""
OPTIONS = frozenset((
    *SAMPLING, "max_tokens", "stop", "n", "logprobs", "parallel_tools", "service_tier", "tool_choice", "prompt_cache",
    "extra", "vendor",
))  # fmt: skip
THINKING = frozenset({"reasoning", "reasoning_tokens"})
_NATIVE = ("native", "tool", "json", "prompt")


@dataclass(frozen=True, slots=True)
class Family:
    """Limits in tokens. `thinking` is how reasoning is asked for, `levels` those it knows, `off` whether it can be without.

    `joint` says that it can call tools and be held to a schema in one request. `fetches` that it opens URLs itself.
    """

    pattern: re.Pattern[str]
    context: int | None
    max_output: int | None
    thinking: Thinking = "no"
    levels: tuple[str, ...] = ()
    off: bool = False
    joint: bool = False
    fetches: bool = True
    output: tuple[str, ...] = _NATIVE
    tools: bool = True
    kinds: frozenset[str] = frozenset({"chat"})

    def level(self, wish: str) -> str:
        """The level for a wish: the next one up where the family has fewer, as the vendor itself maps them."""
        order = ("minimal", "low", "medium", "high")
        above = [at for at in order[order.index(wish) :] if at in self.levels] if wish in order else []
        return above[0] if above else wish


def _family(pattern: str, context: int | None, max_output: int | None, **more: object) -> Family:
    return Family(re.compile(rf"(?:^|/){pattern}"), context, max_output, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


_ALL, _MOST, _FEW = ("minimal", "low", "medium", "high"), ("low", "medium", "high"), ("low", "high")
_M, _OUT = 1_048_576, 65_536
_NEW = r"gemini-(?:[3-9]|\d\d)(?:\.\d+)?"
_DRAWS = frozenset({"chat", "image"})

# Source: the vendor's model pages. The first family that matches counts.
FAMILIES = (
    _family(r"gemini-embedding-2", 8_192, None, kinds=frozenset({"embed"})),
    _family(r"(?:gemini-embedding|text-embedding|text-multilingual-embedding|embedding-)", 2_048, None, kinds=frozenset({"embed"})),
    _family(r"imagen-", 480, None, kinds=frozenset({"image"})),
    _family(r"gemini-[\w.-]*-tts", 8_192, 16_384, output=("prompt",), tools=False, kinds=frozenset({"speak"})),
    _family(_NEW + r"-[\w-]*image", 65_536, 32_768, output=("native", "json", "prompt"), tools=False, kinds=_DRAWS),
    _family(r"gemini-2[\w.-]*-image", 32_768, 32_768, output=("prompt",), tools=False, kinds=_DRAWS),
    _family(_NEW + r"-flash", _M, _OUT, thinking="level", levels=_ALL, joint=True),
    _family(r"gemini-3-pro", _M, _OUT, thinking="level", levels=_FEW, joint=True),
    _family(_NEW + r"-pro", _M, _OUT, thinking="level", levels=_MOST, joint=True),
    _family(r"gemini-flash(?:-lite)?-latest", _M, _OUT, thinking="level", levels=_ALL, joint=True),
    _family(r"gemini-pro-latest", _M, _OUT, thinking="level", levels=_MOST, joint=True),
    _family(r"gemini-2\.5-pro", _M, _OUT, thinking="budget"),
    _family(r"gemini-2\.5-flash", _M, _OUT, thinking="budget", off=True),
    _family(r"gemini-2\.0", _M, 8_192, off=True, fetches=False),
    _family(r"gemini-1\.5-pro", 2_097_152, 8_192, off=True, fetches=False),
    _family(r"gemini-1\.5", _M, 8_192, off=True, fetches=False),
    _family(r"gemma-", 131_072, 8_192, off=True, fetches=False, output=("prompt",), tools=False),
)  # fmt: skip


def family(model: str) -> Family | None:
    """The family of a model, or None for one that this table does not know."""
    return next((f for f in FAMILIES if f.pattern.search(model)), None)


def profile(model: str, vendor: str = "google") -> Profile:
    """What is known of a model; an unknown one is taken to know schemas, tools and media."""
    known = family(model)
    if known is None:
        return Profile(
            vendor,
            model,
            output=_NATIVE,
            schema=SCHEMA,
            vision=True,
            options=OPTIONS | THINKING,
            media=MEDIA,
            fetches=MEDIA,
            priced_as="google",
        )
    fetches = known.fetches or vendor == "vertex"
    return Profile(
        vendor,
        model,
        context=known.context,
        max_output=known.max_output,
        output=known.output,
        schema=SCHEMA,
        tools=known.tools,
        vision="chat" in known.kinds,
        options=OPTIONS if known.thinking == "no" else OPTIONS | THINKING,
        kinds=known.kinds,
        media=MEDIA if "chat" in known.kinds else frozenset(),
        fetches=MEDIA if fetches else frozenset(),
        reasoning=known.thinking != "no",
        most=_most(model, vendor),
        priced_as="google",
        joint=known.joint or not known.tools,
    )


def _most(model: str, vendor: str) -> int | None:
    """How many texts one request for vectors may hold."""
    if "embedding" not in model:
        return None
    if vendor == "google":
        return 100
    # Here every text of a newer model is a request of its own.
    return 1 if "gemini-embedding" in model else 250

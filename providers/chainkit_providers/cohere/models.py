"""What is known of Cohere's models: their published limits, by family."""

from __future__ import annotations

from dataclasses import replace

from chainkit.models.profile import Profile
from chainkit.output.dialect import STRICT, STRUCTURE
from chainkit_providers.cohere.request import TAKES

SCHEMA = replace(STRICT, name="cohere", keywords=STRUCTURE | {"const", "format"})
"""What the vendor enforces: no bounds and no patterns."""

# Prefix, context and output limit in tokens, and whether it sees images. The longest prefix counts.
FAMILIES: tuple[tuple[str, int | None, int | None, bool], ...] = (
    ("command-a-reasoning", 256_000, 32_000, False),
    ("command-a-vision", 128_000, 8_000, True),
    ("command-a-translate", 8_000, 8_000, False),
    ("command-a-03", 256_000, 8_000, False),
    ("command-r7b", 128_000, 4_000, False),
    ("command-r-plus", 128_000, 4_000, False),
    ("command-r", 128_000, 4_000, False),
    ("c4ai-aya-vision", 16_000, 4_000, True),
)


def profile(model: str) -> Profile:
    """What is known of a model."""
    rows = sorted((f for f in FAMILIES if model.startswith(f[0])), key=lambda f: len(f[0]))
    _, context, max_output, vision = rows[-1] if rows else ("", None, None, False)
    return Profile(
        "cohere",
        model,
        context=context,
        max_output=max_output,
        output=("native", "tool", "json", "prompt"),
        schema=SCHEMA,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        vision=vision,
        options=TAKES,
    )

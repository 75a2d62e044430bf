"""How a gap is marked for a model that fills it, where its server takes nothing but one text.

Each family of models was trained with marks of its own; the sources are their model cards. What a server calls
`suffix` does the same on its side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainkit.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Marks:
    """One family: which names it has, the marks of its vocabulary, and the order in which text and marks stand."""

    names: re.Pattern[str]
    vocabulary: tuple[str, ...]
    form: str

    def around(self, prefix: str, suffix: str) -> str:
        """The one text that asks for what stands between two."""
        # Not str.format: code is full of braces.
        before, between, after = re.split(r"\{prefix\}|\{suffix\}", self.form)
        first, second = (
            (prefix, suffix) if self.form.find("{prefix}") < self.form.find("{suffix}") else (suffix, prefix)
        )
        return f"{before}{first}{between}{second}{after}"


def _marks(names: str, prefix: str, suffix: str, middle: str) -> Marks:
    form = f"{prefix}{{prefix}}{suffix}{{suffix}}{middle}"
    return Marks(re.compile(names, re.IGNORECASE), (prefix, suffix, middle), form)


FAMILIES = (
    _marks(r"qwen[\d.]*-?coder|codeqwen|codegemma", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    _marks(r"deepseek-?coder", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    _marks(r"starcoder|star-?chat|granite.*code|stable-?code|refact", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    Marks(
        re.compile(r"mellum", re.IGNORECASE),
        ("<fim_suffix>", "<fim_prefix>", "<fim_middle>"),
        "<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>",
    ),
    _marks(r"santacoder", "<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    Marks(
        re.compile(r"code-?llama", re.IGNORECASE),
        ("▁<PRE>", "▁<SUF>", "▁<MID>"),
        "<PRE> {prefix} <SUF>{suffix} <MID>",
    ),
    Marks(re.compile(r"codestral", re.IGNORECASE), ("[SUFFIX]", "[PREFIX]"), "[SUFFIX]{suffix}[PREFIX]{prefix}"),
)


def marked(spec: str, prefix: str, suffix: str) -> str:
    """A gap as the text that this model was trained on. Raises BadRequest for a model whose marks nobody knows."""
    for family in FAMILIES:
        if family.names.search(spec):
            return family.around(prefix, suffix)
    msg = (
        f"{spec} is not known to fill a gap: its server takes one text, and no marks are known for it; nothing was sent"
    )
    raise BadRequest(
        msg, cure="use a model trained for it (qwen2.5-coder, starcoder2, codegemma), or write its marks yourself"
    )

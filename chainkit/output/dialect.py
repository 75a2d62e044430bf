"""Dialects of JSON schema as data: what a vendor's schema checker, or a grammar compiler, takes.

A vendor's row names a dialect, or makes its own: `replace(STRICT, inline=True)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

STRUCTURE = frozenset({
    "$defs", "$ref", "additionalProperties", "anyOf", "description", "enum", "items", "properties", "required", "type",
})  # fmt: skip
BOUNDS = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maxItems", "maximum", "minItems", "minimum"})
COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a schema may hold. What it may not is moved into the description, and checked when the answer is read.

    `keywords` and `formats`: those that are understood, None for all.
    `objects`: `open` leaves them as they are; `named` allows an object with named fields no others;
    `closed` allows no object any field that is not named, so that a map of any keys cannot be asked for.
    `all_required`: every property is required; an optional one may be null instead.
    `anything`: whether a place may hold any value: `yes`, `listed` (as the list of all types) or `no`.
    `inline`: definitions stand where they are used; a recursive type cannot be asked for.
    `lone_refs`: beside `$ref` nothing may stand.
    `patterns`: a regular expression that a pattern must match as a whole to be understood; None for all.
    `repeats`: the largest bound on a length or count that is understood.
    """

    name: str
    keywords: frozenset[str] | None = None
    formats: frozenset[str] | None = None
    objects: Literal["open", "named", "closed"] = "open"
    all_required: bool = False
    anything: Literal["yes", "listed", "no"] = "yes"
    inline: bool = False
    lone_refs: bool = False
    patterns: str | None = None
    repeats: int | None = None

    def takes(self, keyword: str, value: object = None) -> bool:
        """Whether the keyword with that value may stand in a schema."""
        if self.keywords is not None and keyword not in self.keywords:
            return False
        if keyword == "format":
            return self.formats is None or value in self.formats
        if keyword == "pattern":
            return self.patterns is None or re.fullmatch(self.patterns, str(value), re.DOTALL) is not None
        if keyword in COUNTS and self.repeats is not None:
            return isinstance(value, int) and value <= self.repeats
        return True


STRICT = Dialect(
    "strict",
    keywords=STRUCTURE | BOUNDS | {"format", "multipleOf", "pattern"},
    formats=frozenset({"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"}),
    objects="closed",
    all_required=True,
    anything="no",
    lone_refs=True,
    patterns=r"(?:(?!\(\?[=!<])(?!\\[1-9]).)*",
)
"""Schemas that a vendor enforces to the letter; patterns that look neither around nor back."""

GRAMMAR = Dialect(
    "grammar",
    keywords=STRUCTURE | BOUNDS | {"format", "maxLength", "minLength", "pattern", "prefixItems"},
    formats=frozenset({"date", "date-time", "time", "uuid"}),
    objects="named",
    anything="listed",
    lone_refs=True,
    patterns=r"\^(?:[^\\()\[\]^$]|\\[\^$.\[\]()|{}*+?]|\[[^\\\[\]]+\]|\((?!\?)|\))*\$",
    repeats=256,
)
"""What llama.cpp makes a grammar of, through its own converter or llguidance: patterns anchored and plain."""

TOOL = Dialect("tool")
"""The parameters of a tool: JSON schema as it is."""

DIALECTS: Mapping[str, Dialect] = {d.name: d for d in (STRICT, GRAMMAR, TOOL)}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a dialect made of one place of a schema.

    `moved` into the description · `loosened`: more is let through, and refused when read · `narrowed`: less can
    be answered than the type holds · `impossible`: the place cannot be asked for, another way is needed.
    """

    kind: Literal["moved", "loosened", "narrowed", "impossible"]
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place or 'the root'}: {self.message} ({self.kind})"

"""Tables in Markdown that read as text."""

from __future__ import annotations

from collections.abc import Sequence

from chainkit.usage import Usage


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, its columns as wide as they must be."""
    rows = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (head, *lines)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(head))]
    shown = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return [shown[0], "| " + " | ".join("-" * w for w in widths) + " |", *shown[1:]]


def tokens(usage: Usage) -> str:
    """How many tokens, or that nobody said."""
    if usage.total is None:
        return "tokens unknown"
    return f"{usage.input or 0:,} + {usage.output or 0:,} tokens"

"""A chain as a drawing: text, Mermaid, SVG. No program and no script is needed to see one."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from chainkit.chain import Chain

Flow = Literal["row", "column", "leaf"]


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a drawing: a leaf, parts one after the other (row), or parts side by side (column).

    `groups` are the sizes of columns that follow one another, where a column is not all there is.
    """

    title: str
    flow: Flow
    parts: tuple[Box, ...] = ()
    edge: str = ""
    note: str = ""
    groups: tuple[int, ...] = ()

    def arranged(self) -> Box:
        """The same as a row of its groups, for a picture; a tree leaves them out."""
        if len(self.groups) < 2:
            return self
        ends = list(itertools.accumulate(self.groups))
        groups = [self.parts[end - size : end] for end, size in zip(ends, self.groups, strict=True)]
        row = tuple(g[0] if len(g) == 1 else Box("", "column", g) for g in groups)
        return Box(self.title, "row", row, self.edge)


@dataclass(frozen=True, slots=True)
class Graph:
    """The drawing of a chain. `str()` is an indented tree; a notebook shows the SVG."""

    root: Box

    def __str__(self) -> str:
        return "\n".join(_tree(self.root, ""))

    def mermaid(self) -> str:
        """A Mermaid flowchart."""
        from chainkit.compose.mermaid import flowchart

        return flowchart(self.root)

    def svg(self) -> str:
        """An SVG picture, complete in itself."""
        from chainkit.compose.svg import picture

        return picture(self.root)

    def _repr_svg_(self) -> str:
        return self.svg()


def graph(chain: Chain[Any, Any]) -> Graph:
    """The drawing of a chain."""
    return Graph(_box(chain))


def _box(chain: Chain[Any, Any], edge: str = "") -> Box:
    from chainkit.compose.policy import Around
    from chainkit.compose.sequence import Sequence

    parts = chain.parts()
    title = _title(chain)
    if not parts:
        return Box(title, "leaf", edge=edge, note=getattr(chain, "note", "") if chain.label else "")
    if isinstance(chain, Around) and not title:
        return _box(parts[0][1], edge)
    flow: Flow = "row" if isinstance(chain, Sequence | Around) else "column"
    inner = tuple(_box(part, "" if flow == "row" or word == part.label else word) for word, part in parts)
    return Box(title, flow, inner, edge, groups=chain.groups() if flow == "column" else ())


def _title(chain: Chain[Any, Any]) -> str:
    if chain.label:
        return chain.label
    return getattr(chain, "note", "") or (
        "" if chain.parts() else _NAMES.get(type(chain).__name__, type(chain).__name__.lower())
    )


_NAMES = {"Identity": "identity"}


def _tree(box: Box, indent: str) -> list[str]:
    edge = f"{box.edge}: " if box.edge else ""
    head = [f"{indent}{edge}{box.title or _WORDS[box.flow]}"]
    return head + [line for part in box.parts for line in _tree(part, indent + "  ")]


_WORDS = {"row": "sequence", "column": "parallel", "leaf": "step"}


def one_line(chain: Chain[Any, Any]) -> str:
    """A chain as its repr: `prompt | model openai:gpt-5-mini`."""
    return _line(_box(chain))


def _line(box: Box) -> str:
    edge = f"{box.edge}=" if box.edge and not box.edge.isdigit() else ""
    if box.flow == "leaf":
        return f"{edge}{box.title} {box.note}".rstrip()
    if box.flow == "row":
        inner = " | ".join(_line(p) for p in box.parts)
        return edge + (f"{box.title}({inner})" if box.title else inner)
    return f"{edge}{box.title or 'parallel'}({', '.join(_line(p) for p in box.parts)})"


def shortened(text: str, most: int = 40) -> str:
    """A title that fits its box."""
    return text if len(text) <= most else text[: most - 1] + "…"


def printable(text: str) -> str:
    """Text on one line, without signs that a drawing cannot hold."""
    return "".join(c if c.isprintable() else " " for c in text)


def escaped(text: str) -> str:
    """Text for XML."""
    return escape(printable(text), quote=True)

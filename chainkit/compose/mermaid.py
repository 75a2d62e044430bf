"""A drawing as a Mermaid flowchart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainkit.compose.graph import printable

if TYPE_CHECKING:
    from chainkit.compose.graph import Box


def flowchart(root: Box) -> str:
    """The text of the chart."""
    lines = ["flowchart LR"]
    draw = _Chart(lines)
    first, last = draw.box(root, "  ")
    lines += ["  in([input])", "  out([output])"]
    lines += [f"  in --> {n}" for n in first] + [f"  {n} --> out" for n in last]
    return "\n".join(lines) + "\n"


class _Chart:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._ids: Iterator[int] = itertools.count(1)

    def box(self, box: Box, indent: str) -> tuple[list[str], list[str]]:
        """Draw a box; gives the nodes where it begins and where it ends."""
        if box.flow == "leaf":
            node = f"n{next(self._ids)}"
            text = f"{box.edge}: {box.title}" if box.edge else box.title
            self._lines.append(f'{indent}{node}["{_quoted(text)}"]')
            return [node], [node]
        box = box.arranged()
        titled = bool(box.title or box.edge)
        inner = indent + "  " if titled else indent
        if titled:
            title = ": ".join(t for t in (box.edge, box.title) if t)
            self._lines.append(f'{indent}subgraph g{next(self._ids)} ["{_quoted(title)}"]')
        ends = [self.box(part, inner) for part in box.parts]
        if box.flow == "row":
            for (_, before), (after, _) in itertools.pairwise(ends):
                self._lines += [f"{inner}{b} --> {a}" for b in before for a in after]
        if titled:
            self._lines.append(f"{indent}end")
        if box.flow == "row":
            return ends[0][0], ends[-1][1]
        return [n for first, _ in ends for n in first], [n for _, last in ends for n in last]


def _quoted(text: str) -> str:
    text = printable(text)
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")

"""A drawing as SVG: boxes in boxes, rows to the right, columns downwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainkit.compose.graph import escaped, shortened

if TYPE_CHECKING:
    from chainkit.compose.graph import Box

_CHAR, _LEAF, _GAP, _PAD, _HEAD = 7.2, 34.0, 26.0, 12.0, 22.0
_STYLE = (
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1c2733}"
    ".g{fill:#f5f7fa;stroke:#9fb0c3;stroke-dasharray:4 3}.l{fill:#fff;stroke:#3a6ea5}"
    ".t{fill:#51657a}.e{stroke:#3a6ea5;fill:none}.a{fill:#3a6ea5}"
)


@dataclass(frozen=True, slots=True)
class _Laid:
    """A box with its size; `inner` are its parts with their offsets."""

    box: Box
    width: float
    height: float
    inner: tuple[tuple[float, float, _Laid], ...] = ()

    @property
    def middle(self) -> float:
        return self.height / 2


def picture(root: Box) -> str:
    """The whole picture."""
    laid = _laid(root)
    width, height = laid.width + 2 * _PAD + 2 * _GAP, laid.height + 2 * _PAD
    body: list[str] = []
    _draw(laid, _PAD + _GAP, _PAD, body)
    y = _PAD + laid.middle
    body.append(_arrow(_PAD, y, _PAD + _GAP, y))
    body.append(_arrow(_PAD + _GAP + laid.width, y, width - _PAD, y))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img"><title>{escaped(root.title or "chain")}</title>'
        f"<style>{_STYLE}</style>{''.join(body)}</svg>\n"
    )


def _laid(box: Box) -> _Laid:
    box = box.arranged()
    title = shortened(": ".join(t for t in (box.edge, box.title) if t))
    if box.flow == "leaf":
        return _Laid(box, max(60.0, len(title) * _CHAR + 2 * _PAD), _LEAF)
    parts = [_laid(p) for p in box.parts]
    head = _HEAD if title else 0.0
    pad = _PAD if title or box.flow == "column" else 0.0
    if box.flow == "row":
        height = max(p.height for p in parts)
        x, inner = pad, list[tuple[float, float, _Laid]]()
        for part in parts:
            inner.append((x, head + pad + (height - part.height) / 2, part))
            x += part.width + _GAP
        width = x - _GAP + pad
    else:
        width = max(p.width for p in parts) + 2 * pad + 2 * _GAP
        y, inner = head + pad, list[tuple[float, float, _Laid]]()
        for part in parts:
            inner.append(((width - part.width) / 2, y, part))
            y += part.height + _PAD
        height = y - _PAD - head - pad
    return _Laid(box, max(width, len(title) * _CHAR + 2 * _PAD), head + height + 2 * pad, tuple(inner))


def _draw(laid: _Laid, x: float, y: float, body: list[str]) -> None:
    box = laid.box
    title = escaped(shortened(": ".join(t for t in (box.edge, box.title) if t)))
    if box.flow == "leaf":
        body.append(_rect("l", x, y, laid))
        body.append(
            f'<text x="{x + laid.width / 2:.1f}" y="{y + laid.height / 2 + 4:.1f}" text-anchor="middle">{title}</text>'
        )
        return
    if title or box.flow == "column":
        body.append(_rect("g", x, y, laid))
    if title:
        body.append(f'<text class="t" x="{x + _PAD:.1f}" y="{y + 15:.1f}">{title}</text>')
    _edges(laid, x, y, body)
    for dx, dy, part in laid.inner:
        _draw(part, x + dx, y + dy, body)


def _edges(laid: _Laid, x: float, y: float, body: list[str]) -> None:
    if laid.box.flow == "row":
        for (ax, ay, a), (bx, by, b) in zip(laid.inner, laid.inner[1:], strict=False):
            body.append(_arrow(x + ax + a.width, y + ay + a.middle, x + bx, y + by + b.middle))
        return
    for dx, dy, part in laid.inner:
        middle = y + dy + part.middle
        body.append(_curve(x, y + laid.middle, x + dx, middle))
        body.append(_curve(x + dx + part.width, middle, x + laid.width, y + laid.middle))


def _rect(kind: str, x: float, y: float, laid: _Laid) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{laid.width:.1f}" height="{laid.height:.1f}" rx="6"/>'


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    tip = f"{x2 - 7:.1f},{y2 - 4:.1f} {x2:.1f},{y2:.1f} {x2 - 7:.1f},{y2 + 4:.1f}"
    return f'<path class="e" d="M{x1:.1f} {y1:.1f}L{x2 - 6:.1f} {y2:.1f}"/><polygon class="a" points="{tip}"/>'


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return f'<path class="e" d="M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"/>'

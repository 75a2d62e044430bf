"""The frontier as a picture: what a case costs to the right, how good the answers are upwards."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainkit.errors import MissingExtra

if TYPE_CHECKING:
    from chainkit.evaluate.calibrating import Calibration

_BLUE, _GREY = "#3a6ea5", "#8a97a6"


def draw(found: Calibration, path: str | Path, form: str) -> None:
    """Write the picture. Raises MissingExtra without matplotlib."""
    if find_spec("matplotlib") is None:
        msg = "a picture needs matplotlib, which is not installed"
        raise MissingExtra(msg, cure='pip install "chainkit[evaluate]"')
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(8, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    edge = found.frontier
    axes.step([c.price for c in edge], [c.quality.value for c in edge], where="post", color=_BLUE, lw=1.2, zorder=1)
    kept = {c.members for c in found.frontier}
    for number, one in enumerate(edge, 1):
        chosen = set(one.members) == set(found.learned.members)
        axes.scatter(
            [one.price],
            [one.quality.value],
            color=_BLUE,
            marker="D" if chosen else "o",
            s=46 if chosen else 30,
            zorder=2,
        )
        axes.annotate(
            str(number), (one.price, one.quality.value), xytext=(5, 5), textcoords="offset points", color=_BLUE
        )
    for one in found.choices[: len(found.choices) - 3]:
        if one.members not in kept:
            axes.scatter([one.price], [one.quality.value], color=_GREY, marker="x", s=26, zorder=1)
            axes.annotate(
                one.name,
                (one.price, one.quality.value),
                xytext=(5, -11),
                textcoords="offset points",
                color=_GREY,
                fontsize=8,
            )
    axes.set_xlabel(f"{found.unit} a case")
    axes.set_ylabel(found.metric)
    axes.set_xlim(left=0)
    axes.grid(visible=True, color="#e3e8ee", lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    said = [
        f"{n}  {c.name}{'   (chosen)' if set(c.members) == set(found.learned.members) else ''}"
        for n, c in enumerate(edge, 1)
    ]
    figure.legend(
        [axes.plot([], [], " ")[0] for _ in said], said, loc="outside lower left", frameon=False, fontsize=8, handlelength=0,
        handletextpad=0,
    )  # fmt: skip
    # Without a date in it, so that the same calibration draws the same picture.
    figure.savefig(path, format=form, dpi=150, metadata={"Date": None} if form == "svg" else {})

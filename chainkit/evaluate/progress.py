"""How far an evaluation is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from chainkit.evaluate.scored import Scored

Telling: TypeAlias = "bool | Callable[[Progress], object] | None"


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is: `done` of `total` cases, of which `kept` were in the file; `row` is the newest."""

    name: str
    done: int
    total: int
    kept: int
    row: Scored | None = None


def telling(progress: Telling) -> Callable[[Progress], object] | None:
    """What to tell: True is a line on stderr."""
    if progress is True:
        return Line()
    return progress or None


class Line:
    """One line on stderr that is written over as results land."""

    def __init__(self) -> None:
        self._failed = 0
        self._begun = False

    def __call__(self, now: Progress) -> None:
        self._begun = True
        self._failed += now.row is not None and now.row.error is not None
        failed = f", {self._failed} failed" if self._failed else ""
        sys.stderr.write(f"\r{now.name}: {now.done} of {now.total}{failed} ")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._begun:
            sys.stderr.write("\n")

"""How far a chain's confidence is to be believed: metrics of a whole report. Lower is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal, TypeAlias

from chainkit.errors import did_you_mean
from chainkit.evaluate.case import EvaluationError
from chainkit.evaluate.scored import Scored

Said: TypeAlias = Literal["confidence", "agreement"]


@dataclass(frozen=True)
class Believed:
    """What both metrics take of a result: how sure it was, and whether it was right."""

    of: Said = "confidence"
    correct: str | None = None
    name: str = "believed"

    def pair(self, row: Scored) -> tuple[float, float] | None:
        """(confidence, score), or None for a failed case and one that did not say how sure it was."""
        said = row.confidence if self.of == "confidence" else row.agreement
        if row.error is not None or said is None or not row.scores:
            return None
        if not 0 <= said <= 1:
            msg = f"case {row.case.id}: the {self.of} {said} is none from 0 to 1"
            raise EvaluationError(msg)
        metric = next(iter(row.scores)) if self.correct is None else self.correct
        if metric not in row.scores:
            msg = f"{self.name}: case {row.case.id} has no score {metric!r}"
            raise EvaluationError(msg, cure=did_you_mean(metric, list(row.scores)))
        return said, row.scores[metric]

    def over(self, pairs: Sequence[tuple[float, float]]) -> float:
        """The number."""
        raise NotImplementedError


@dataclass(frozen=True)
class CalibrationError(Believed):
    """The expected calibration error."""

    bins: int = 10
    name: str = "calibration error"

    def over(self, pairs: Sequence[tuple[float, float]]) -> float:
        gaps: dict[int, float] = {}
        for said, right in sorted(pairs):
            place = min(int(said * self.bins), self.bins - 1)
            gaps[place] = gaps.get(place, 0.0) + right - said
        return fsum(abs(gap) for gap in gaps.values()) / len(pairs)


@dataclass(frozen=True)
class Brier(Believed):
    """The mean square of what confidence missed by."""

    name: str = "brier"

    def over(self, pairs: Sequence[tuple[float, float]]) -> float:
        return fsum((said - right) ** 2 for said, right in pairs) / len(pairs)


def calibration_error(
    bins: int = 10, *, of: Said = "confidence", correct: str | None = None, name: str = "calibration error"
) -> CalibrationError:
    """The expected calibration error: how far confidence and share of right answers lie apart, in equal bins.

    0 is best, and it is 0 to 1 (Guo and others, "On Calibration of Modern Neural Networks", 2017). `of` takes a
    verdict's agreement for its confidence; `correct` names the metric that says what is right (the first). Cases
    that failed or did not say how sure they were are left out.
    """
    if bins < 1:
        msg = f"calibration_error({bins}): it needs at least one bin"
        raise EvaluationError(msg)
    return CalibrationError(of, correct, name, bins)


def brier(*, of: Said = "confidence", correct: str | None = None, name: str = "brier") -> Brier:
    """Brier's score: the mean square of confidence less correctness, 0 (best) to 1; always saying 0.5 has 0.25."""
    return Brier(of, correct, name)

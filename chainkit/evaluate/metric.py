"""What a metric is: a name, and a number for each case. Higher is better.

Any object with `name` and `score(case, value)` (a number, or a coroutine of one) is a metric, and so is a function
of `(value, expected)`. `value` is what the chain gave: of a verdict or an agent's result the bare value.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

from chainkit.compose.step import name_of
from chainkit.evaluate.case import Case, EvaluationError
from chainkit.messages import counted_text


@runtime_checkable
class Metric(Protocol):
    """A number for each case, mostly from 0 to 1. One that asks models has an `async def score`."""

    @property
    def name(self) -> str:
        """Its word in reports."""
        ...

    def score(self, case: Case, value: Any) -> float | Awaitable[float]:
        """How good the value is for that case."""
        ...


class Quick:
    """A metric that only computes: it is counted anew, for nothing, whenever saved results are read."""

    def score(self, case: Case, value: Any) -> float:
        """How good the value is for that case."""
        raise NotImplementedError

    def __call__(self, value: Any, expected: Any = None) -> float:
        """The score of a value by itself."""
        return self.score(Case(None, expected), value)


class Overall(Protocol):
    """A number for a whole report, such as a calibration error."""

    @property
    def name(self) -> str:
        """Its word in reports."""
        ...

    def pair(self, row: Any) -> tuple[float, float] | None:
        """The two numbers that it needs of a result, or None where the result has none."""
        ...

    def over(self, pairs: Sequence[tuple[float, float]]) -> float:
        """The number, from the pairs of all results."""
        ...


Given: TypeAlias = "Metric | Overall | Callable[[Any, Any], Any]"
"""What may stand in `metrics=`."""


@dataclass(frozen=True)
class Function:
    """A function of `(value, expected)`; a reply is given to it as its text."""

    function: Callable[[Any, Any], Any]
    name: str

    def score(self, case: Case, value: Any) -> Any:
        """What the function gives."""
        text = counted_text(value)
        return self.function(value if text is None else text, case.expected)


def metric(function: Callable[[Any, Any], Any], name: str | None = None) -> Function:
    """A function of `(value, expected)` as a metric, under a name of its own. It may be an `async def`."""
    return Function(function, name or name_of(function))


def told_apart(given: Sequence[Given]) -> tuple[tuple[Metric, ...], tuple[Overall, ...]]:
    """The metrics of cases and those of whole reports. Raises EvaluationError for what is neither, or a name twice."""
    if isinstance(given, str) or not isinstance(cast("Any", given), Sequence):
        given = [cast("Given", given)]
    each: list[Metric] = []
    whole: list[Overall] = []
    for one in given:
        if hasattr(one, "pair"):
            whole.append(cast("Overall", one))
        else:
            each.append(_one(one))
    names = [*(m.name for m in each), *(m.name for m in whole)]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        msg = f"two metrics have the name {twice!r}"
        raise EvaluationError(
            msg, cure="give one of them another: metric(function, name=...), or name= where it is made"
        )
    return tuple(each), tuple(whole)


def _one(given: Any) -> Metric:
    if isinstance(given, type) or getattr(given, "__module__", "").startswith("chainkit.evaluate."):
        if not isinstance(given, Metric) or isinstance(given, type):
            name = getattr(given, "__name__", repr(given))
            msg = f"metrics=[{name}] is not called"
            raise EvaluationError(msg, cure=f"write metrics=[{name}(...)]")
        return given
    if isinstance(given, Metric):
        return given
    if callable(given):
        return metric(given)
    msg = f"{given!r:.60} is no metric"
    raise EvaluationError(msg, cure="give exact(), judged(...), or a function of (value, expected)")


def number(found: Any, name: str) -> float:
    """The score as a number. Raises EvaluationError for anything else."""
    if isinstance(found, bool | int | float) and math.isfinite(found):
        return float(found)
    try:
        value = float(found)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        msg = f"the metric {name} gave {found!r:.60}, which is no finite number"
        raise EvaluationError(msg)
    return value

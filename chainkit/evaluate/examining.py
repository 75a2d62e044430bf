"""One case: the chain's answer, what it took, and its scores."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from chainkit.chain import Chain
from chainkit.ensembles.verdict import Verdict
from chainkit.errors import (
    AuthenticationError,
    BudgetExceeded,
    DeadlineExceeded,
    EnsembleError,
    MissingExtra,
    ProviderError,
    UnknownModel,
)
from chainkit.evaluate.case import Case
from chainkit.evaluate.metric import Metric, Quick, number
from chainkit.evaluate.plain import bare, plain
from chainkit.evaluate.saved import Saved
from chainkit.evaluate.scored import Scored
from chainkit.models.classify import Classification
from chainkit.place import Place
from chainkit.run.run import CURRENT

if TYPE_CHECKING:
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

HOPELESS = (AuthenticationError, BudgetExceeded, MissingExtra, UnknownModel)
"""Errors that every further case would end with as well: they end the evaluation."""


def examining(chain: Chain[Any, Any], metrics: Sequence[Metric], mark: str, saved: Saved) -> Core:
    """The core that asks a case, scores the answer and writes the result down."""
    core = Place().compile(chain, tail=True)

    async def examine(frame: Frame, due: tuple[Case, Scored | None]) -> Scored:
        case, known = due
        if known is None:
            row, value = await _answered(frame, core, case, mark)
        else:
            row, value = known, known.value
        if row.error is None:
            row = await _judged(frame, metrics, row, value)
        else:
            row = replace(row, scores={m.name: 0.0 for m in metrics})
        saved.add(row)
        return row

    return examine


async def _answered(frame: Frame, core: Core, case: Case, mark: str) -> tuple[Scored, Any]:
    """The chain's answer, with what it took; an error is an answer too."""
    run, start = frame.run.child(), frame.io.now()
    error: Exception | None = None
    found: Any = None
    try:
        found = await core(frame.child(run=run), case.input)
    except Exception as failed:
        error = _bearable(failed, frame)
    value = bare(found)
    row = Scored(
        case,
        plain(value),
        error=None if error is None else f"{type(error).__name__}: {error}",
        transient=_passing(error),
        usage=run.usage,
        cost=run.cost,
        calls=run.calls,
        seconds=round(frame.io.now() - start, 6),
        agreement=found.agreement if isinstance(found, Verdict) else None,
        confidence=_confidence(found, value),
        chain=mark,
    )
    return row, value


def _bearable(error: Exception, frame: Frame) -> Exception:
    """The error, where it is this case's alone; else it is raised."""
    late = isinstance(error, DeadlineExceeded) and frame.until is not None and frame.io.now() >= frame.until
    if late or isinstance(error, HOPELESS):
        raise error
    return error


def _passing(error: BaseException | None) -> bool:
    """Whether the same question may be answered another time."""
    if isinstance(error, EnsembleError):
        return any(_passing(ballot.error) for ballot in error.ballots)
    return isinstance(error, DeadlineExceeded) or (isinstance(error, ProviderError) and error.transient)


def _confidence(found: Any, value: Any) -> float | None:
    """How sure the answer says it is: a verdict's confidence, a label's score, a field `confidence`."""
    said = cast("Any", found).confidence if isinstance(found, Verdict) else None
    if said is None:
        said = value.score if isinstance(value, Classification) else getattr(value, "confidence", None)
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) else None


async def _judged(frame: Frame, metrics: Sequence[Metric], row: Scored, value: Any) -> Scored:
    """The row with the scores it lacks."""
    run = frame.run.child()
    scores, unscored = dict(row.scores), dict(row.unscored)
    for metric in metrics:
        if metric.name in scores:
            continue
        try:
            scores[metric.name] = number(await _score(frame.child(run=run), metric, row.case, value), metric.name)
        except Exception as error:
            unscored[metric.name] = f"{type(_bearable(error, frame)).__name__}: {error}"
    return replace(row, scores=scores, unscored=unscored, scoring=row.scoring + run.cost)


async def _score(frame: Frame, metric: Metric, case: Case, value: Any) -> Any:
    token = CURRENT.set(frame.run)
    try:
        quick = isinstance(metric, Quick) or frame.io.blocking
        found = metric.score(case, value) if quick else await frame.io.call(metric.score, case, value)
        return await frame.io.awaited(frame, lambda: found) if inspect.isawaitable(found) else found
    finally:
        CURRENT.reset(token)

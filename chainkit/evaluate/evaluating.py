"""Asking a chain every case, and scoring what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, cast

from chainkit.chain import CONCURRENCY, Chain
from chainkit.compose.coerce import as_chain
from chainkit.evaluate.case import Case, identified
from chainkit.evaluate.examining import examining
from chainkit.evaluate.fingerprint import fingerprint
from chainkit.evaluate.metric import Given, Quick, number, told_apart
from chainkit.evaluate.metrics import exact
from chainkit.evaluate.plain import plain
from chainkit.evaluate.progress import Line, Progress, Telling, telling
from chainkit.evaluate.reading import cases as read_cases
from chainkit.evaluate.report import Report
from chainkit.evaluate.saved import Saved
from chainkit.evaluate.scored import Scored
from chainkit.evaluate.statistics import installed
from chainkit.run.run import Run

Asked: TypeAlias = "str | Chain[Any, Any] | Callable[[Any], Any] | Mapping[str, Any]"
"""What can be evaluated: a chain, or what may stand for one."""

Cases: TypeAlias = "Iterable[Any] | str | Path"
"""Case objects, or whatever `cases` reads."""


def evaluate(
    chain: Asked,
    cases: Cases,
    metrics: Sequence[Given] | Given | None = None,
    *,
    concurrency: int = CONCURRENCY,
    save: str | Path | None = None,
    progress: Telling = None,
    run: Run | None = None,
    name: str | None = None,
) -> Report:
    """Ask a chain (or a model string) every case and score the answers: `exact()` unless `metrics` are given.

    A case at which the chain fails counts 0 and stands in `report.errors`. `save` names a file to which each result
    is added as it lands; evaluating again with the same file asks only cases that are not in it, or that failed in a
    way that may pass. What counts as the same: the case's id and input, and the chain's `fingerprint`. `progress` is
    True for a line on stderr, or a function of `Progress`. Budgets, deadlines and stand-ins for models come with
    `run`. A missing key, an unknown model, a spent budget or deadline end it with that error; the file keeps what
    was there, and so it does at a Ctrl-C. Needs `chainkit[evaluate]`.
    """
    from chainkit.run.io.batch import Batch

    work = Evaluation(chain, cases, metrics, save, progress, name)
    with work.saved:
        items: Batch[Scored] = Batch(work.core, work.due, run, concurrency=concurrency, ordered=False, errors="raise")
        try:
            for index, row in items:
                work.landed(index, row)
        finally:
            items.close()
            work.ended()
    return work.report()


async def aevaluate(
    chain: Asked,
    cases: Cases,
    metrics: Sequence[Given] | Given | None = None,
    *,
    concurrency: int = CONCURRENCY,
    save: str | Path | None = None,
    progress: Telling = None,
    run: Run | None = None,
    name: str | None = None,
) -> Report:
    """`evaluate` on the running event loop."""
    from chainkit.run.io.batch import abatch

    work = Evaluation(chain, cases, metrics, save, progress, name)
    with work.saved:
        items = cast("Any", abatch(work.core, work.due, run, concurrency=concurrency, ordered=False, errors="raise"))
        try:
            async for index, row in items:
                work.landed(index, row)
        finally:
            await items.aclose()
            work.ended()
    return work.report()


class Evaluation:
    """One chain on its cases: which of them are still due, and what came of those that are not."""

    def __init__(
        self,
        chain: Asked,
        cases: Cases,
        metrics: Sequence[Given] | Given | None,
        save: str | Path | None,
        progress: Telling,
        name: str | None,
    ) -> None:
        installed()
        self._chain: Chain[Any, Any] = as_chain(chain)
        self.name = name or named(self._chain)
        given = (exact(),) if metrics is None else cast("Any", metrics)
        self._metrics, self._overall = told_apart(given)
        mark = fingerprint(self._chain)
        self.saved = Saved(save, mark)
        self._cases = as_cases(cases)
        self._rows: list[Scored | None] = [self._kept(case) for case in self._cases]
        self._due = [i for i, row in enumerate(self._rows) if row is None or self._lacking(row)]
        self._kept_count = len(self._rows) - len(self._due)
        self._done = self._kept_count
        self._tell = telling(progress)
        self.core = examining(self._chain, self._metrics, mark, self.saved)

    def _kept(self, case: Case) -> Scored | None:
        """What the file has of a case, with the scores that cost nothing counted anew."""
        row = self.saved.found(case)
        if row is None:
            return None
        scores = dict(row.scores) if row.case.expected == plain(case.expected) or row.error is not None else {}
        row = replace(row, case=case, scores=scores, unscored={})
        for metric in self._metrics:
            if row.error is not None:
                scores[metric.name] = 0.0
            elif isinstance(metric, Quick):
                with suppress(Exception):  # then it has no score yet, and is told when it is scored again
                    scores[metric.name] = number(metric.score(case, row.value), metric.name)
        return row

    def _lacking(self, row: Scored) -> bool:
        return any(m.name not in row.scores for m in self._metrics)

    @property
    def due(self) -> list[tuple[Case, Scored | None]]:
        """The cases to ask, each with what is known: then only scores are missing."""
        return [(self._cases[i], self._rows[i]) for i in self._due]

    def landed(self, index: int, row: Scored) -> None:
        """One more result."""
        self._rows[self._due[index]] = row
        self._done += 1
        self._told(row)

    def _told(self, row: Scored | None) -> None:
        if self._tell is not None:
            self._tell(Progress(self.name, self._done, len(self._rows), self._kept_count, row))

    def ended(self) -> None:
        """There is no more to tell."""
        if isinstance(self._tell, Line):
            self._tell.end()

    def report(self) -> Report:
        """All results."""
        rows = tuple(row for row in self._rows if row is not None)
        return Report(rows, tuple(m.name for m in self._metrics), self._overall, self.name)


def as_cases(given: Cases) -> list[Case]:
    """Cases with ids, from what `evaluate` takes."""
    if isinstance(given, str | Path):
        return read_cases(given)
    held = list(given)
    return identified(held) if all(isinstance(c, Case) for c in held) else read_cases(held)


def named(chain: Chain[Any, Any]) -> str:
    """A chain's word for itself."""
    shown = chain.label or repr(chain)
    return shown if len(shown) <= 60 else shown[:59] + "…"

"""Several chains on the same cases: which is better, and whether that is more than chance."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

from chainkit.chain import CONCURRENCY
from chainkit.compose.coerce import as_chain
from chainkit.errors import did_you_mean
from chainkit.evaluate.case import EvaluationError
from chainkit.evaluate.evaluating import Asked, Cases, aevaluate, as_cases, evaluate, named
from chainkit.evaluate.metric import Given
from chainkit.evaluate.progress import Telling
from chainkit.evaluate.report import Report
from chainkit.evaluate.statistics import Estimate, average, difference, holm, installed, paired
from chainkit.evaluate.table import aligned
from chainkit.run.run import Run

SURE = 0.05
"""The corrected p below which a difference counts as one."""

Chains: TypeAlias = "Mapping[str, Asked] | Sequence[Asked]"


@dataclass(frozen=True)
class Difference:
    """How far a chain's mean lies above another's on the same cases; below where it is negative.

    `p` is that of the paired test alone, `corrected` takes the number of chains into account (Holm). `wins` and
    `losses` count the cases at which it was better and worse.
    """

    name: str
    baseline: str
    metric: str
    mean: Estimate
    p: float
    wins: int
    losses: int
    corrected: float

    @property
    def noise(self) -> bool:
        """Whether it may well be chance: the corrected p is 0.05 or more."""
        return self.corrected >= SURE

    def __str__(self) -> str:
        side = "above" if self.mean.value > 0 else "below"
        apart = f"{abs(self.mean.value):.3f} {side}" if self.mean.value else "level with"
        interval = f"95%: {self.mean.low:+.3f} to {self.mean.high:+.3f}, p = {self.corrected:.3g}"
        return f"{self.name} is {apart} {self.baseline} on {self.metric} ({interval}){': within noise' * self.noise}"


@dataclass(frozen=True)
class Comparison:
    """Reports of several chains on the same cases, by name. `str()` is its table."""

    reports: Mapping[str, Report]
    baseline: str = ""
    _known: dict[tuple[str, str], tuple[Difference, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[Difference, ...]], init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not self.reports:
            msg = "there is nothing to compare"
            raise EvaluationError(msg)
        if not self.baseline:
            object.__setattr__(self, "baseline", next(iter(self.reports)))
        self._report(self.baseline)
        if not self.metrics:
            msg = "the reports have no metric in common"
            raise EvaluationError(msg)

    def __hash__(self) -> int:
        return hash((*self.reports, self.baseline))

    def __getitem__(self, name: str) -> Report:
        return self._report(name)

    def _report(self, name: str) -> Report:
        if name not in self.reports:
            msg = f"no chain of the comparison has the name {name!r}"
            raise EvaluationError(msg, cure=did_you_mean(name, list(self.reports)))
        return self.reports[name]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that all reports have."""
        first, *rest = self.reports.values()
        return tuple(m for m in first.metrics if all(m in r.metrics for r in rest))

    def differences(self, metric: str | None = None, *, against: str | None = None) -> tuple[Difference, ...]:
        """Each other chain less the baseline (or less `against`), paired by case, on a metric (the first).

        Where scores are 0 or 1, the interval is Agresti and Min's and the test McNemar's exact one; else a seeded
        bootstrap and a permutation test. Several tests are corrected together (Holm 1979).
        """
        name, base = metric or self.metrics[0], against or self.baseline
        if (name, base) not in self._known:
            raw = [
                _difference(other, self._report(other), base, self._report(base), name)
                for other in self.reports
                if other != base
            ]
            ps = holm([d.p for d in raw])
            self._known[name, base] = tuple(replace(d, corrected=p) for d, p in zip(raw, ps, strict=True))
        return self._known[name, base]

    @property
    def best(self) -> str:
        """The chain with the highest mean of the first metric; of equals the first. See `as_good` before you choose."""
        return self._best(self.metrics[0])

    @property
    def as_good(self) -> tuple[str, ...]:
        """The chains of which nothing shows that they are worse than the best one."""
        return tuple(d.name for d in self.differences(against=self.best) if d.noise)

    def _best(self, metric: str) -> str:
        return max(self.reports, key=lambda name: average(self.reports[name].scores(metric) or [0.0]))

    def conclusion(self, metric: str | None = None) -> str:
        """What can be said of a metric (the first), in a sentence or two."""
        metric = metric or self.metrics[0]
        best = self._best(metric)
        level = [d for d in self.differences(metric, against=best) if d.noise]
        if len(self.reports) == 1:
            return f"{best} is the only one."
        if not level:
            return f"Best on {metric}: {best}. It is better than each other chain by more than chance."
        others = ", ".join(d.name for d in level)
        rest = "" if len(level) == len(self.reports) - 1 else " All others are worse."
        return f"Highest on {metric}: {best}. Its lead over {others} is within noise: these cases do not tell them apart.{rest}"

    def table(self) -> str:
        """One Markdown table for each metric, and what can be concluded. Needs `chainkit[evaluate]`."""
        return "\n\n".join(self._of(metric) for metric in self.metrics)

    def _of(self, metric: str) -> str:
        gaps = {d.name: d for d in self.differences(metric)}
        lines = [self._line(name, report, metric, gaps.get(name)) for name, report in self.reports.items()]
        head = [metric, "mean", "95%", f"less {self.baseline}", "95%", "p (Holm)", "failed", "cost", "s a case"]
        return "\n".join([*aligned(head, lines), "", self.conclusion(metric)])

    def _line(self, name: str, report: Report, metric: str, gap: Difference | None) -> list[str]:
        mean = report.mean(metric)
        less = ["", "", ""] if gap is None else [
            f"{gap.mean.value:+.3f}", f"{gap.mean.low:+.3f} to {gap.mean.high:+.3f}", f"{gap.corrected:.3g}",
        ]  # fmt: skip
        return [
            name, f"{mean.value:.3f}", f"{mean.low:.3f} to {mean.high:.3f}", *less, str(len(report.errors)),
            str(report.cost), f"{report.seconds.p50:.2f}",
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.reports)}; baseline {self.baseline})"


def _difference(name: str, report: Report, base: str, other: Report, metric: str) -> Difference:
    right = {row.case.id: row.scores[metric] for row in other.rows if metric in row.scores}
    gaps = [
        row.scores[metric] - right[row.case.id] for row in report.rows if metric in row.scores and row.case.id in right
    ]
    if not gaps:
        msg = f"{name} and {base} have no case in common that {metric} scored"
        raise EvaluationError(msg, cure="compare reports of the same cases")
    p = paired(gaps)
    return Difference(name, base, metric, difference(gaps), p, sum(g > 0 for g in gaps), sum(g < 0 for g in gaps), p)


def compare(
    chains: Chains,
    cases: Cases,
    metrics: Sequence[Given] | Given | None = None,
    *,
    baseline: str | None = None,
    concurrency: int = CONCURRENCY,
    save: str | Path | None = None,
    progress: Telling = None,
    run: Run | None = None,
) -> Comparison:
    """Evaluate several chains (or model strings) on the same cases, one after the other, and compare them.

    A prompt, a model and an ensemble are all chains, so choosing between prompts is the same call. `chains` is a dict
    by name, or a list; `baseline` is the one that the others are compared with, the first unless named. `save` names a
    folder with one file of results for each chain. All else is as in `evaluate`. Needs `chainkit[evaluate]`.
    """
    work = _Comparing(chains, cases, baseline, save)
    return work.of({
        name: evaluate(
            chain, work.cases, metrics, concurrency=concurrency, save=work.file(name), progress=progress, run=run,
            name=name,
        )
        for name, chain in work.chains.items()
    })  # fmt: skip


async def acompare(
    chains: Chains,
    cases: Cases,
    metrics: Sequence[Given] | Given | None = None,
    *,
    baseline: str | None = None,
    concurrency: int = CONCURRENCY,
    save: str | Path | None = None,
    progress: Telling = None,
    run: Run | None = None,
) -> Comparison:
    """`compare` on the running event loop."""
    work = _Comparing(chains, cases, baseline, save)
    return work.of({
        name: await aevaluate(
            chain, work.cases, metrics, concurrency=concurrency, save=work.file(name), progress=progress, run=run,
            name=name,
        )
        for name, chain in work.chains.items()
    })  # fmt: skip


class _Comparing:
    """What is compared, checked before anything is asked."""

    def __init__(self, chains: Chains, cases: Cases, baseline: str | None, save: str | Path | None) -> None:
        installed()
        self.chains = _by_name(chains)
        self.cases = as_cases(cases)
        self._baseline = baseline
        self._folder = None if save is None else Path(save)
        if baseline is not None and baseline not in self.chains:
            msg = f"no chain has the name {baseline!r}"
            raise EvaluationError(msg, cure=did_you_mean(baseline, list(self.chains)))
        files = [_file(name) for name in self.chains]
        if self._folder is not None and len(set(files)) < len(files):
            msg = f"two chains would be saved in the same file: {', '.join(files)}"
            raise EvaluationError(msg, cure="give them names that differ in letters or digits")

    def file(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / _file(name)

    def of(self, reports: dict[str, Report]) -> Comparison:
        return Comparison(reports, self._baseline or next(iter(reports)))


def _file(name: str) -> str:
    word = re.sub(r"[^\w.-]+", "_", name).strip("._")
    return f"{word or 'chain'}.jsonl"


def _by_name(chains: Chains) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(chains, Mapping):
        found = {str(k): as_chain(v) for k, v in cast("Mapping[Any, Any]", chains).items()}
    elif isinstance(chains, str):
        found = {chains: as_chain(chains)}
    else:
        for given in chains:
            chain = as_chain(given)
            found[_free(named(chain), found)] = chain
    if not found:
        msg = "compare() needs at least one chain"
        raise EvaluationError(msg)
    return found


def _free(word: str, taken: Mapping[str, Any]) -> str:
    """The word, with a number where it is taken."""
    return next(w for n in itertools.count(1) if (w := word if n == 1 else f"{word} {n}") not in taken)

"""A report: what a chain came to on the cases, with how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

from chainkit.errors import did_you_mean
from chainkit.evaluate.case import EvaluationError
from chainkit.evaluate.metric import Given, Overall, told_apart
from chainkit.evaluate.saved import read
from chainkit.evaluate.scored import Scored
from chainkit.evaluate.statistics import Estimate, mean, resampled
from chainkit.evaluate.table import aligned, tokens
from chainkit.usage import Cost, Usage, total_cost, total_usage


class Seconds(NamedTuple):
    """How long cases took: the median, the 95th percentile, and all together (as if one after the other)."""

    p50: float
    p95: float
    total: float


@dataclass(frozen=True)
class Report:
    """The results of one chain, in the order of the cases. `str()` is its table."""

    rows: tuple[Scored, ...]
    metrics: tuple[str, ...]
    overall: tuple[Overall, ...] = ()
    name: str = "chain"
    _means: dict[str, Estimate] = field(default_factory=dict[str, Estimate], init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash((self.name, self.metrics, len(self.rows)))

    def __len__(self) -> int:
        return len(self.rows)

    # What it measured.

    def scores(self, metric: str | None = None) -> list[float]:
        """The scores of a metric (the first, unless named), in the order of the cases; 0 where the chain failed."""
        name = self._known(metric, self.metrics)
        return [row.scores[name] for row in self.rows if name in row.scores]

    def mean(self, metric: str | None = None) -> Estimate:
        """The mean score of a metric (the first, unless named) with its 95% interval. Needs `chainkit[evaluate]`.

        A failed case counts 0. Cases that the metric itself could not score are left out: see `unscored`.
        """
        name = self._known(metric, self.names)
        if name not in self._means:
            whole = next((m for m in self.overall if m.name == name), None)
            self._means[name] = mean(self.scores(name)) if whole is None else self._over(whole)
        return self._means[name]

    def over(self, metric: Overall) -> Estimate:
        """A metric of whole reports, such as `calibration_error()`, with its 95% interval."""
        return self._over(metric)

    def _over(self, metric: Overall) -> Estimate:
        pairs = [pair for row in self.rows if (pair := metric.pair(row)) is not None]
        return resampled(pairs, metric.over)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all metrics."""
        return (*self.metrics, *(m.name for m in self.overall))

    def _known(self, metric: str | None, names: Sequence[str]) -> str:
        name = names[0] if metric is None and names else metric
        if name is None or name not in names:
            msg = f"the report has no metric {name!r}"
            raise EvaluationError(msg, cure=did_you_mean(str(name), names))
        return name

    @property
    def errors(self) -> tuple[Scored, ...]:
        """The cases at which the chain failed. They count as 0."""
        return tuple(row for row in self.rows if row.error is not None)

    @property
    def unscored(self) -> tuple[Scored, ...]:
        """The cases that a metric could not score, such as those of a judge that failed."""
        return tuple(row for row in self.rows if row.unscored)

    # What it took.

    @property
    def cost(self) -> Cost:
        """What the chain cost; what the metrics cost is `scoring`."""
        return total_cost(row.cost for row in self.rows)

    @property
    def scoring(self) -> Cost:
        """What metrics that ask models cost."""
        return total_cost(row.scoring for row in self.rows)

    @property
    def usage(self) -> Usage:
        """The chain's tokens."""
        return total_usage(row.usage for row in self.rows)

    @property
    def calls(self) -> int:
        """How many attempts the chain made."""
        return sum(row.calls for row in self.rows)

    @property
    def seconds(self) -> Seconds:
        """The time of single cases."""
        times = [row.seconds for row in self.rows]
        if len(times) < 2:
            return Seconds(sum(times), sum(times), sum(times))
        cut = quantiles(times, n=100, method="inclusive")
        return Seconds(cut[49], cut[94], sum(times))

    # Parts of it.

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags of the cases, sorted."""
        return tuple(sorted({tag for row in self.rows for tag in row.case.tags}))

    def by(self, tag: str) -> Report:
        """The report of the cases with that tag alone."""
        rows = tuple(row for row in self.rows if tag in row.case.tags)
        if not rows:
            msg = f"no case has the tag {tag!r}"
            raise EvaluationError(msg, cure=did_you_mean(tag, self.tags))
        return replace(self, rows=rows, name=f"{self.name} ({tag})")

    # Showing and keeping it.

    def table(self) -> str:
        """The report as a Markdown table that reads as text too. Needs `chainkit[evaluate]`."""
        parts = [("all", self), *((tag, self.by(tag)) for tag in self.tags)]
        many = len(parts) > 1
        lines = [
            [name, *([word] if many else []), *_shown(part.mean(name))] for name in self.names for word, part in parts
        ]
        head = ["metric", *(["cases"] if many else []), "mean", "95% interval", "n"]
        return "\n".join([f"{self.name}: {len(self.rows)} cases", "", *aligned(head, lines), "", *self._foot()])

    def _foot(self) -> list[str]:
        time = self.seconds
        took = f"{self.calls} calls, {tokens(self.usage)}, cost {self.cost}" if self.calls else "no calls"
        if self.scoring.low != 0 or self.scoring.high != 0:
            took += f", and {self.scoring} for scoring"
        lines = [took, f"seconds for a case: {time.p50:.2f} median, {time.p95:.2f} at 95%"]
        if self.errors:
            lines += [
                f"{len(self.errors)} failed, which counts as 0:",
                *_listed((r, r.error or "") for r in self.errors),
            ]
        if self.unscored:
            lines += [f"{len(self.unscored)} could not be scored and are left out:"]
            lines += _listed((r, f"{name}: {why}") for r in self.unscored for name, why in r.unscored.items())
        return lines

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        failed = f", {len(self.errors)} failed" if self.errors else ""
        return f"Report({self.name}, {len(self.rows)} cases{failed}, {', '.join(self.names)})"

    def save(self, path: str | Path) -> None:
        """Write all results, one JSON line each: the form of `evaluate(save=)`."""
        Path(path).write_text("".join(row.line() + "\n" for row in self.rows), encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: str | Path, *, overall: Sequence[Given] = (), name: str | None = None) -> Report:
        """The report that `save`, or `evaluate(save=)`, wrote; of several chains in a file the last one's.

        Cases, inputs and expected values come back as plain data. Metrics of whole reports are given anew.
        """
        held = read(path)
        if not held:
            msg = f"{path} holds no results"
            raise EvaluationError(msg)
        rows = {row.case.id: row for row in held if row.chain == held[-1].chain}
        metrics = tuple(dict.fromkeys(m for row in rows.values() for m in (*row.scores, *row.unscored)))
        return cls(tuple(rows.values()), metrics, told_apart(overall)[1], name or Path(path).stem)


_SHOWN = 5


def _listed(lines: Iterable[tuple[Scored, str]]) -> list[str]:
    found = [f"- {row.case.id}: {_first(text)}" for row, text in lines]
    return found if len(found) <= _SHOWN else [*found[:_SHOWN], f"- and {len(found) - _SHOWN} more"]


def _shown(found: Estimate) -> list[str]:
    if not found.n:
        return ["-", "-", "0"]
    return [f"{found.value:.3f}", f"{found.low:.3f} to {found.high:.3f}", str(found.n)]


def _first(text: Any) -> str:
    line = str(text).splitlines()[0] if str(text) else ""
    return line if len(line) <= 120 else line[:119] + "…"

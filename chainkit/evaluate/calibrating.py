"""`calibrate`: what an ensemble's members are worth, which of them pay, and how sure a verdict may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from chainkit.chain import CONCURRENCY, Chain
from chainkit.compose.coerce import as_chain
from chainkit.ensembles.calibrated import Learned, calibrated
from chainkit.ensembles.combine import normal
from chainkit.evaluate.case import Case, EvaluationError, split
from chainkit.evaluate.comparing import compare
from chainkit.evaluate.evaluating import as_cases
from chainkit.evaluate.learning import (
    Point,
    Votes,
    choice,
    crossed,
    curve,
    folds,
    frontier,
    numbered,
    outcome,
    points,
    weights,
)
from chainkit.evaluate.statistics import Estimate, average, difference, installed, mean, paired
from chainkit.evaluate.table import aligned

if TYPE_CHECKING:
    from chainkit.evaluate.evaluating import Cases
    from chainkit.evaluate.metric import Given
    from chainkit.evaluate.report import Report
    from chainkit.run.run import Run

MOST_CHOICES = 100
"""Different answers to a question that are reckoned with."""
FEW = 50
"""Cases of a part below which what is learned is little more than chance."""
Price = Literal["auto", "cost", "tokens", "seconds", "calls"]


@dataclass(frozen=True)
class Choice:
    """Some members together: how good they are on the cases held out, and what they cost a case."""

    name: str
    members: tuple[str, ...]
    quality: Estimate
    price: float


@dataclass(frozen=True)
class Calibration:
    """What was learned on one part of the cases, and what it comes to on the other. `str()` is its table.

    `chain` is what it recommends: the calibrated ensemble, or the single member where that is as good. `choices` are the
    members, a plain vote, a weighted vote of all, and what was chosen; `over` is how far that lies above the best
    single member, `p` the paired test's. `frontier` are the choices of members that no other beats in price and
    quality at once, on the part learned from.
    """

    chain: Chain[Any, Any]
    learned: Learned
    choices: tuple[Choice, ...]
    over: Estimate
    p: float
    best: str
    frontier: tuple[Choice, ...]
    unit: str
    metric: str
    cases: tuple[int, int]
    notes: tuple[str, ...] = field(default=())

    @property
    def chosen(self) -> Choice:
        """What it recommends, on the cases held out."""
        return self.choices[-1]

    @property
    def pays(self) -> bool:
        """Whether more than one member was chosen, and is better than the best one beyond chance."""
        return len(self.learned.members) > 1 and self.over.value > 0 and self.p < 0.05

    @property
    def conclusion(self) -> str:
        """What to do, in a sentence or two."""
        chosen, gap = (
            self.chosen,
            f"{self.over.value:+.3f} ({self.over.low:+.3f} to {self.over.high:+.3f}, p = {self.p:.3g})",
        )
        if len(chosen.members) == 1:
            return f"One member is as good as any ensemble of them: use `{chosen.members[0]}` alone."
        said = f"The ensemble of {', '.join(f'`{m}`' for m in chosen.members)} is {gap} over `{self.best}` alone"
        return f"{said}: it pays." if self.pays else f"{said}: that is within noise, so `{self.best}` alone may do."

    def table(self) -> str:
        """The choices on the cases held out, in Markdown."""
        lines = [
            [c.name, f"{c.quality.value:.3f}", f"{c.quality.low:.3f} to {c.quality.high:.3f}", f"{c.price:.4g}"]
            for c in self.choices
        ]
        return "\n".join(aligned(["choice", self.metric, "95% interval", f"{self.unit} a case"], lines))

    def frontier_table(self) -> str:
        """The frontier, cheapest first, in Markdown: quality on the part learned from, by weights learned without the case."""
        lines = [[c.name, f"{c.price:.4g}", f"{c.quality.value:.3f}"] for c in self.frontier]
        return "\n".join(aligned(["members", f"{self.unit} a case", self.metric], lines))

    def svg(self, path: str | Path) -> None:
        """Draw the frontier as SVG. Needs `chainkit[evaluate]`."""
        from chainkit.evaluate.drawing import draw

        draw(self, path, "svg")

    def png(self, path: str | Path) -> None:
        """Draw the frontier as PNG. Needs `chainkit[evaluate]`."""
        from chainkit.evaluate.drawing import draw

        draw(self, path, "png")

    def save(self, path: str | Path) -> None:
        """Write what was learned as a small JSON file; `calibrated(members, path)` makes the ensemble of it again."""
        self.learned.save(path)

    def __str__(self) -> str:
        learned, held = self.cases
        head = f"learned from {learned} cases, measured on {held} others"
        return "\n".join([head, "", self.table(), "", self.conclusion, *self.notes])


def calibrate(
    members: Chain[Any, Any] | Sequence[str | Chain[Any, Any]],
    cases: Cases,
    metric: Given | None = None,
    *,
    share: float = 0.5,
    seed: int = 0,
    worth: float = 0.0,
    price: Price = "auto",
    confidence: float | None = None,
    key: Callable[[Any], Any] | None = None,
    concurrency: int = CONCURRENCY,
    save: str | Path | None = None,
    run: Run | None = None,
) -> Calibration:
    """Ask every member every case once, learn on `share` of the cases what they are worth, and report on the rest.

    `members` is an ensemble, or a list of chains and model strings. What is learned: each member's weight, which of
    them to keep (the cheapest choice within one standard error of the best, or within `worth`), and the curve by which
    a verdict's margin is the probability of being right; with `confidence` the chain stops asking once that is
    reached. `price` is what a choice costs: `cost` in dollars, `tokens`, `seconds` or `calls`; by itself the first of these
    that is known. `metric` scores an answer from 0 to 1, `exact()` unless given; answers are one vote where `key`, or
    their normal form, is equal. `save` names a folder with each member's results, from which it is taken up again.

    Raises EvaluationError for too few cases or members. Needs `chainkit[evaluate]`.
    """
    installed()
    chains = _members(members)
    known = as_cases(cases)
    reports = compare(chains, known, metric, concurrency=concurrency, save=save, run=run).reports
    part, rest = split(known, share, seed)
    table = _Table(list(reports.values()), price, key)
    return _calibration(chains, table, part, rest, seed=seed, worth=worth, confidence=confidence)


def _members(given: Any) -> dict[str, Chain[Any, Any]]:
    several = getattr(given, "members", given)
    if isinstance(several, str | Chain) or len(several) < 2:
        msg = "calibrate() needs an ensemble, or a list of at least two members"
        raise EvaluationError(msg)
    chains = [as_chain(m) for m in cast("Sequence[Any]", several)]
    labels = [c.label or f"member {i}" for i, c in enumerate(chains)]
    twice = next((n for n in labels if labels.count(n) > 1), None)
    if twice is not None:
        msg = f"two members are called `{twice}`"
        raise EvaluationError(msg, cure='give each a name of its own: chain.named("...")')
    unnamed = next((i for i, c in enumerate(chains) if not c.label), None)
    if unnamed is not None:
        msg = f"member {unnamed} has no name, by which what was learned could be loaded again"
        raise EvaluationError(msg, cure='give it one: chain.named("...")')
    return dict(zip(labels, chains, strict=True))


class _Table:
    """What every member said to every case, as numbers."""

    def __init__(self, reports: Sequence[Report], price: Price, key: Callable[[Any], Any] | None) -> None:
        import numpy as np

        metric = reports[0].metrics[0]
        self.metric, self.reports = metric, reports
        self.unit, priced = _priced(reports, price)
        rows = list(zip(*(r.rows for r in reports), strict=True))
        keys = [[None if r.error is not None else _key(r.value, key) for r in several] for several in rows]
        scores = [[r.scores.get(metric, 0.0) for r in several] for several in rows]
        prices = [[priced(r) for r in several] for several in rows]
        # Where answers are free, two wrong ones are rarely the same: then any agreement is worth much.
        different = len({key for several in keys for key in several if key is not None})
        choices = min(MOST_CHOICES, max(2, different))
        self.votes = Votes(numbered(keys), np.array(scores, dtype=float), np.array(prices, dtype=float), choices)
        self._place = {several[0].case.id: i for i, several in enumerate(rows)}
        if not ((self.votes.scores >= 0) & (self.votes.scores <= 1)).all():
            msg = f"calibrate() needs a metric from 0 to 1, and {metric} gave others"
            raise EvaluationError(msg)

    def part(self, cases: Sequence[Case]) -> Votes:
        """The votes of some of the cases."""
        return self.votes.part([self._place[c.id] for c in cases])


def _key(value: Any, key: Callable[[Any], Any] | None) -> Any:
    return normal(value if key is None else key(value))


def _priced(reports: Sequence[Report], price: Price) -> tuple[str, Callable[[Any], float]]:
    """What a choice costs, and a row's: dollars where all are known and not nothing, else tokens, else seconds."""
    kinds: dict[str, tuple[str, Callable[[Any], float]]] = {
        "cost": ("$", lambda r: float(r.cost.low)),
        "tokens": ("tokens", lambda r: float(r.usage.total or 0)),
        "seconds": ("seconds", lambda r: float(r.seconds)),
        "calls": ("calls", lambda r: float(r.calls)),
    }
    if price != "auto":
        return kinds[price]
    for name in ("cost", "tokens"):
        unit, of = kinds[name]
        unknown = name == "cost" and any(r.cost.high is None for report in reports for r in report.rows)
        if not unknown and all(sum(map(of, report.rows)) > 0 for report in reports):
            return unit, of
    return kinds["seconds"]


def _calibration(
    chains: dict[str, Chain[Any, Any]],
    table: _Table,
    part: Sequence[Case],
    rest: Sequence[Case],
    *,
    seed: int,
    worth: float,
    confidence: float | None,
) -> Calibration:
    labels = list(chains)
    here, there = table.part(part), table.part(rest)
    if here.cases < 4 or there.cases < 4:
        msg = f"calibrate() has {here.cases} cases to learn from and {there.cases} to measure with: too few"
        raise EvaluationError(msg, cure="label some more: a few hundred are good")
    tried = points(here, seed)
    point = choice(here, tried, worth, seed)
    price = here.prices.mean(axis=0)
    cheapest_first = sorted(point.members, key=lambda m: (price[m], m))
    value = weights(here)
    slope, offset = curve(*crossed(here, cheapest_first, folds(here.cases, seed)))
    learned = Learned(
        tuple(labels[m] for m in cheapest_first),
        tuple(float(value[m]) for m in cheapest_first),
        slope,
        offset,
        here.cases,
        datetime.now(UTC).date().isoformat(),
    )
    single = len(cheapest_first) == 1
    chain = chains[learned.members[0]] if single else calibrated(list(chains.values()), learned, confidence=confidence)
    choices, over, p, best = _held_out(labels, there, value, cheapest_first, here)
    named = [
        Choice(
            _named(q.members, labels),
            tuple(labels[m] for m in q.members),
            Estimate(q.quality, q.quality, q.quality, here.cases),
            q.price,
        )
        for q in frontier(tried)
    ]
    return Calibration(
        chain, learned, choices, over, p, best, tuple(named), table.unit, table.metric, (here.cases, there.cases),
        _notes(here, there, labels, value),
    )  # fmt: skip


def _held_out(
    labels: Sequence[str], there: Votes, value: Any, chosen: Sequence[int], here: Votes
) -> tuple[tuple[Choice, ...], Estimate, float, str]:
    """Every choice on the cases held out; how far the chosen one lies above the member that was best before."""
    import numpy as np

    everyone = list(range(len(labels)))
    price = there.prices.mean(axis=0)
    found: list[Choice] = []

    def add(name: str, members: Sequence[int], worth: Any) -> list[float]:
        score = [float(s) for s in outcome(there, members, worth)[0]]
        found.append(Choice(name, tuple(labels[m] for m in members), mean(score), float(price[list(members)].sum())))
        return score

    alone = [add(label, [m], np.ones(len(labels))) for m, label in enumerate(labels)]
    add("vote of all", everyone, np.ones(len(labels)))
    add("weighted vote of all", everyone, value)
    best = int(here.scores.mean(axis=0).argmax())
    score = add(f"chosen: {_named(chosen, labels)}", chosen, np.ones(len(labels)) if len(chosen) == 1 else value)
    gaps = [a - b for a, b in zip(score, alone[best], strict=True)]
    return tuple(found), difference(gaps), paired(gaps), labels[best]


def _named(members: Sequence[int], labels: Sequence[str]) -> str:
    return " + ".join(labels[m] for m in members)


def _notes(here: Votes, there: Votes, labels: Sequence[str], value: Any) -> tuple[str, ...]:
    """What a reader should know besides."""
    notes: list[str] = []
    if min(here.cases, there.cases) < FEW:
        notes.append(f"With so few cases ({here.cases} and {there.cases}) all this may be chance.")
    useless = [labels[m] for m in range(len(labels)) if value[m] == 0]
    if useless:
        notes.append(f"No better than chance: {', '.join(f'`{n}`' for n in useless)}.")
    failing = [(labels[m], average([float(a < 0) for a in here.answers[:, m]])) for m in range(len(labels))]
    notes += [f"`{name}` failed at {share:.0%} of the cases." for name, share in failing if share > 0.1]
    return tuple(notes)


__all__ = ["Calibration", "Choice", "Point", "calibrate"]

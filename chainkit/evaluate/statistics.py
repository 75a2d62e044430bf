"""Intervals and tests. Numbers in, numbers out; numpy and scipy are the extra `evaluate`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from chainkit.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 4999
_ROOM = 2_000_000
"""Numbers that one chunk of resampling holds in memory."""
_MANY = 2_000
"""Where the plain percentile interval is as good, and the accelerated one slow."""


@dataclass(frozen=True)
class Estimate:
    """A mean and where it lies with 95% confidence: from `low` to `high`, by `n` cases."""

    value: float
    low: float
    high: float
    n: int

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def installed() -> None:
    """Raise MissingExtra where the packages for statistics are not there; imports none of them."""
    missing = [name for name in ("numpy", "scipy") if find_spec(name) is None]
    if missing:
        msg = f"intervals and tests need {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
        raise MissingExtra(msg, cure='pip install "chainkit[evaluate]"')


def mean(scores: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Estimate:
    """The mean with its interval.

    Where all scores are 0 or 1, Wilson's score interval, which is right for few cases and near the ends; else a
    seeded bootstrap, bias-corrected and accelerated (Efron 1987). The order of the scores makes no difference.
    """
    installed()
    if not scores:
        nan = float("nan")
        return Estimate(nan, nan, nan, 0)
    value = average(scores)
    if all(s in (0, 1) for s in scores):
        from scipy.stats import binomtest

        found = binomtest(round(sum(scores)), len(scores)).proportion_ci(confidence, method="wilson")
        return Estimate(value, float(found.low), float(found.high), len(scores))
    return Estimate(value, *bootstrapped(scores, confidence=confidence, seed=seed), len(scores))


def difference(gaps: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Estimate:
    """The mean of paired differences with its interval.

    Of scores of 0 and 1 it is Wald's with half a case added to each of the four kinds (Agresti and Min, "Simple
    improved confidence intervals for comparing matched proportions", 2005): where two chains differ at few cases, a
    bootstrap would be far too sure. Of other scores it is the bootstrap.
    """
    if any(gap not in (-1, 0, 1) for gap in gaps):
        return Estimate(average(gaps), *bootstrapped(gaps, confidence=confidence, seed=seed), len(gaps))
    n, wins, losses = len(gaps) + 2, sum(g > 0 for g in gaps) + 0.5, sum(g < 0 for g in gaps) + 0.5
    middle = (wins - losses) / n
    wide = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(wins + losses - (wins - losses) ** 2 / n) / n
    return Estimate(average(gaps), max(-1.0, middle - wide), min(1.0, middle + wide), len(gaps))


def average(scores: Sequence[float]) -> float:
    """The sum in the order of size, divided: the same whatever order they come in."""
    return math.fsum(scores) / len(scores)


def bootstrapped(scores: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """The bootstrap interval of the mean. Of scores that are all alike it is that one value."""
    import numpy as np
    from scipy.stats import bootstrap

    data = np.sort(np.asarray(scores, dtype=float))
    if data[0] == data[-1]:
        return float(data[0]), float(data[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = bootstrap(
            (data,), np.mean, confidence_level=confidence, n_resamples=RESAMPLES, vectorized=True,
            batch=max(1, _ROOM // len(data)), method="BCa" if len(data) <= _MANY else "percentile",
            rng=np.random.default_rng(seed),
        ).confidence_interval  # fmt: skip
    if np.isnan(found.low) or np.isnan(found.high):
        return _percentile(data, np.mean, confidence, seed)
    return float(found.low), float(found.high)


def resampled(
    pairs: Sequence[tuple[float, float]],
    number: Callable[[Sequence[tuple[float, float]]], float],
    *,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int | None = None,
) -> Estimate:
    """Any number of pairs, with the percentile interval of its bootstrap."""
    installed()
    if not pairs:
        nan = float("nan")
        return Estimate(nan, nan, nan, 0)
    import numpy as np

    known = sorted(pairs)
    times = resamples or max(199, min(999, _ROOM // len(known)))
    draw = np.random.default_rng(seed)
    drawn: list[list[int]] = [draw.integers(0, len(known), len(known)).tolist() for _ in range(times)]
    found = [number([known[i] for i in chosen]) for chosen in drawn]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(number(known), float(low), float(high), len(known))


def _percentile(data: np.ndarray[Any, Any], number: Any, confidence: float, seed: int) -> tuple[float, float]:
    import numpy as np

    draw = np.random.default_rng(seed)
    found = [number(draw.choice(data, len(data))) for _ in range(RESAMPLES)]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


# Tests of two chains on the same cases.


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p of McNemar's test: how often an even coin parts `wins + losses` cases at least so far."""
    if wins + losses == 0:
        return 1.0
    installed()
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses, 0.5).pvalue)


def permuted(differences: Sequence[float], *, seed: int = 0) -> float:
    """The two-sided p of the paired permutation test: signs of the differences flipped, all ways or 9,999 of them."""
    installed()
    import numpy as np
    from scipy.stats import permutation_test

    moved = np.sort(np.asarray([d for d in differences if d], dtype=float))
    if not len(moved):
        return 1.0
    found: Any = permutation_test(
        (moved,), np.mean, permutation_type="samples", vectorized=True, n_resamples=9_999,
        batch=max(1, _ROOM // len(moved)), rng=np.random.default_rng(seed),
    )  # fmt: skip
    return float(found.pvalue)


def paired(differences: Sequence[float], *, seed: int = 0) -> float:
    """The p of a difference in the mean: McNemar's exact test where scores are 0 or 1, else the permutation test."""
    if all(d in (-1, 0, 1) for d in differences):
        return mcnemar(sum(d > 0 for d in differences), sum(d < 0 for d in differences))
    return permuted(differences, seed=seed)


def holm(ps: Sequence[float]) -> list[float]:
    """The p values of several tests, corrected for their number (Holm 1979), in the order given."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    found = [0.0] * len(ps)
    worst = 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, ps[index] * (len(ps) - rank)))
        found[index] = worst
    return found

"""Intervals and tests: closed forms, coverage by simulation, and what is missing without the extra."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit.errors import MissingExtra
from chainkit.evaluate import Estimate, statistics
from chainkit.evaluate.statistics import bootstrapped, difference, holm, mcnemar, mean, paired, permuted, resampled

# Closed forms.


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_an_even_coin(wins: int, losses: int) -> None:
    n, few = wins + losses, min(wins, losses)
    expected = min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
    assert mcnemar(wins, losses) == pytest.approx(expected)
    assert mcnemar(wins, losses) == mcnemar(losses, wins)


@pytest.mark.parametrize(
    ("ps", "corrected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.04, 0.01, 0.03, 0.005], [0.06, 0.03, 0.06, 0.02]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_is_the_stepwise_correction(ps: list[float], corrected: list[float]) -> None:
    assert holm(ps) == pytest.approx(corrected)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_never_makes_a_p_smaller(ps: list[float]) -> None:
    found = holm(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, found, strict=True))
    pairs = sorted(zip(ps, found, strict=True))
    assert [q for _, q in pairs] == sorted(q for _, q in pairs)


def test_the_permutation_test_goes_through_all_signs_of_few_differences() -> None:
    gaps = [0.3, 0.2, -0.1, 0.5, 0.4, 0.0, 0.25]
    moved = [g for g in gaps if g]
    seen = abs(sum(moved))
    signs = list(product([-1, 1], repeat=len(moved)))
    hits = sum(abs(sum(s * g for s, g in zip(sign, moved, strict=True))) >= seen - 1e-12 for sign in signs)
    assert permuted(gaps) == pytest.approx(hits / len(signs))
    assert permuted([0.0, 0.0]) == 1.0
    assert paired(gaps) == permuted(gaps)


def test_scores_of_0_and_1_are_tested_with_mcnemar() -> None:
    gaps = [1.0] * 9 + [-1.0] + [0.0] * 20
    assert paired(gaps) == mcnemar(9, 1)


def test_the_interval_of_0_and_1_is_wilsons() -> None:
    k, n, z = 45, 60, 1.959963984540054
    middle = (k / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    found = mean([1.0] * k + [0.0] * (n - k))
    assert (found.value, found.low, found.high, found.n) == pytest.approx((0.75, middle - half, middle + half, 60))


def test_the_interval_of_a_paired_difference_is_that_of_agresti_and_min() -> None:
    # R's PropCIs: diffpropci.mp(b = 40, c = 20, n = 160, conf.level = 0.95)
    found = difference([-1.0] * 40 + [1.0] * 20 + [0.0] * 100)
    assert (found.value, found.n) == (-0.125, 160)
    assert (found.low, found.high) == pytest.approx((-0.21601726, -0.03089632), abs=1e-8)
    assert difference([0.5, 0.25, -0.5, 0.0]).low == bootstrapped([0.5, 0.25, -0.5, 0.0])[0]


@pytest.mark.parametrize(("right", "n"), [((0.9, 0.98, 0.5), 20), ((0.8, 1.0, 0.1), 40), ((0.7, 0.95, 0.3), 80)])
def test_it_covers_the_true_difference_of_chains_that_differ_at_few_cases(right: tuple[float, ...], n: int) -> None:
    draw = random.Random(8)
    base, where_right, where_wrong = right
    truth = base * where_right + (1 - base) * where_wrong - base
    inside = 0
    for _ in range(300):
        firsts = [draw.random() < base for _ in range(n)]
        found = difference([float(draw.random() < (where_right if f else where_wrong)) - f for f in firsts])
        inside += found.low <= truth <= found.high
    assert inside >= 280


def test_all_right_is_not_certainty() -> None:
    found = mean([1.0] * 20)
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.8 < found.low < 0.9


# Bootstrap.


def _scores(draw: random.Random, n: int) -> list[float]:
    """F1-like: many zeros, many ones, some in between; its mean is 0.5."""
    return [draw.choice([0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]) for _ in range(n)]


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = random.Random(5)
    inside = sum(low <= 0.5 <= high for _ in range(150) for low, high in [bootstrapped(_scores(draw, 60))])
    assert 135 <= inside <= 149


@pytest.mark.parametrize("truth", [0.5, 0.85, 0.97])
def test_the_interval_of_0_and_1_covers_the_truth_near_the_end_as_well(truth: float) -> None:
    draw = random.Random(6)
    found = [mean([float(draw.random() < truth) for _ in range(80)]) for _ in range(200)]
    assert 182 <= sum(f.low <= truth <= f.high for f in found) <= 200


def test_the_tests_p_is_small_by_chance_as_often_as_it_says() -> None:
    draw = random.Random(7)
    gaps = [[draw.choice([-0.5, -0.25, 0.0, 0.25, 0.5]) for _ in range(20)] for _ in range(150)]
    assert sum(permuted(g) < 0.05 for g in gaps) <= 14


def test_the_same_scores_have_the_same_interval_in_any_order_and_another_for_another_seed() -> None:
    scores = _scores(random.Random(1), 50)
    assert mean(scores) == mean(scores[::-1])
    assert mean(scores) != mean(scores, seed=1)
    assert mean(scores).low < mean(scores).value < mean(scores).high


def test_many_scores_have_an_interval_in_bounded_memory() -> None:
    found = mean(_scores(random.Random(2), 20_000))
    assert (found.high - found.low) == pytest.approx(2 * 1.96 * 0.395 / math.sqrt(20_000), rel=0.1)


def test_scores_that_are_all_alike_are_that_one_value() -> None:
    assert mean([0.5, 0.5, 0.5]) == Estimate(0.5, 0.5, 0.5, 3)
    assert math.isnan(mean([]).value)
    assert math.isnan(resampled([], lambda pairs: 0.0).value)


def test_an_estimate_reads_as_a_number_with_its_ends() -> None:
    found = Estimate(0.75, 0.5, 0.875, 8)
    assert (str(found), float(found)) == ("0.750 [0.500, 0.875]", 0.75)


# Without the extra.


def test_without_the_extra_it_is_said_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainkit.evaluate import evaluate

    monkeypatch.setattr(statistics, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"(?s)need numpy and scipy, which are not installed.*chainkit\[evaluate\]"):
        evaluate(lambda q: pytest.fail("asked"), [("a", "b")])


def test_importing_it_loads_neither_numpy_nor_scipy() -> None:
    code = "import sys, chainkit.evaluate; print([m for m in ('numpy', 'scipy', 'matplotlib', 'jinja2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "[]\n"

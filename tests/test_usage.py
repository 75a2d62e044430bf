"""Usage and cost: sums that never guess, and never take unknown for nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit.usage import FREE, NO_USAGE, UNKNOWN, Cost, Usage, at_least, exact, total_cost, total_usage

DOLLARS = st.integers(0, 1000).map(lambda n: n / 8)
COSTS = st.one_of(DOLLARS.map(exact), DOLLARS.map(at_least), st.just(UNKNOWN), st.tuples(DOLLARS, DOLLARS).map(
    lambda ends: at_least(min(ends), max(ends))))  # fmt: skip
COUNTS = st.none() | st.integers(0, 99)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
quick = settings(max_examples=200, derandomize=True, deadline=None)


@quick
@given(st.lists(COSTS, max_size=5))
def test_a_sum_of_costs_is_the_same_in_every_order(costs: list[Cost]) -> None:
    assert len({total_cost(order) for order in itertools.permutations(costs[:4])}) == 1


@quick
@given(COSTS, COSTS)
def test_a_sum_is_exact_only_where_both_are(one: Cost, other: Cost) -> None:
    whole = one + other
    assert whole.exact == (one.exact and other.exact)
    if UNKNOWN in (one, other):
        assert whole.high is None
    if one.low is not None and other.low is not None:
        assert whole.low == one.low + other.low


def test_unknown_is_never_nothing() -> None:
    assert UNKNOWN != FREE
    assert FREE + UNKNOWN == UNKNOWN
    assert exact(1) + UNKNOWN == at_least(1)
    assert total_cost([]) == FREE
    assert total_cost([UNKNOWN, UNKNOWN]).kind == "Unknown"


@pytest.mark.parametrize(
    ("cost", "kind", "words"),
    [(exact(0.5), "Exact", "$0.500000"), (at_least(0.5), "AtLeast", "at least $0.500000"), (UNKNOWN, "Unknown", "unknown"),
     (at_least(0.1, 0.2), "AtLeast", "$0.100000 to $0.200000"), (FREE, "Exact", "$0.000000")],
)  # fmt: skip
def test_a_cost_says_which_of_the_three_forms_it_has(cost: Cost, kind: str, words: str) -> None:
    assert (cost.kind, str(cost)) == (kind, words)


@quick
@given(USAGES, USAGES, USAGES)
def test_usage_adds_up_in_any_grouping_and_none_stays_none(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c) == total_usage([a, b, c])
    assert a + NO_USAGE == a
    assert (a + b).cached == (None if a.cached is None and b.cached is None else (a.cached or 0) + (b.cached or 0))


def test_usage_shows_only_what_was_said() -> None:
    assert repr(Usage(input=1, output=0)) == "Usage(input=1, output=0)"
    assert Usage(input=1, output=2, cached=1).total == 3
    assert NO_USAGE.total is None

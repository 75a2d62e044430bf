"""Numbers of members: mean, median, trimmed mean, and who stands near them."""

from __future__ import annotations

import statistics
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask

from chainkit import average, constant, ensemble, median, step, trimmed
from chainkit.errors import CompositionError, EnsembleError
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

LONE = pytest.approx


def told(values: list[Any], combiner: Any) -> Any:
    return ask(ensemble(*(step(lambda _, v=v: v, name=f"m{i}") for i, v in enumerate(values)), combine=combiner))


@pytest.mark.parametrize(
    ("combiner", "values", "value"),
    [
        (average(), [1, 2, 6], 3.0),
        (average(), [Decimal("0.1"), Decimal("0.2")], Decimal("0.15")),
        (average(), [Decimal("0.1"), 0.2], 0.15),
        (average(weights=[3, 1]), [0, 4], 1.0),
        (average(weights=[0.1, 0.2, 0.7]), [10, 10, 10], 10.0),
        (average(Decimal), ["0.1", "0.20000000000000000001"], Decimal("0.150000000000000000005")),
        (median(), [9, 1, 2], 2),
        (median(), [1, 2], 1.5),
        (median(), [Decimal("1.10"), Decimal("1.20")], Decimal("1.15")),
        (median(), [2, 2], 2),
        (trimmed(), [100, 1, 2, 3, -50], 2.0),
        (trimmed(), [1, 2, 6], 3.0),
        (trimmed(0.25), [1, 2, 4, 99], 3.0),
        (trimmed(0.0), [1, 3], 2.0),
    ],
)
def test_the_number_is_the_closed_form(combiner: Any, values: list[Any], value: Any) -> None:
    found = told(values, combiner).value
    assert (found, type(found)) == (value, type(value))


def test_texts_that_are_numbers_count_and_what_is_none_abstains_with_a_reason() -> None:
    chain = ensemble(m("12"), m(" 13.5. "), m("about 12"), m("1,200"), combine=average())
    found = ask(chain)
    assert found.value == 12.75
    assert [b.abstained for b in found.ballots] == [None, None, "no number: 'about 12'", "no number: '1,200'"]
    assert found.reason == "2 numbers from 12 to 13.5, standard deviation 1.061"


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), Decimal("NaN"), 10**400, None, [1], "1_0", ""])
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(EnsembleError, match="no number"):
        told([value], median())


def test_agreement_is_the_share_that_stands_near_the_result() -> None:
    found = told([100, 100.5, 101, 150], median(within=0.01))
    assert (found.value, found.agreement) == (100.75, 0.75)
    assert found.groups[0].members == ("m0", "m1", "m2")
    assert [g.value for g in found.dissent] == [150]
    assert told([0, 10], average()).agreement == 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(), min_size=1, max_size=7), st.randoms())
def test_no_order_of_the_members_changes_a_digit(values: list[float], chance: Any) -> None:
    mixed = chance.sample(values, len(values))
    for combiner in (average(), median(), trimmed(0.3)):
        one, other = told(values, combiner), told(mixed, combiner)
        assert one.value == other.value
        assert one.agreement == LONE(other.agreement)
        assert min(values) <= one.value <= max(values) or one.value == LONE(statistics.fmean(values))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=6))
def test_the_members_that_are_left_decide(fails: list[bool]) -> None:
    members = [step(lambda _: 1 / 0) if bad else constant(i) for i, bad in enumerate(fails)]
    left = [i for i, bad in enumerate(fails) if not bad]
    chain = ensemble(*members, combine=average())
    if not left:
        with pytest.raises(EnsembleError):
            ask(chain)
        return
    found = ask(chain)
    assert found.value == LONE(statistics.fmean(left))
    assert [b.valid for b in found.ballots] == [not bad for bad in fails]


def test_bad_rules_are_refused_when_the_ensemble_is_made() -> None:
    with pytest.raises(CompositionError, match="2 weights for 1 members"):
        ensemble("openai:a", combine=average(weights=[1, 2]))
    for wrong in (
        lambda: average(weights=[0, 0]),
        lambda: average(weights=[-1]),
        lambda: trimmed(0.5),
        lambda: median(within=-1),
    ):
        with pytest.raises(ValueError, match="share|weights"):
            wrong()

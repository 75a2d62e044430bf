"""Lists and sets of members: union, intersection, and what most of them name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask

from chainkit import as_set, ensemble, intersection, step, union
from chainkit.errors import CompositionError, EnsembleError


def told(values: list[Any], combiner: Any) -> Any:
    return ask(ensemble(*(step(lambda _, v=v: v, name=f"m{i}") for i, v in enumerate(values)), combine=combiner))


THREE = [["Tea", "milk"], ["milk", "tea "], ["Milk", "sugar"]]


@pytest.mark.parametrize(
    ("combiner", "value"),
    [
        (union(), ["milk", "Tea", "sugar"]),
        (union(at_least=2), ["milk", "Tea"]),
        (as_set(), ["milk", "Tea"]),
        (intersection(), ["milk"]),
        (union(3), ["milk"]),
    ],
)
def test_what_so_many_name_stands_in_the_order_of_how_many_name_it(combiner: Any, value: list[str]) -> None:
    assert told(THREE, combiner).value == value


def test_the_type_is_that_of_the_members() -> None:
    assert told([{1, 2}, {2, 3}], intersection()).value == {2}
    assert told([(1, 2), (2, 3)], union()).value == (2, 1, 3)
    assert told([frozenset({1})], union()).value == frozenset({1})


def test_an_element_counts_once_for_each_member() -> None:
    assert told([["a", "A", "a"], ["b"]], union(2)).value == []


def test_agreement_is_the_mean_share_of_those_who_side_with_the_outcome() -> None:
    found = told([["a", "b"], ["a"], ["a"]], as_set())
    assert (found.value, found.agreement) == (["a"], pytest.approx((1 + 2 / 3) / 2))
    assert found.groups[0].members == ("m1", "m2")
    assert found.reason == "1 of 2 elements"
    assert told([[], []], union()).agreement == 1.0


def test_what_is_no_list_abstains() -> None:
    found = told([["a"], "a", {"a": 1}, None], union())
    assert [bool(b.abstained) for b in found.ballots] == [False, True, True, True]
    with pytest.raises(EnsembleError, match="no list"):
        told(["a"], union())


def test_a_threshold_that_nothing_can_reach_is_refused() -> None:
    with pytest.raises(CompositionError, match="always empty"):
        ensemble("openai:a", output=list[str], combine=union(2))
    with pytest.raises(ValueError, match="from 1"):
        union(0)


lists = st.lists(st.sampled_from(["a", "B", "b ", "ä", "c.", 1, 2.0, 2, None]), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(lists, min_size=1, max_size=5), st.randoms())
def test_no_order_of_the_members_changes_the_list(values: list[list[Any]], chance: Any) -> None:
    for combiner in (union(), as_set(), intersection()):
        one = told(values, combiner)
        other = told(chance.sample(values, len(values)), combiner)
        assert (one.value, one.agreement) == (other.value, pytest.approx(other.agreement))

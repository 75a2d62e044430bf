"""Ranking: several orders become one by Borda's count."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask

from chainkit import ensemble, rank
from chainkit.ensembles.rank import borda, order_in
from chainkit.errors import BadRequest, CompositionError, EnsembleError, OutputError
from chainkit.models.profile import Profile
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

ABC = [m("a"), m("b"), m("c")]
ORDERS = st.permutations([1, 2, 3, 4])


def failing() -> Any:
    return m("x", fail=[BadRequest("no judge today")])


def test_the_orders_of_several_judges_become_one() -> None:
    found = ask(ensemble(*ABC, combine=rank(m("[2,3,1]"), m("[3,2,1]"), m("[2,1,3]"))))
    assert [g.value.text for g in found.groups] == ["b", "c", "a"]
    assert [b.score for b in found.ballots] == pytest.approx([1 / 6, 5 / 6, 3 / 6])
    assert "judge 2 (model scripted:model) ranked 3, 2, 1" in found.reason
    assert len(found.run.rows) == 3 + 3


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_one_judges_order_is_the_order(order: tuple[int, ...]) -> None:
    found = ask(ensemble(*ABC, combine=rank(m(str(list(order))))))
    assert [g.value.text for g in found.groups] == ["abc"[n - 1] for n in order]
    assert found.ballots[order[0] - 1].score == 1.0


def test_orders_that_cancel_out_leave_it_to_the_earlier_member() -> None:
    found = ask(ensemble(*ABC, combine=rank(m("[1,2,3]"), m("[3,2,1]"))))
    assert found.value.text == "a"
    assert [b.score for b in found.ballots] == [0.5] * 3


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(ORDERS, min_size=1, max_size=5))
def test_the_points_are_how_often_an_answer_stands_before_another(orders: list[list[int]]) -> None:
    beaten = [sum(o.index(a) < o.index(b) for o in orders for b in range(1, 5) if b != a) for a in range(1, 5)]
    assert borda(orders, 4) == beaten


def test_what_an_order_leaves_out_comes_last_in_it_with_the_points_that_are_left() -> None:
    assert borda([[3]], 4) == [1, 1, 3, 1]
    assert borda([[4, 1]], 4) == [2, 0.5, 0.5, 3]
    found = ask(ensemble(*ABC, combine=rank(m("[3]"))))
    assert [g.value.text for g in found.groups] == ["c", "a", "b"]


@pytest.mark.parametrize(("said", "order"), [([2, 1], [2, 1]), ("2, 1", [2, 1]), ("2 > 3 > 1", [2, 3, 1]), ((3,), [3])])
def test_an_order_is_read_from_lists_and_text(said: Any, order: list[int]) -> None:
    assert order_in(said, 3) == order


@pytest.mark.parametrize("said", [[], [1, 1], [0, 1], [1, 4], "none", "1 1 2", ["a"], [1.5], [True], None, {"1": 2}])
def test_what_is_no_permutation_is_an_error(said: Any) -> None:
    with pytest.raises(OutputError, match="gave no order of the answers 1 to 3"):
        order_in(said, 3)


def test_a_plain_model_is_held_to_the_numbers_and_asked_again() -> None:
    judging = m(["[7,1]", "[1,1]", "[2,1]"], profile=Profile("s", "m", output=("prompt",), local=True))
    found = ask(ensemble(m("a"), m("b"), combine=rank(judging)))
    assert found.value.text == "b"
    assert len(judging.seen) == 3
    assert judging.seen[0].output.schema["maxItems"] == 2


def test_answers_that_are_alike_are_not_ranked() -> None:
    assert ask(ensemble(m("a"), m("A"), combine=rank(m(AssertionError("asked"))))).reason == "all answers are alike"


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.booleans(), min_size=3, max_size=3), st.lists(st.booleans(), min_size=1, max_size=3))
def test_faults_in_any_members_and_judges_leave_the_rest_to_decide(members: list[bool], judges: list[bool]) -> None:
    usable = [a for a, ok in zip("abc", members, strict=True) if ok]
    order = str(list(range(len(usable), 0, -1)))
    chain = ensemble(
        *(m(a) if ok else failing() for a, ok in zip("abc", members, strict=True)),
        combine=rank(*(m(order) if ok else failing() for ok in judges)),
    )
    if not usable or (len(usable) > 1 and not any(judges)):
        with pytest.raises((EnsembleError, BadRequest)):
            ask(chain)
        return
    found = ask(chain)
    assert found.value.text == usable[-1]
    assert len(found.run.rows) == 3 + (len(judges) if len(usable) > 1 else 0)


def test_nobody_to_ask_is_refused() -> None:
    with pytest.raises(CompositionError, match="needs a model or chain to ask"):
        rank()

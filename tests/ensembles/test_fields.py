"""Structured values voted field by field: rules, ties, nothing, rows, and what does not fit together."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted
from pydantic import BaseModel, Field, model_validator

from chainkit import as_set, average, close, ensemble, fields, judge, longest, median, medoid, step, vote
from chainkit.errors import CompositionError, EnsembleError
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def told(values: list[Any], combiner: Any) -> Any:
    return ask(ensemble(*(step(lambda _, v=v: v, name=f"m{i}") for i, v in enumerate(values)), combine=combiner))


class Address(BaseModel):
    city: str
    zip: str | None = None


class Person(BaseModel):
    name: str
    born: dt.date | None = None
    tags: set[str] = set()
    address: Address | None = None


def test_each_field_is_voted_on_its_own_and_the_value_is_of_the_members_type() -> None:
    ada = [
        Person(name="Ada", born=dt.date(1815, 12, 10), tags={"a", "b"}, address=Address(city="London", zip="1")),
        Person(name="ADA ", born=dt.date(1815, 12, 1), tags={"b"}, address=Address(city="london", zip="1")),
        Person(name="Ada", born=dt.date(1815, 12, 10), tags={"b", "c"}, address=Address(city="Paris")),
    ]
    found = told(ada, fields())
    assert found.value == Person(
        name="Ada", born=dt.date(1815, 12, 10), tags={"b"}, address=Address(city="London", zip="1")
    )
    shares = {path: round(f.agreement, 3) for path, f in found.fields.items()}
    assert shares == {"address.city": 0.667, "address.zip": 0.667, "born": 0.667, "name": 1.0, "tags": 0.778}
    assert found.agreement == pytest.approx(sum(f.agreement for f in found.fields.values()) / 5)
    assert found.fields["address.city"].dissent[0].members == ("m2",)
    assert "  field address.city: London (67%) - m2: Paris" in found.why().splitlines()


@dataclasses.dataclass
class Point:
    x: float
    y: float


class Row(TypedDict):
    x: float
    y: float


@pytest.mark.parametrize("kind", [Point, Row, dict])
def test_dataclasses_and_dicts_come_back_as_what_they_were(kind: Any) -> None:
    found = told([kind(x=1.0, y=2.0), kind(x=1.0, y=3.0), kind(x=5.0, y=3.0)], fields()).value
    assert found == kind(x=1.0, y=3.0)
    assert type(found) is type(kind(x=1.0, y=3.0))


def test_a_rule_is_any_combiner_or_a_function_of_the_values() -> None:
    values = [
        {"total": 100, "tags": ["a", "b"], "notes": "short", "n": 1, "z": 3, "text": "a b", "f": 1},
        {"total": 100.5, "tags": ["b"], "notes": "quite long", "n": 2, "z": 4, "text": "a c", "f": 2},
        {"total": 250, "tags": ["B"], "notes": "", "n": 9, "z": 5, "text": "a b c", "f": 3},
    ]
    rules = {
        "total": close(0.01),
        "tags": as_set(),
        "notes": longest(),
        "n": median(),
        "z": average(),
        "text": medoid(),
        "f": max,
    }
    found = told(values, fields(rules))
    assert found.value == {
        "total": 100,
        "tags": ["b"],
        "notes": "quite long",
        "n": 2,
        "z": 4.0,
        "text": "a b c",
        "f": 3,
    }
    assert found.fields["total"].agreement == pytest.approx(2 / 3)


def test_a_judge_decides_one_field_and_the_rest_are_voted_on() -> None:
    said = m("2")
    chain = ensemble(
        *(step(lambda _, v=v: v, name=v["t"]) for v in ({"t": "x", "n": 1}, {"t": "y", "n": 1})),
        combine=fields({"t": judge(said)}),
    )
    with scripted() as run:
        found = chain.invoke("hi", run=run)
        assert (found.value, run.calls) == ({"t": "y", "n": 1}, 1)


def test_calls_for_two_fields_have_two_addresses() -> None:
    said = (step(lambda _, v=v: {"a": v, "b": {"c": v}}) for v in "xy")
    chain = ensemble(*said, combine=fields({"a": judge(m("1")), "b.c": judge(m("2"))})).named("read")
    with scripted() as run:
        assert chain.invoke("hi", run=run).value == {"a": "x", "b": {"c": "y"}}
        assert [row.path for row in run.rows] == [
            "read > a > model scripted:model",
            "read > b.c > model scripted:model",
        ]


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("Köln", "ko\u0308ln ", True), ("Köln", "Koln", False), (1, Decimal("1.00"), True), (1, True, False),
     (dt.datetime(2026, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), True),
     (Colour.RED, "Red", True), ({1, 2}, {2, 1}, True), ([1, 2], [2, 1], False), (float("nan"), float("nan"), True)],
)  # fmt: skip
def test_values_of_fields_are_the_same_where_they_mean_the_same(one: Any, other: Any, same: bool) -> None:
    found = told([{"a": one}, {"a": other}], fields())
    assert (len(found.fields["a"].groups) == 1) is same


def test_exact_text_is_compared_as_it_is() -> None:
    assert told([{"a": "X"}, {"a": "x"}], fields(exact=True)).agreement == 0.5


def test_nothing_is_a_vote_or_abstains() -> None:
    values = [{"a": None, "b": None}, {"a": None}, {"a": 3, "b": None}]
    assert told(values, fields()).value == {"a": None, "b": None}
    assert told(values, fields(none="abstain")).value == {"a": 3, "b": None}
    assert told(values, fields({"a": average()})).value["a"] is None
    assert told(values, fields({"a": average()}, none="abstain")).value["a"] == 3.0
    assert told([{"a": {"x": 1}}, {}, {}], fields()).value == {}


def test_rows_are_matched_by_place_or_by_a_field_of_theirs() -> None:
    def lines(*pairs: tuple[str, float]) -> dict[str, Any]:
        return {"lines": [{"sku": s, "price": p} for s, p in pairs]}

    values = [lines(("A", 1), ("B", 2)), lines(("a", 1), ("B", 3)), lines(("B", 3)), lines(("C", 9), ("B", 3))]
    assert told(values, fields()).value == lines(("A", 1), ("B", 3))
    found = told(values, fields(rows={"lines": "sku"}))
    assert found.value == lines(("B", 3))
    assert found.fields["lines.C"].value == "no row"
    assert told(values[:3], fields({"lines.price": max}, rows={"lines": "sku"})).value == lines(("A", 1), ("B", 3))


class Sum(BaseModel):
    net: int
    tax: int
    total: int = Field(alias="sum")

    @model_validator(mode="after")
    def adds_up(self) -> Sum:
        if self.net + self.tax != self.total:
            raise ValueError("it does not add up")
        return self


def test_what_does_not_fit_together_gives_way_to_the_member_with_most_of_it() -> None:
    values = [Sum(net=1, tax=2, sum=3), Sum(net=1, tax=3, sum=4), Sum(net=2, tax=2, sum=4)]
    found = told(values, fields())
    assert found.value in values
    assert found.reason.startswith("voted field by field it is no valid Sum (1 validation error for Sum")
    assert found.reason.endswith("the whole answer of m0 was taken")
    assert told(values[1:] + values[1:2], fields()).value == values[1]


def test_a_rule_that_no_value_fits_is_a_vote_that_says_so() -> None:
    found = told([{"a": "x"}, {"a": "x"}], fields({"a": median()}))
    assert found.fields["a"].reason == "decided by a vote, as for `median` there was no number: 'x'"


def test_what_has_no_fields_abstains_or_is_refused_when_the_ensemble_is_made() -> None:
    found = told([{"a": 1}, "a", None], fields())
    assert [bool(b.abstained) for b in found.ballots] == [False, True, True]
    with pytest.raises(CompositionError, match="gives Reply, which has no fields"):
        ensemble("openai:a", combine=fields())
    with pytest.raises(CompositionError, match="Person has no field 'nam'"):
        ensemble("openai:a", output=Person, combine=fields({"nam": vote()}))
    with pytest.raises(CompositionError, match="is not called"):
        fields({"a": vote})
    with pytest.raises(CompositionError, match='"vote" or "abstain"'):
        fields(none="skip")  # type: ignore[arg-type]


def test_weights_count_in_every_field() -> None:
    assert told([{"a": 1}, {"a": 2}, {"a": 2}], fields(weights=[3, 1, 1])).value == {"a": 1}


texts = st.sampled_from(["Paris", " paris", "PARIS.", "Rome", "rome ", "ä", "a\u0308", "", None])
numbers = st.sampled_from([1, 1.0, Decimal("1.00"), 2, 2.5, True, None])
leaves = texts | numbers | st.frozensets(st.sampled_from("abc"), max_size=3) | st.lists(numbers, max_size=2)
objects = st.dictionaries(
    st.sampled_from("abc"),
    leaves
    | st.dictionaries(st.sampled_from("xy"), leaves, max_size=2)
    | st.lists(st.fixed_dictionaries({"k": texts}), max_size=2),
    max_size=3,
)


def shape(value: Any) -> Any:
    """The value with the types of all that is in it, as 1, 1.0 and True are equal."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    return [shape(v) for v in value] if isinstance(value, list) else (type(value), value)


@settings(max_examples=150, deadline=None)
@given(st.lists(objects, min_size=1, max_size=5), st.randoms(), st.sampled_from(["vote", "abstain"]))
def test_neither_members_nor_keys_in_another_order_change_the_value(values: list[Any], chance: Any, none: Any) -> None:
    mixed = [dict(chance.sample(list(v.items()), len(v))) for v in chance.sample(values, len(values))]
    for combiner in (fields(none=none), fields({"a": longest(), "b": close(0.5)}, rows={"c": "k"}, none=none)):
        one, other = told(values, combiner), told(mixed, combiner)
        assert shape(one.value) == shape(other.value)
        assert one.agreement == pytest.approx(other.agreement)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(["x", "y y"])), min_size=2, max_size=4), st.data()
)
def test_spacing_changes_what_is_written_and_never_what_is_meant(values: list[Any], data: Any) -> None:
    def spaced(value: Any) -> Any:
        space = data.draw(st.sampled_from([" ", "  ", "\n"]))
        return {k: space + v.replace(" ", space) + space for k, v in value.items()}

    one, other = told(values, fields()).value, told([spaced(v) for v in values], fields()).value
    assert one == {k: None if v is None else " ".join(v.split()) for k, v in other.items()}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.sampled_from("xy"), min_size=1, max_size=5))
def test_the_members_that_did_not_fail_decide(said: list[str | None]) -> None:
    members = [step(lambda _: 1 / 0) if s is None else step(lambda _, v=s: {"a": v}) for s in said]
    left = [s for s in said if s is not None]
    chain = ensemble(*members, combine=fields())
    if not left:
        with pytest.raises(EnsembleError):
            ask(chain)
    else:
        assert ask(chain).value == {"a": min(left, key=lambda s: (-left.count(s), s))}

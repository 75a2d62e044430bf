"""Dialects: what each may hold, that no answer is shut out unsaid, and what the linter says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from .output_types import Book, Cat, Node, Owner, Page, Point, Receipt, Trip
from pydantic import BaseModel, Field

from chainkit.output import GRAMMAR, STRICT, TOOL, Dialect, adapt, lint, shape_of

OUTPUTS: list[Any] = [
    Book, Cat, Node, Owner, Page[Book], Point, Receipt, Trip, int, str, list[Book], Book | None, Literal["a", 1, None],
    tuple[int, str], Owner | Trip,
]  # fmt: skip
NAMED = ("properties", "$defs")


def _valid(schema: dict[str, Any], value: Any) -> bool:
    return cast("bool", Draft202012Validator(schema).is_valid(value))  # type: ignore[no-untyped-call] # pyright: ignore


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every subschema."""
    if isinstance(schema, dict):
        node = cast("dict[str, Any]", schema)
        yield node
        for keyword, value in node.items():
            for part in value.values() if keyword in NAMED else value if isinstance(value, list) else [value]:
                yield from _nodes(part)


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_a_strict_schema_closes_every_object_and_requires_every_field(output: Any) -> None:
    for node in _nodes(adapt(shape_of(output).json_schema, STRICT)):
        if "properties" in node:
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])


@pytest.mark.parametrize("dialect", [STRICT, GRAMMAR], ids=lambda d: d.name)
@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_a_schema_holds_only_what_its_dialect_knows(output: Any, dialect: Dialect) -> None:
    for node in _nodes(adapt(shape_of(output).json_schema, dialect)):
        assert all(dialect.takes(keyword, value) for keyword, value in node.items())
        assert "$ref" not in node or node.keys() == {"$ref"}
        assert {"type", "enum", "anyOf", "$ref"} & node.keys()


@pytest.mark.parametrize("dialect", [STRICT, GRAMMAR, TOOL, replace(STRICT, inline=True)], ids=lambda d: d.name)
@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_adapting_twice_changes_nothing_more(output: Any, dialect: Dialect) -> None:
    once = adapt(shape_of(output).json_schema, dialect)

    assert adapt(once, dialect) == once


@pytest.mark.parametrize(
    ("output", "answer", "value"),
    [
        (Cat, {"kind": "cat", "lives": None}, Cat(kind="cat", lives=9)),
        (Trip, {"city": "Rom", "days": None}, {"city": "Rom"}),
        (Point, {"x": 1, "y": None, "labels": None}, Point(1.0)),
        (Node, {"value": 1, "children": [{"value": 2, "children": None}]}, Node(value=1, children=[Node(value=2)])),
        (
            Owner,
            {"pet": {"kind": "dog", "tricks": []}, "color": None},
            Owner.model_validate({"pet": {"kind": "dog", "tricks": []}}),
        ),
    ],
)
def test_a_field_left_out_is_asked_for_as_null_and_read_as_left_out(output: Any, answer: Any, value: Any) -> None:
    schema = adapt(shape_of(output).json_schema, STRICT)

    assert _valid(schema, answer)
    assert shape_of(output).validate(answer) == value


def test_an_optional_field_says_what_null_stands_for() -> None:
    properties = adapt(shape_of(Cat).json_schema, STRICT)["properties"]

    assert properties["lives"] == {"type": ["integer", "null"], "description": "null for the default, 9"}
    assert adapt(shape_of(Trip).json_schema, STRICT)["properties"]["days"]["description"] == "null if there is none"


def test_the_tool_dialect_changes_nothing() -> None:
    for output in OUTPUTS:
        assert adapt(shape_of(output).json_schema, TOOL) == shape_of(output).json_schema


def test_the_schema_given_is_not_changed() -> None:
    schema = shape_of(Owner).json_schema
    before = json.dumps(schema)

    for dialect in (STRICT, GRAMMAR, TOOL):
        adapt(schema, dialect)["properties"]["pet"]["changed"] = True

    assert json.dumps(schema) == before


class Tight(BaseModel):
    name: str = Field(min_length=2, max_length=1000, description="who")
    code: str = Field(pattern=r"^\d{3}$")
    link: str = Field(json_schema_extra={"format": "uri"})
    pair: tuple[int, str]
    even: int = Field(multiple_of=2)


def test_what_a_dialect_lacks_is_moved_into_the_description_and_reported() -> None:
    schema = shape_of(Tight).json_schema

    assert [str(f) for f in lint(schema, STRICT)] == [
        "name: maxLength 1000 (moved)",
        "name: minLength 2 (moved)",
        "link: format uri (moved)",
        "pair: which type stands where is said in words (loosened)",
    ]
    strict = adapt(schema, STRICT)["properties"]
    assert strict["name"] == {"type": "string", "description": "who (length at most 1000; length at least 2)"}
    assert strict["link"] == {"type": "string", "description": "format: uri"}
    assert strict["pair"]["items"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert strict["pair"]["description"] == "in this order: integer, string"


def test_a_grammar_is_spared_patterns_and_counts_that_its_compiler_cannot_take() -> None:
    schema = shape_of(Tight).json_schema

    assert [f.message for f in lint(schema, GRAMMAR)] == [
        "maxLength 1000",
        r"pattern ^\d{3}$",
        "format uri",
        "multipleOf 2",
    ]
    assert adapt(schema, GRAMMAR)["properties"]["name"]["minLength"] == 2


@pytest.mark.parametrize("pattern", ["^[a-z]+$", "^a(b|c)?$", r"^[0-9]\.[0-9]{2}$"])
def test_a_plain_anchored_pattern_stays_in_a_grammar(pattern: str) -> None:
    assert GRAMMAR.takes("pattern", pattern)


@pytest.mark.parametrize("pattern", ["abc", r"^\w+$", "^(?:a)$", r"^[\-a]$", "^(?=a)$", r"^a\-b$"])
def test_other_patterns_do_not(pattern: str) -> None:
    assert not GRAMMAR.takes("pattern", pattern)


@pytest.mark.parametrize(
    ("schema", "place", "said"),
    [
        (shape_of(dict[str, int]).json_schema, "", "an object of any keys"),
        (shape_of(list[dict[str, int]]).json_schema, "value[]", "an object of any keys"),
        (shape_of(list[Any]).json_schema, "value[]", "any value may stand here"),
        ({"type": "object", "properties": {"a": {}}}, "a", "any value may stand here"),
    ],
)
def test_what_strict_cannot_ask_for_is_named_impossible(schema: dict[str, Any], place: str, said: str) -> None:
    found = [f for f in lint(schema, STRICT) if f.kind == "impossible"]

    assert [(f.place, f.message) for f in found] == [(place, said)]
    assert not [f for f in lint(schema, GRAMMAR) if f.kind == "impossible"]


def test_definitions_can_stand_where_they_are_used() -> None:
    inline = replace(STRICT, inline=True)
    schema = adapt(shape_of(Owner).json_schema, inline)

    assert "$defs" not in schema
    assert "$ref" not in json.dumps(schema)
    assert {f.kind for f in lint(shape_of(Node).json_schema, inline)} == {"impossible"}


def test_all_of_is_merged_and_one_of_becomes_any_of() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"oneOf": [{"type": "string"}, {"type": "null"}]},
            "b": {"allOf": [{"$ref": "#/$defs/Base"}, {"properties": {"y": {"type": "integer"}}, "required": ["y"]}]},
        },
        "required": ["a", "b"],
        "$defs": {"Base": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}},
    }
    strict = adapt(schema, STRICT)

    assert strict["properties"]["a"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert set(strict["properties"]["b"]["required"]) == {"x", "y"}
    assert "$defs" not in strict


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    branches = st.lists(inner, min_size=1, max_size=2)
    closed = st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2),
            "additionalProperties": st.just(value=False),
        },
        optional={"required": st.lists(st.sampled_from("abc"), max_size=2, unique=True), "minProperties": st.just(1)},
    )
    mapping = st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.just("^a"), inner, max_size=1),
        },
    )
    array = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": st.booleans() | inner,
            "prefixItems": branches,
            "minItems": st.integers(0, 2),
            "maxItems": st.sampled_from([0, 1, 2, 300]),
            "uniqueItems": st.booleans(),
            "contains": inner,
        },
    )
    union = st.one_of(*(st.fixed_dictionaries({word: branches}) for word in ("anyOf", "oneOf", "allOf")))
    return closed | mapping | array | union | st.just({"$ref": "#/$defs/Small"})


leaves = st.sampled_from(
    [
        {},
        {"type": "string", "minLength": 1},
        {"type": "string", "pattern": "a"},
        {"type": "integer", "minimum": 0, "description": "n"},
        {"type": "number", "multipleOf": 2},
        {"type": ["boolean", "null"]},
        {"const": "a"},
        {"enum": ["a", 1, None], "default": 1},
    ]
)
schemas = st.recursive(leaves, _schemas, max_leaves=5)
values = st.recursive(
    st.sampled_from([None, True, 0, 1, 2.5, "", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(schemas, st.lists(values, min_size=6, max_size=6))
def test_no_answer_that_fits_the_schema_is_shut_out_of_a_grammar_unsaid(
    schema: dict[str, Any], drawn: list[Any]
) -> None:
    whole = shape_of(schema | {"$defs": {"Small": {"type": "integer", "maximum": 2}}}).json_schema
    if any(f.kind in {"narrowed", "impossible"} for f in lint(whole, GRAMMAR)):
        return
    grammar = adapt(whole, GRAMMAR)

    for value in [*drawn, {}, [], {"a": 1}, {"a": "a", "b": None}, ["a", 1], [[]], "a", 1, None]:
        answer = {"value": value} if "value" in whole.get("properties", {}) else value
        assert _valid(grammar, answer) or not _valid(whole, answer)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(schemas)
def test_any_schema_is_brought_into_each_dialect(schema: dict[str, Any]) -> None:
    whole = shape_of(schema | {"$defs": {"Small": {"type": "integer", "maximum": 2}}}).json_schema

    for dialect in (STRICT, GRAMMAR, replace(STRICT, inline=True)):
        for node in _nodes(adapt(whole, dialect)):
            assert all(dialect.takes(keyword, value) for keyword, value in node.items())

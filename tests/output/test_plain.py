"""JSON-schema mappings as output: the same verdict as the reference checker, in words of ours."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chainkit.errors import CompositionError, OutputError
from chainkit.output import Shape, read_text, shape_of

BOOK: dict[str, Any] = {
    "title": "Book",
    "type": "object",
    "properties": {"title": {"type": "string"}, "year": {"type": "integer", "minimum": 0}},
    "required": ["title"],
    "additionalProperties": False,
}

scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 2.5]) | st.sampled_from(["", "a", "ab"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
names = st.lists(st.sampled_from("abc"), max_size=2, unique=True)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    branches = st.lists(inner, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["object", "array", "string", "integer", "number", "boolean", "null", ["string", "null"]]
            ),
            "properties": named,
            "required": names,
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=1),
            "propertyNames": inner,
            "dependentRequired": st.dictionaries(st.sampled_from("abc"), names, max_size=1),
            "items": inner,
            "prefixItems": branches,
            "contains": inner,
            "minContains": st.integers(0, 2),
            "maxContains": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(0, 2),
            "pattern": st.sampled_from(["a", "^b", "a$"]),
            "minimum": st.integers(-2, 2),
            "maximum": st.integers(-2, 2),
            "exclusiveMinimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minProperties": st.integers(0, 2),
            "maxProperties": st.integers(0, 2),
            "enum": st.lists(values, min_size=1, max_size=3),
            "const": values,
            "anyOf": branches,
            "oneOf": branches,
            "allOf": branches,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.just("#/$defs/Small"),
        },
    )


schemas = st.recursive(st.booleans() | _schemas(st.booleans()), _schemas, max_leaves=4).filter(
    lambda s: isinstance(s, dict)
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(schemas, values)
def test_any_schema_and_value_get_the_verdict_of_the_reference_checker(schema: dict[str, Any], value: Any) -> None:
    whole = schema | {"$defs": {"Small": {"type": ["integer", "null"], "maximum": 2}}}
    expected = cast("bool", Draft202012Validator(whole).is_valid(value))  # type: ignore[no-untyped-call] # pyright: ignore
    compiled = shape_of(whole)

    try:
        found = compiled.validate(value, bare=True)
    except OutputError:
        assert not expected
    else:
        # A null in a field that should be something else counts as left out; all else comes back as it went in.
        assert not expected or found == value
        assert expected or "null" in json.dumps(value)


def test_the_value_is_plain_json() -> None:
    shape: Shape[Any] = shape_of(BOOK)

    assert shape.validate_json('{"title": "Emma", "year": 1815}') == {"title": "Emma", "year": 1815}
    assert shape.name == "Book"


def test_errors_say_place_and_wish() -> None:
    with pytest.raises(OutputError) as caught:
        shape_of(BOOK).validate_json('{"year": -1, "pages": 3}')

    assert caught.value.message == (
        "the answer is not a valid Book:\n  year: should be 0 or more; got -1\n  title: missing\n  pages: no such field"
    )


def test_of_a_union_the_nearest_branch_is_reported() -> None:
    schema = {
        "anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}]
    }

    with pytest.raises(OutputError, match=r"value\.a: should be a whole number; got \"x\""):
        shape_of(schema).validate_json('{"value": {"a": "x"}}')


def test_a_schema_that_is_no_object_is_wrapped_with_its_references() -> None:
    tree = {"type": "array", "items": {"$ref": "#"}}
    shape = shape_of(tree)

    assert shape.json_schema["properties"]["value"] == {"type": "array", "items": {"$ref": "#/$defs/root"}}
    assert shape.json_schema["$defs"] == {"root": {"type": "array", "items": {"$ref": "#/$defs/root"}}}
    assert shape.validate_json('{"value": [[], [[]]]}') == [[], [[]]]
    with pytest.raises(OutputError, match=r"value\[0\]\[0\]: should be a list; got 3"):
        shape.validate_json('{"value": [[3]]}')


def test_references_of_every_form_are_brought_under_defs() -> None:
    schema = {
        "type": "object",
        "properties": {
            "definitions": {"type": "string"},
            "a": {"$ref": "#/definitions/Word~1s"},
            "b": {"$ref": "#/properties/a"},
        },
        "definitions": {"Word/s": {"type": "string", "maxLength": 2}, "Unused": {"type": "null"}},
    }
    shape = shape_of(schema)

    assert shape.json_schema["$defs"].keys() == {"Word_1s", "a"}
    assert shape.validate_json('{"a": "x", "b": "y"}') == {"a": "x", "b": "y"}
    with pytest.raises(OutputError, match="b: should have 2 or fewer characters"):
        shape.validate_json('{"b": "xyz"}')


def test_the_schema_given_is_copied_and_any_mapping_will_do() -> None:
    given_schema = {"type": "object", "properties": MappingProxyType({"a": {"type": "integer"}})}
    shape = shape_of(MappingProxyType(given_schema))
    given_schema["type"] = "string"

    assert shape.validate_json('{"a": 1}') == {"a": 1}


def test_a_models_own_json_schema_is_taken_as_it_is() -> None:
    from .output_types import Owner, Receipt

    for model in (Owner, Receipt):
        assert shape_of(model.model_json_schema()).name == model.__name__


@pytest.mark.parametrize(
    ("schema", "said", "cure"),
    [
        ({"type": "objekt"}, "the type 'objekt' is none of JSON's", "did you mean 'object'?"),
        ({"typ": "object"}, "the keyword 'typ' is not known here", "did you mean 'type'?"),
        ({"unevaluatedProperties": False}, "the keyword 'unevaluatedProperties' is not known here", None),
        ({"properties": {"a": {"$ref": "#/$defs/No"}}}, "at properties/a, $ref '#/$defs/No' leads nowhere", "$defs"),
        ({"properties": {"a": {"$ref": "https://example.org/a.json"}}}, "leads nowhere", "$defs"),
        ({"$ref": "#"}, "leads back to itself", None),
        ({"anyOf": []}, "'anyOf' should hold a list, and one that is not empty", None),
        ({"required": "name"}, "'required' should hold a list", None),
        ({"properties": ["name"]}, "'properties' should hold an object", None),
        ({"items": 3}, "at items, 3 is not a schema", None),
        ({"minimum": "1"}, "'minimum' should hold a number", None),
        ({"pattern": "("}, "the pattern '(' cannot be read", None),
    ],
)
def test_what_is_no_schema_is_refused_when_it_is_compiled(schema: Any, said: str, cure: str | None) -> None:
    with pytest.raises(CompositionError) as caught:
        shape_of(schema)

    assert said in caught.value.message
    assert cure is None or cure in (caught.value.cure or "")


def test_a_bare_answer_may_be_a_word_of_the_enumeration() -> None:
    assert read_text(shape_of({"enum": ["yes", "no", 3]}), "No.", bare=True) == "no"
    assert read_text(shape_of({"enum": ["yes", "no", 3]}), "3", bare=True) == 3

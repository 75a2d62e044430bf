"""Shapes: one for each type, its schema, its name, and the value from JSON text."""

from __future__ import annotations

import datetime
import decimal
import json
import pickle
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from .output_types import Aliased, Author, Book, Cat, Chapter, Color, Even, Node, Owner, Page, Pet, Point, Receipt, Trip
from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from chainkit.errors import CompositionError, OutputError
from chainkit.output import Shape, shape_of

MOMENT = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
Tree = TypeAliasType("Tree", "list[Tree] | int")  # type: ignore[misc] # pyright: ignore

CASES: list[tuple[Any, str, Any]] = [
    (Book, '{"title": "Emma", "year": 1815}', Book(title="Emma", year=1815)),
    (Point, '{"x": 1}', Point(1.0)),
    (Trip, '{"city": "Rom"}', {"city": "Rom"}),
    (Chapter, '{"title": "a", "parts": [{"title": "b"}]}', {"title": "a", "parts": [{"title": "b"}]}),
    (Node, '{"value": 1, "children": [{"value": 2}]}', Node(value=1, children=[Node(value=2)])),
    (Page[Author], '{"items": [{"name": "Ann"}]}', Page[Author](items=[Author(name="Ann")])),
    (dict[str, int], '{"a": 1}', {"a": 1}),
    (Aliased, '{"from": "a", "destination": "b"}', Aliased.model_validate({"from": "a", "destination": "b"})),
    (Owner, '{"pet": {"kind": "cat"}}', Owner(pet=Cat(kind="cat"))),
    (
        Receipt,
        f'{{"id": "{ID}", "at": "{MOMENT.isoformat()}", "day": "2024-02-29", "total": "19.90", "took": "PT1M"}}',
        Receipt(
            id=ID,
            at=MOMENT,
            day=MOMENT.date(),
            total=decimal.Decimal("19.90"),
            took=datetime.timedelta(minutes=1),
        ),
    ),
    (int, '{"value": 3}', 3),
    (float, '{"value": 2.5}', 2.5),
    (bool, '{"value": true}', True),
    (str, '{"value": "x"}', "x"),
    (None, '{"value": null}', None),
    (list[Book], '{"value": [{"title": "a", "year": 1}]}', [Book(title="a", year=1)]),
    (tuple[int, str], '{"value": [1, "a"]}', (1, "a")),
    (set[int], '{"value": [1, 2]}', {1, 2}),
    (Literal["a", 1, None], '{"value": 1}', 1),
    (Color, '{"value": "blue"}', Color.BLUE),
    (datetime.date, '{"value": "2024-02-29"}', MOMENT.date()),
    (uuid.UUID, f'{{"value": "{ID}"}}', ID),
    (Optional[Book], '{"value": null}', None),  # noqa: UP045 - both spellings
    (Book | None, '{"value": {"title": "a", "year": 1}}', Book(title="a", year=1)),
    (Union[int, list[int], None], '{"value": [1]}', [1]),  # noqa: UP007 - both spellings
    (Optional[Trip], '{"value": {"city": "Rom"}}', {"city": "Rom"}),  # noqa: UP045 - both spellings
    (list[Trip], '{"value": [{"city": "Rom", "days": 2}]}', [{"city": "Rom", "days": 2}]),
    (Annotated[int, Field(gt=0)], '{"value": 1}', 1),
    (Annotated[Trip, Field(description="a trip")], '{"city": "Rom"}', {"city": "Rom"}),
    (Pet, '{"value": {"kind": "dog", "tricks": []}}', {"kind": "dog", "tricks": []}),
    (Tree, '{"value": [1, [2]]}', [1, [2]]),
    (Any, '{"value": [1, {"a": null}]}', [1, {"a": None}]),
]


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


@pytest.mark.parametrize(("output", "text", "value"), CASES, ids=[str(c[0]) for c in CASES])
def test_every_kind_of_type_is_read_from_the_json_it_asks_for(output: Any, text: str, value: Any) -> None:
    shape: Shape[Any] = shape_of(output)

    assert _plain(shape.validate_json(text)) == _plain(value)
    assert _plain(shape.validate(json.loads(text))) == _plain(value)


@pytest.mark.parametrize(("output", "text", "value"), CASES, ids=[str(c[0]) for c in CASES])
def test_the_schema_is_always_one_of_an_object_and_plain_data(output: Any, text: str, value: Any) -> None:
    schema = shape_of(output).json_schema

    assert schema["type"] == "object"
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize(("output", "text", "value"), CASES, ids=[str(c[0]) for c in CASES])
def test_a_bare_answer_is_read_by_the_types_own_schema(output: Any, text: str, value: Any) -> None:
    shape: Shape[Any] = shape_of(output)
    bare = json.dumps(json.loads(text)["value"]) if shape.wrapped else text

    assert _plain(shape.validate_json(bare, bare=True)) == _plain(value)


def test_objects_are_asked_for_as_they_are_and_all_else_is_wrapped() -> None:
    assert not shape_of(Book).wrapped
    assert not shape_of(dict[str, int]).wrapped
    assert shape_of(list[Book]).wrapped
    assert shape_of(Book | None).wrapped
    assert shape_of(int).json_schema == {
        "type": "object",
        "properties": {"value": {"type": "integer"}},
        "required": ["value"],
        "additionalProperties": False,
    }


def test_the_schema_carries_descriptions_and_no_titles_made_from_field_names() -> None:
    properties = shape_of(Book).json_schema["properties"]

    assert shape_of(Book).json_schema["description"] == "A book, as a library knows it."
    assert properties["year"]["description"] == "year of the first print"
    assert "title" not in properties["year"]
    assert properties["title"] == {"type": "string"}


def test_a_recursive_type_has_its_fields_at_the_root() -> None:
    schema = shape_of(Node).json_schema

    assert schema["properties"]["value"] == {"type": "integer"}
    assert schema["$defs"]["Node"]["type"] == "object"


@pytest.mark.parametrize(
    ("output", "name"),
    [
        (Book, "Book"),
        (list[Book], "list_Book"),
        (Book | None, "Book_or_none"),
        (Page[Author], "Page_Author"),
        (dict[str, list[int]], "dict_str_list_int"),
        (Literal["ä", "b"], "choice"),
        (Annotated[int, Field(gt=0)], "int"),
        ({"type": "object", "title": "Ein Buch für mich"}, "Ein_Buch_f_r_mich"),
        ({"type": "object"}, "output"),
        (type("A" * 100, (BaseModel,), {}), "A" * 64),
    ],
)
def test_names_are_fit_for_the_wire(output: Any, name: str) -> None:
    assert shape_of(output).name == name


def test_one_type_has_one_shape() -> None:
    assert shape_of(Book) is shape_of(Book)
    assert shape_of(list[Book]) is shape_of(list[Book])
    assert shape_of({"type": "object"}) is shape_of({"type": "object"})


def test_types_that_are_equal_but_ask_differently_do_not_share_a_shape() -> None:
    first, second = shape_of(Union[int, str]), shape_of(Union[str, int])  # noqa: UP007 - equal, in two orders

    assert first.json_schema["properties"]["value"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert second.json_schema["properties"]["value"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def test_an_unhashable_mark_is_no_obstacle() -> None:
    output = Annotated[list[int], Field(examples=[[1]]), {"a": 1}]

    assert shape_of(output).validate_json('{"value": [1]}') == [1]  # type: ignore[comparison-overlap]


def test_fifty_threads_that_ask_at_once_get_the_same_shape() -> None:
    class Fresh(BaseModel):
        a: int

    with ThreadPoolExecutor(50) as pool:
        shapes = list(pool.map(lambda _: shape_of(list[Fresh]), range(200)))

    assert all(shape is shapes[0] for shape in shapes)
    assert shapes[0].validate_json('{"value": [{"a": 1}]}') == [Fresh(a=1)]


def test_a_shape_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(shape_of(list[Book]))) is shape_of(list[Book])  # noqa: S301 - our own bytes


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainkit.output import schema

    monkeypatch.setattr(schema, "KEPT", 3)
    monkeypatch.setattr(schema, "_shapes", {})
    for n in range(10):
        shape_of({"type": "integer", "minimum": n})
        assert len(schema._shapes) <= 3  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _error(shape: Shape[Any], text: str, **options: Any) -> str:
    with pytest.raises(OutputError) as caught:
        shape.validate_json(text, **options)
    assert caught.value.attempts[0].text == text
    assert caught.value.attempts[0].error == caught.value.message
    return caught.value.message


def test_an_error_names_each_place_what_is_wanted_and_what_came() -> None:
    text = '{"title": 3, "year": "last", "authors": [{"name": "Ann"}, {"born": 1}]}'

    assert _error(shape_of(Book), text) == (
        "the answer is not a valid Book:\n"
        "  title: should be a valid string; got 3\n"
        '  year: should be a valid integer, unable to parse string as an integer; got "last"\n'
        "  authors[1].name: missing"
    )


def test_an_error_in_a_wrapped_type_is_placed_where_the_model_wrote_it() -> None:
    assert "value[1].year: missing" in _error(
        shape_of(list[Book]), '{"value": [{"title": "a", "year": 1}, {"title": "b"}]}'
    )


def test_an_error_in_a_union_has_places_of_the_answer_and_no_names_of_types() -> None:
    message = _error(shape_of(Owner), '{"pet": {"kind": "dog", "tricks": 3}}')

    assert message == "the answer is not a valid Owner:\n  pet.tricks: should be a valid array; got 3"


def test_a_users_own_rule_speaks_for_itself() -> None:
    assert _error(shape_of(Even), '{"number": 3}').endswith("number: must be even; got 3")


def test_a_wrapped_type_takes_no_second_key() -> None:
    assert "why: no such field" in _error(shape_of(int), '{"value": 1, "why": "x"}')


def test_bad_json_says_where_it_ends() -> None:
    assert _error(shape_of(Book), '{"title": "x') == (
        "the answer is not valid JSON: EOF while parsing a string at line 1 column 12"
    )


def test_errors_stay_short_and_never_show_links() -> None:
    message = _error(shape_of(list[Book]), json.dumps({"value": [{"title": "x" * 500, "year": "y" * 500}] * 100}))

    assert "and 92 more" in message
    assert len(message) < 2000
    assert "http" not in message


def test_null_for_an_optional_field_counts_as_left_out() -> None:
    assert shape_of(Cat).validate_json('{"kind": "cat", "lives": null}') == Cat(kind="cat", lives=9)
    assert shape_of(Trip).validate_json('{"city": "Rom", "days": null}') == {"city": "Rom"}
    assert shape_of(list[Cat]).validate_json('{"value": [{"kind": "cat", "lives": null}]}') == [Cat(kind="cat")]
    pet = shape_of(Owner).validate_json('{"pet": {"kind": "cat", "lives": null}, "color": null}')
    assert pet == Owner(pet=Cat(kind="cat"))


def test_null_for_a_required_field_is_an_error_that_says_so() -> None:
    assert "title: should be a valid string; got null" in _error(shape_of(Book), '{"title": null, "year": 1}')


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (3, "use a pydantic model"),
        ("Book", "give the type itself"),
        ([Book], "write list[Item]"),
        (Book(title="a", year=1), "give the class Book"),
        (list["Nowhere"], "all names defined"),  # type: ignore[name-defined] # noqa: F821 # pyright: ignore
        (object(), "use a pydantic model"),
        ({"name": str}, "write a TypedDict"),
        ({"name": "Book", "schema": {"type": "object"}}, "give the JSON schema itself"),
    ],
)
def test_what_no_model_can_be_asked_for_is_refused_when_it_is_compiled(output: Any, said: str) -> None:
    with pytest.raises(CompositionError, match="output=") as caught:
        shape_of(output)
    assert said in (caught.value.cure or "")


@pytest.mark.parametrize("thing", [len, lambda fields: fields, str.upper])
def test_a_function_is_no_output_type(thing) -> None:
    with pytest.raises(CompositionError, match="it is no type"):
        shape_of(thing)

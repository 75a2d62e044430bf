"""A typed function is a tool: its schema comes from its annotations, its words from its docstring."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import pytest
from pydantic import BaseModel, Field

from chainkit import ToolContext, model, prompt, step, tool
from chainkit.errors import CompositionError
from chainkit.messages import Messages, ToolCall
from chainkit.run.run import Run
from chainkit.tools.call import as_text


@dataclass
class Place:
    lat: float
    lon: float = 0.0


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Wish(TypedDict):
    what: str


class Order(BaseModel):
    item: str
    count: int = Field(1, ge=1)


@tool
def forecast(city: str, unit: Literal["C", "F"] = "C", *, days: Annotated[int, Field(ge=1, le=7)] = 1) -> str:
    """Tell the weather.

    It may rain.

    Args:
        city: the city's name
        unit: Celsius or Fahrenheit
    """
    return f"{city} {unit} {days}"


def test_the_schema_holds_types_defaults_bounds_and_what_is_required() -> None:
    assert forecast.parameters == {
        "type": "object",
        "title": "forecast",
        "properties": {
            "city": {"type": "string", "description": "the city's name"},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C", "description": "Celsius or Fahrenheit"},
            "days": {"type": "integer", "minimum": 1, "maximum": 7, "default": 1},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert (forecast.name, forecast.description) == ("forecast", "Tell the weather.\n\nIt may rain.")


def test_it_can_be_called_as_before() -> None:
    assert forecast("Ulm", "F", days=2) == "Ulm F 2"
    assert repr(forecast) == "tool forecast"


GOOGLE = """Do it.

Args:
    x (int): the number
        of things
"""
NUMPY = """Do it.

Parameters
----------
x : int
    the number
"""
SPHINX = """Do it.

:param x: the number
:returns: nothing
"""


@pytest.mark.parametrize(("words", "said"), [(GOOGLE, "the number\nof things"), (NUMPY, "the number"), (SPHINX, "the number")],
                         ids=["google", "numpy", "sphinx"])  # fmt: skip
def test_each_usual_form_of_docstring_is_read(words: str, said: str) -> None:
    def act(x: int) -> None: ...

    act.__doc__ = words
    made = tool(act)
    assert made.description == "Do it."
    assert made.parameters["properties"]["x"]["description"] == said


def test_a_description_in_the_annotation_counts_before_the_docstring() -> None:
    def act(x: Annotated[int, Field(description="from the type")]) -> None:
        """Do it.

        Args:
            x: from the words
        """

    assert tool(act).parameters["properties"]["x"]["description"] == "from the type"


def seen(place: Place, mood: Mood, wish: Wish, order: Order, maybe: str | None = None, *, tags: list[str] = []) -> Any:  # noqa: B006
    return place, mood, wish, order, maybe, tags


def test_arguments_arrive_as_what_the_function_declares() -> None:
    made = tool(seen)
    arguments = {"place": {"lat": 1}, "mood": "bad", "wish": {"what": "tea"}, "order": {"item": "x"}}
    assert made.signature.called(seen, arguments, None)() == (
        Place(1.0), Mood.BAD, {"what": "tea"}, Order(item="x"), None, []
    )  # fmt: skip


def test_names_that_a_model_class_would_take_for_its_own_are_parameters_like_others() -> None:
    def odd(copy: str, model_dump: int, _x: bool, json: str = "j") -> Any:
        return copy, model_dump, _x, json

    made = tool(odd)
    assert made.signature.called(odd, {"copy": "c", "model_dump": 1, "_x": True}, None)() == ("c", 1, True, "j")


def test_parameters_by_place_alone_are_given_by_place() -> None:
    def by_place(a: int, b: int = 5, /, c: int = 0) -> Any:
        return a, b, c

    assert tool(by_place).signature.called(by_place, {"a": 1, "c": 3}, None)() == (1, 5, 3)


def test_the_context_is_injected_and_the_model_never_hears_of_it() -> None:
    def look(context: ToolContext[str], x: int) -> Any:
        return context.deps, context.call.id, x

    made = tool(look)
    assert list(made.parameters["properties"]) == ["x"]

    async def tell(_: Any) -> None: ...

    context = ToolContext(Run(), ToolCall("look", {}, "7"), Messages(), "deps", tell)
    assert made.signature.called(look, {"x": 1}, context)() == ("deps", "7", 1)


class Shop:
    def __init__(self) -> None:
        self.sold = 0

    def sell(self, item: str) -> str:
        """Sell an item."""
        self.sold += 1
        return item

    def __call__(self, item: str) -> str:
        """Buy an item."""
        return item


def test_methods_and_callable_objects_are_tools() -> None:
    shop = Shop()
    assert list(tool(shop.sell).parameters["properties"]) == ["item"]
    assert tool(shop, name="buy").description == "Buy an item."


def test_a_chain_is_a_tool_of_one_text_or_of_its_own_type() -> None:
    loud = tool(step(str.upper), name="shout", description="Say it louder.")
    assert loud.parameters["required"] == ["input"]

    def cost(order: Order) -> int:
        return order.count

    assert list(tool(step(cost), name="cost", description="What it costs.").parameters["properties"]) == [
        "item",
        "count",
    ]
    with pytest.raises(CompositionError, match="needs a name and a description"):
        tool(step(str.upper))


def no_type(x) -> None: ...  # type: ignore[no-untyped-def]
def any_number(*x: int) -> None: ...
def any_names(**x: int) -> None: ...
def no_json(x: Run) -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [(no_type, "'x' .number 1. has no type"), (any_number, r"cannot fill \*x"), (any_names, r"cannot fill \*\*x"),
     (no_json, "cannot be asked for")],
)  # fmt: skip
def test_what_json_cannot_fill_is_refused_where_the_tool_is_made(function: Any, said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        tool(function)


@pytest.mark.parametrize("name", ["", "with space", "ümlaut", "x" * 65, "a.b"])
def test_a_name_that_vendors_refuse_is_refused_here(name: str) -> None:
    def act() -> None: ...

    act.__name__ = name or "<lambda>"
    with pytest.raises(CompositionError, match="is no name for a tool"):
        tool(act)


def test_a_model_is_offered_tools_as_they_are() -> None:
    (rendered,) = (prompt("x") | model("openai:gpt-4o-mini", tools=[forecast], api_key="k" * 8)).render({})
    assert rendered.body["tools"][0]["function"]["name"] == "forecast"


@pytest.mark.parametrize(
    ("value", "text"),
    [("as it is", "as it is"), (None, "done"), (3, "3"), ({"a": 1}, '{"a":1}'), (Place(1.0), '{"lat":1.0,"lon":0.0}'),
     (Order(item="x"), '{"item":"x","count":1}'), ([Mood.GOOD], '["good"]'), ({"run"}, '["run"]'), (object, "\"<class 'object'>\"")],
    ids=repr,
)  # fmt: skip
def test_what_a_tool_gives_reaches_the_model_as_text(value: Any, text: str) -> None:
    assert as_text(value) == text

"""Where two types can never meet it is said at `|`; wherever they might, nothing is said."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, NewType, Protocol, TypedDict, TypeVar

import pytest
from pydantic import BaseModel

from chainkit import Reply, Verdict, constant, ensemble, identity, parallel, prompt, race, sequence, step, vote
from chainkit.compose.meet import can_meet, common, hints_of, spelled
from chainkit.errors import CompositionError
from chainkit.messages import Message, Messages, Promptable
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


class Book(BaseModel):
    title: str


class Novel(Book):
    pages: int


class Film(BaseModel):
    title: str


@dataclass
class Point:
    x: int


class Ask(TypedDict):
    genre: str


class Named(TypedDict):
    genre: int


class Other(TypedDict):
    year: int


class Colour(enum.Enum):
    RED = "red"


class Says(Protocol):
    def say(self) -> str: ...


class Shape(ABC):
    @abstractmethod
    def area(self) -> float: ...


UserId = NewType("UserId", int)
T = TypeVar("T")

YES = [
    (str, str), (Any, int), (str, Any), (object, int), (int, object), (T, int), (str, T), (None, None),
    (bool, int), (int, float), (int, complex), (Novel, Book), (Book, Novel), (Shape, Book),
    (int | str, str), (str, int | str), (int | None, int), (Literal["a", "b"], str), (str, Literal["a"]),
    (Literal["a", "b"], Literal["b", "c"]), (Literal[1], int), (Literal["a"] | int, Literal["b"] | float),
    (Ask, dict), (Ask, dict[str, Any]), (Ask, Mapping[str, Any]), (dict[str, Any], Ask), (Ask, Other),
    (Says, int), (str, Says), (UserId, int), (int, UserId), (Annotated[str, "x"], str), (Annotated[int, 1], UserId),
    ("Later", str), (list[str], list[str]), (list, list[int]), (list[str], Sequence[str]), (list[str], Iterable[str]),
    (str, Sequence[str]), (str, Iterable), (tuple[int, str], tuple[int, str]), (tuple[int, ...], tuple[int, int]),
    (dict[str, int], Mapping[str, int]), (list[Any], list[int]), (Callable[[int], int], Callable), (Reply, str),
    (str, Promptable), (Message, Promptable), (Messages, Promptable), (list[Message], Promptable),
    (Verdict, Verdict[Any]), (Callable[[], int], int), (Iterable, list[int]), (type, object), (Colour, Colour),
]  # fmt: skip
NO = [
    (str, int), (int, str), (float, str), (bytes, str), (str, bytes), (None, str), (str, None), (Book, Film), (Book, str),
    (str, Book), (Point, Book), (Point, dict), (int | None, str), (str | bytes, int | float),
    (Literal["a"], Literal["b"]), (Literal["a"], int), (int, Literal["a"]), (Literal[1, 2], str),
    (Ask, Named), (Ask, str), (str, Ask), (Ask, list), (str, dict), (str, Mapping[str, Any]), (str, dict[str, Any]),
    (UserId, str), (Annotated[str, "x"], int), (list[str], list[int]), (list[int], str), (list, dict), (str, list[str]),
    (dict[str, int], dict[str, str]), (tuple[int, str], tuple[int, int]), (tuple[int], tuple[int, int]),
    (tuple[str, ...], tuple[int, int]), (Reply, Promptable), (Reply, int), (Verdict, str), (Verdict, Promptable),
    (dict, Promptable), (int, Promptable), (Book, Promptable), (Colour, str), (Colour, int), (date, str), (float, int),
    (list[str], Sequence[int]), (set[int], list[int]), (list[list[str]], list[list[int]]),
    (Reply, str | None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), YES, ids=str)
def test_types_that_may_meet_stay_silent(given: Any, wanted: Any) -> None:
    assert can_meet(given, wanted)


@pytest.mark.parametrize(("given", "wanted"), NO, ids=str)
def test_types_that_can_never_meet_do_not(given: Any, wanted: Any) -> None:
    assert not can_meet(given, wanted)


def unresolvable(text: NotThere) -> NorThis:  # noqa: F821
    return text


def count(text: str) -> int:
    return len(text)


def shown(number: int) -> str:
    return str(number)


async def later(text: str) -> int:
    return len(text)


def test_hints_that_cannot_be_resolved_stay_silent() -> None:
    assert hints_of(unresolvable) == (Any, Any)
    step(count) | unresolvable | count  # nothing is said


def test_the_hints_of_functions_callables_and_classes_are_read() -> None:
    class Call:
        def __call__(self, text: str) -> int:
            return len(text)

    assert hints_of(count) == (str, int)
    assert hints_of(later) == (str, int)
    assert hints_of(Call()) == (str, int)
    assert hints_of(Point) == (Any, Point)
    assert hints_of(len)[1] in (Any, int)
    assert hints_of(lambda x: x) == (Any, Any)


def test_what_several_receivers_have_in_common() -> None:
    assert common([Any, str, object]) is str
    assert common([str, Promptable]) is str
    assert common([str, int]) is None
    assert common([]) is Any


@pytest.mark.parametrize(
    ("kind", "words"),
    [(None, "None"), (str, "str"), (str | None, "str | None"), (dict[str, Any], "dict[str, Any]"),
     (Literal["a"], "Literal['a']"), (Promptable, "str | Message | Sequence[Message]"), (list[int], "list[int]")],
)  # fmt: skip
def test_a_type_is_spelled_as_a_reader_writes_it(kind: Any, words: str) -> None:
    assert spelled(kind) == words


JOINS = {
    "functions": (lambda: step(count) | count, ["`count`", "gives int", "takes str", "a step between them"]),
    "an async function": (lambda: step(later) | count, ["`later` gives int", "`count` takes str"]),
    "a model and a model": (lambda: m("a", name="x") | m("b", name="y"), ["model scripted:x", "model scripted:y",
        "Reply", "Message", "`.text`"]),
    "a model and a number": (lambda: m("a") | shown, ["Reply", "`shown` takes int", "`.text`"]),
    "an ensemble and a prompt": (lambda: ensemble(m("a"), combine=vote()) | prompt("{{ x }}", x=str),
        ["`vote` gives Verdict", "`.answer`"]),
    "an ensemble and a model": (lambda: race(m("a")) | m("b"), ["`race` gives Verdict", "`.answer`"]),
    "text and a prompt of many": (lambda: step(shown) | prompt("{{ a }} {{ b }}", a=str, b=str), ["`shown` gives str",
        "`prompt`"]),
    "a view and a mapping": (lambda: m("a").text | prompt("{{ a }} {{ b }}", a=str, b=str), ["`.text` gives str"]),
    "text and a mapping": (lambda: constant("x") | prompt("{{ a }} {{ b }}", a=str, b=str), ["`constant` gives str"]),
    "a tail within a sequence": (lambda: (identity() | shown) | shown, ["`shown` gives str", "takes int"]),
    "a nested end": (lambda: step(count) | (step(count) | shown), ["`count` gives int", "`count` takes str"]),
    "a string without a colon": (lambda: step(shown) | "say it", ["'provider:name'", "prompt('say it')", "constant('say it')"]),
    "a number": (lambda: step(shown) | 7, ["int cannot stand in a chain", "7"]),
    "a mapping at the head": (lambda: {"a": count} | step(shown), ["gives dict[str, Any]", "`shown` takes int"]),
    "by method": (lambda: step(count).then(count), ["gives int", "takes str"]),
    "by sequence()": (lambda: sequence(count, count), ["gives int", "takes str"]),
    "branches without a common input": (lambda: parallel(a=count, b=shown), ["no value can be the input of all",
        "`count` takes str", "`shown` takes int"]),
    "members without a common input": (lambda: ensemble(step(count), step(shown), combine=vote()),
        ["no value can be the input of all members", "`count` takes str"]),
    "a string model fed a number": (lambda: step(count) | {"a": m("x")}, ["`count` gives int"]),
    "a function of two": (lambda: step(lambda a, b: a), ["cannot be called with one value", "lambda x: f(**x)"]),
}  # fmt: skip


@pytest.mark.parametrize("case", JOINS)
def test_chains_that_cannot_be_joined_say_so_at_the_join_with_both_ends_and_the_cure(case: str) -> None:
    make, words = JOINS[case]
    with pytest.raises(CompositionError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)
    assert caught.value.cure

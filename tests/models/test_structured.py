"""Values from a model: every kind of type in every mode, asking again, refusals, answers that were cut."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import pytest
from pydantic import BaseModel

from chainkit import Reply, Run, model
from chainkit.errors import BadRequest, CompositionError, OutputError, RateLimited, ServerError
from chainkit.messages import Text
from chainkit.models.profile import Profile
from chainkit.models.request import ToolSpec
from chainkit.run.events import Completed, PartialOutput, Restarted
from chainkit.testing.clock import ScriptedIo
from chainkit.testing.scripted import ScriptedModel


class Book(BaseModel):
    title: str
    pages: int = 0


@dataclass
class Point:
    x: int
    y: int


class Ask(TypedDict):
    genre: str


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


OUTPUTS: dict[str, tuple[Any, Any, Any]] = {
    "pydantic": (Book, {"title": "T", "pages": 3}, Book(title="T", pages=3)),
    "dataclass": (Point, {"x": 1, "y": 2}, Point(1, 2)),
    "TypedDict": (Ask, {"genre": "noir"}, {"genre": "noir"}),
    "Literal": (Literal["yes", "no"], "yes", "yes"),
    "enum": (Colour, "red", Colour.RED),
    "list": (list[int], [1, 2], [1, 2]),
    "list of models": (list[Book], [{"title": "T", "pages": 1}], [Book(title="T", pages=1)]),
    "int": (int, 42, 42),
    "float": (float, 1.5, 1.5),
    "bool": (bool, True, True),
    "union": (int | list[str], ["a"], ["a"]),
    "optional": (Book | None, None, None),
    "schema": ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 1}, {"a": 1}),
}
MODES = ("native", "tool", "grammar", "json", "prompt")


def profile(mode: str) -> Profile:
    return Profile("scripted", "model", output=(mode,), local=True)


def told(output: Any, mode: str, said: Any) -> str:
    """The text that a model asked in that mode would write for the data `said`."""
    from chainkit.models.structured import Asked

    way, _ = Asked(output).way(profile(mode), tools=False)
    if way.bare:
        return said if isinstance(said, str) else json.dumps(said)
    wanted = way.shape.json_schema
    names = list(wanted.get("properties", {}))
    whole = isinstance(said, dict) and set(said) <= set(names)
    return json.dumps(said if whole else {names[0]: said})


def scripted(answers: Any, output: Any, mode: str = "prompt", **rules: Any) -> Any:
    return ScriptedModel(answers, output=None, profile=profile(mode), **rules).asking(output)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", OUTPUTS)
def test_every_kind_of_type_comes_back_in_every_mode_streamed_or_not(kind: str, mode: str) -> None:
    output, said, value = OUTPUTS[kind]
    stand_in = ScriptedModel(told(output, mode, said), profile=profile(mode))
    chain = model("openai:x", output=output)
    run = Run(models={"*": stand_in})
    assert chain.invoke("hi", run=run) == value
    with chain.stream("hi", run=Run(models={"*": stand_in})) as stream:
        list(stream)
    assert stream.value == value
    events = list(chain.events("hi", run=Run(models={"*": stand_in})))
    assert isinstance(events[-1], Completed)
    assert events[-1].value == value
    assert {s.output.mode for s in stand_in.seen} == {mode}


def test_partial_values_grow_and_the_last_one_is_whole() -> None:
    chain = scripted('{"title": "The long one", "pages": 12}', Book)
    seen = [e.data for e in chain.events("x") if isinstance(e, PartialOutput)]
    assert seen[-1] == {"title": "The long one", "pages": 12}
    assert any(d != seen[-1] for d in seen)


# Asking again.


def ask(chain: Any, value: Any = "hi") -> tuple[Any, Run]:
    io = ScriptedIo()
    run = Run(io=io, keep=True)
    try:
        return chain.invoke(value, run=run), run
    finally:
        io.close()


def test_asking_again_shows_the_model_its_answer_and_what_was_wrong() -> None:
    chain = scripted(["six", "6"], int)
    assert ask(chain)[0] == 6
    again = chain.seen[1].messages
    assert again[-2].role == "assistant"
    assert again[-2].text == "six"
    assert again[-1].role == "user"


FAULTS: list[tuple[list[Any], list[str], int, Any]] = [
    ([None, None, None], ["x", "y", "3"], 3, 3),
    ([ServerError("s"), None, None], ["", "x", "3"], 3, 3),
    ([None, RateLimited("r"), None], ["x", "", "3"], 3, 3),
    ([ServerError("s"), ServerError("s"), None], ["", "", "3"], 3, 3),
    ([None, None, None], ["x", "y", "z"], 3, OutputError),
    ([ServerError("s"), None, ServerError("s")], ["", "x", ""], 3, ServerError),
    ([ServerError("s"), ServerError("s"), None], ["", "", "x"], 3, OutputError),
    ([None, BadRequest("b")], ["x", ""], 2, BadRequest),
]


@pytest.mark.parametrize(("faults", "answers", "calls", "ends"), FAULTS)
def test_transient_errors_and_asking_again_draw_on_one_number_of_attempts(
    faults: Any, answers: Any, calls: int, ends: Any
) -> None:
    chain = ScriptedModel(answers, fail=faults, output=int, profile=profile("prompt"))
    io = ScriptedIo()
    run = Run(io=io, keep=True)
    try:
        if isinstance(ends, int):
            assert chain.invoke("x", run=run) == ends
        else:
            with pytest.raises(ends) as caught:
                chain.invoke("x", run=run)
            assert len(caught.value.attempts) == calls
    finally:
        io.close()
    assert len(run.rows) == calls


def test_the_attempts_on_the_error_hold_each_raw_text() -> None:
    with pytest.raises(OutputError) as caught:
        ask(scripted(["one", "two", "three"], int))
    assert [a.text for a in caught.value.attempts] == ["one", "two", "three"]
    assert "attempts: 3" in str(caught.value)
    assert caught.value.path == "model scripted:model"
    assert caught.value.spent


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_attempts_are_what_the_model_was_given(attempts: int) -> None:
    chain = ScriptedModel("no", output=int, attempts=attempts, profile=profile("prompt"))
    with pytest.raises(OutputError):
        ask(chain)
    assert len(chain.seen) == attempts


def test_an_outer_retry_sets_the_number_and_does_not_multiply_it() -> None:
    chain = ScriptedModel("no", output=int, profile=profile("prompt"))
    with pytest.raises(OutputError):
        ask(chain.retry(4))
    assert len(chain.seen) == 4


def test_an_answer_taken_back_is_told_as_a_restart() -> None:
    chain = scripted(['{"title": 7, "pages": "x"}', '{"title": "T"}'], Book)
    events = list(chain.events("x"))
    assert sum(isinstance(e, Restarted) for e in events) == 1
    assert events[-1].value == Book(title="T")


# Refused, cut, tools.


def test_a_refusal_is_not_asked_again() -> None:
    chain = scripted(Reply((), refusal="I will not"), int)
    with pytest.raises(OutputError, match="the model refused: I will not"):
        ask(chain)
    assert len(chain.seen) == 1


def test_an_answer_cut_by_its_length_says_so_and_what_to_allow() -> None:
    chain = scripted(Reply((Text('{"title": "lo'),), finish_reason="length"), Book)
    with pytest.raises(OutputError, match="cut at max_tokens") as caught:
        ask(chain)
    assert "max_tokens=" in caught.value.cure
    assert all("cut at max_tokens" in a.error for a in caught.value.attempts)


def test_a_whole_value_in_a_cut_answer_is_taken() -> None:
    chain = scripted(Reply((Text('{"title": "T"}'),), finish_reason="length"), Book)
    assert ask(chain)[0] == Book(title="T")


def test_beside_tools_a_model_is_not_forced_to_call_one() -> None:
    tool = ToolSpec("look", "Looks.", {"type": "object", "properties": {}})
    stand_in = ScriptedModel("3", profile=Profile("s", "m", output=("tool", "prompt"), local=True))
    assert model("openai:x", output=int, tools=[tool]).invoke("x", run=Run(models={"*": stand_in})) == 3
    assert stand_in.seen[0].output.mode == "prompt"


def test_a_model_without_a_way_to_give_a_value_says_so_before_sending() -> None:
    stand_in = ScriptedModel("3", profile=Profile("s", "m", output=(), local=True))
    with pytest.raises(CompositionError, match="cannot be asked for"):
        model("openai:x", output=int).invoke("x", run=Run(models={"*": stand_in}))
    assert stand_in.seen == []


@pytest.mark.parametrize("output", [3, "Book", [int], (int, str), object()])
def test_what_is_no_type_is_refused_when_the_model_is_made(output: Any) -> None:
    with pytest.raises(CompositionError, match="cannot be asked for"):
        model("openai:x", output=output)

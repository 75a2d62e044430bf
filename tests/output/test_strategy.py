"""Which way a model is asked: by what it can do, and by what its dialect can say."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from chainkit.errors import CompositionError
from chainkit.messages import Messages, message
from chainkit.output import STRICT, choose, shape_of

from .output_types import Book, Color, Node

ALL = ("native", "tool", "grammar", "json", "prompt")


def test_the_first_way_of_the_profile_is_taken() -> None:
    assert choose(shape_of(Book), ALL).mode == "native"
    assert choose(shape_of(Book), ("tool", "native")).mode == "tool"
    assert choose(shape_of(Book), frozenset({"prompt", "grammar"})).mode == "grammar"
    assert choose(shape_of(Book), ("prompt",)).mode == "prompt"


def test_a_type_that_the_native_dialect_cannot_say_is_asked_for_in_the_next_way() -> None:
    assert choose(shape_of(dict[str, int]), ALL).mode == "tool"
    assert choose(shape_of(dict[str, int]), ALL, dialect="tool").mode == "native"
    assert choose(shape_of(Node), ALL).mode == "native"
    assert choose(shape_of(Node), ALL, dialect=replace(STRICT, inline=True)).mode == "tool"


def test_beside_tools_no_way_is_taken_that_would_keep_the_model_from_calling_them() -> None:
    assert choose(shape_of(Book), ("tool", "grammar", "prompt"), tools=True).mode == "prompt"
    assert choose(shape_of(Book), ALL, tools=True).mode == "native"


def test_plain_text_needs_no_way_at_all() -> None:
    way = choose(shape_of(str), ALL)

    assert (way.mode, way.instruction, way.bare) == ("prompt", None, True)
    assert choose(shape_of(Annotated[str, Field(max_length=9)]), ALL).mode == "native"


def test_one_way_can_be_insisted_on() -> None:
    assert choose(shape_of(Book), ALL, mode="prompt").mode == "prompt"
    assert choose(shape_of(str), ALL, mode="native").schema["properties"] == {"value": {"type": "string"}}


@pytest.mark.parametrize(
    ("output", "can", "options", "said"),
    [
        (Book, ("prompt",), {"mode": "native"}, "cannot answer in the mode 'native'\n  try: its modes: prompt"),
        (Book, ALL, {"mode": "natve"}, "no output mode 'natve'\n  try: did you mean 'native'?"),
        (Book, ALL, {"dialect": "strikt"}, "'strikt'\n  try: did you mean 'strict'?"),
        (dict[str, int], ("native",), {}, "asked for dict_str_int:\n  native: the root: an object of any keys"),
        (Book, ("tool",), {"tools": True}, "tool: the model could not call the tools it is offered"),
        (Book, (), {}, "it has no way to give one"),
    ],
)
def test_where_no_way_is_left_the_error_says_why(output: Any, can: Any, options: Any, said: str) -> None:
    with pytest.raises(CompositionError) as caught:
        choose(shape_of(output), can, **options)

    assert said in str(caught.value)


def test_each_way_holds_what_the_request_needs() -> None:
    native, tool, grammar, as_json, prompt = (choose(shape_of(list[Book]), (mode,)) for mode in ALL)

    assert native.name == tool.name == "list_Book"
    assert native.schema["properties"]["value"]["type"] == "array"
    assert native.schema["$defs"]["Book"]["required"] == ["title", "year", "authors"]
    assert native.instruction is None
    assert tool.schema == shape_of(list[Book]).json_schema
    assert tool.description == "Give the answer as list_Book."
    assert choose(shape_of(Book), ("tool",)).description == "A book, as a library knows it."
    assert grammar.instruction is not None
    assert '"value"' in grammar.instruction
    assert as_json.instruction is not None
    assert '"value"' in as_json.instruction
    assert prompt.bare
    assert '"value"' not in (prompt.instruction or "")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (Literal["yes", "no"], "Answer with one of these, and nothing else: yes, no"),
        (Color, "Answer with one of these, and nothing else: red, blue"),
        (int, "Answer with one whole number only."),
        (bool, "Answer with true or false only."),
        (list[int], 'match this JSON schema:\n{"items":{"type":"integer"},"type":"array"}'),
        (Annotated[str, Field(max_length=9)], "Answer with text only, and nothing else. It must match"),
    ],
)
def test_a_prompt_asks_in_the_fewest_words(output: Any, words: str) -> None:
    assert words in (choose(shape_of(output), ("prompt",)).instruction or "")


def test_the_instruction_stands_at_the_end_of_what_the_user_said() -> None:
    asked = Messages((message("system", "Be brief."), message("user", "Is it good?")))
    way = choose(shape_of(bool), ("prompt",))
    told = way.instructed(asked)

    assert told[-1].text == "Is it good?\n\nAnswer with true or false only."
    assert told[:-1] == asked[:-1]
    assert asked[-1].text == "Is it good?"


def test_after_another_turn_the_instruction_is_a_turn_of_its_own() -> None:
    way = choose(shape_of(bool), ("prompt",))

    assert way.instructed([message("assistant", "Hm.")])[-1] == message("user", "Answer with true or false only.")
    assert choose(shape_of(Book), ALL).instructed([message("user", "x")]) == (message("user", "x"),)

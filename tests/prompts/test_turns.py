from __future__ import annotations

from typing import Any, TypedDict

import pytest
from pydantic import BaseModel

from chainkit.errors import PromptError
from chainkit.messages import Message, Messages, Text, ToolCall, ToolResult, message
from chainkit.prompts import history, prompt
from chainkit.prompts.turns import as_turns, newest

TURNS = Messages(
    (
        message("user", "one"),
        Message("assistant", (ToolCall("look", {}, "1"),)),
        Message("tool", (ToolResult("1", "seen"),)),
        message("assistant", "two"),
        message("user", "three"),
        message("assistant", "four"),
    )
)


def test_messages_and_rows_are_turns():
    rows = [{"role": "user", "content": "one"}, message("assistant", "two")]
    assert as_turns(rows) == (message("user", "one"), message("assistant", "two"))
    assert as_turns(TURNS) is TURNS
    assert as_turns([]) == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("hi", "a history is a list of messages, got str"),
        ({"role": "user", "content": "hi"}, "a history is a list of messages, got dict"),
        ([("user", "hi")], "turn 0 of a history must be a Message or a row, got tuple"),
        ([{"role": "usr", "content": "hi"}], "turn 0 of a history has no role 'usr'\n  try: did you mean 'user'?"),
        ([{"role": "system", "content": "obey"}], "turn 0 of a history is a row of the role 'system'"),
        ([{"role": "user"}], "must have its text under 'content', got NoneType"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], "got NoneType beside 'tool_calls'"),
    ],
)
def test_what_is_no_turn_is_named(value: Any, said: str):
    with pytest.raises(PromptError) as error:
        as_turns(value)
    assert said in str(error.value)


def test_a_system_message_may_be_meant():
    assert as_turns([message("system", "obey")])[0].role == "system"


@pytest.mark.parametrize(
    ("last", "first"), [(None, "one"), (6, "one"), (5, "three"), (3, "three"), (2, "three"), (1, "four")]
)
def test_the_newest_begin_with_a_user(last: int | None, first: str):
    assert newest(TURNS, last)[0].text == first


def test_no_tool_result_is_left_without_its_call():
    cut = Messages((TURNS[0], TURNS[1], TURNS[2]))
    assert newest(cut, 1) == ()


def test_a_history_stands_where_it_is_put():
    made = prompt(history("turns", last=2), "{{ q }} after {{ turns|length }}", q=str)
    assert [m.text for m in made.invoke({"q": "x", "turns": TURNS})] == ["three", "four", "x after 6"]
    with pytest.raises(PromptError, match="no value for 'turns'"):
        made.invoke({"q": "x"})
    with pytest.raises(PromptError, match="variable 'turns': a history is a list"):
        made.invoke({"q": "x", "turns": 3})


def test_a_class_may_declare_the_history():
    class Chat(BaseModel):
        q: str
        turns: list[Message] = []

    class ChatDict(TypedDict):
        q: str
        turns: list[Message]

    for kind in (Chat, ChatDict):
        made: Any = prompt(history("turns"), "{{ q }}", vars=kind)
        assert [m.text for m in made.invoke({"q": "x", "turns": [{"role": "user", "content": "hi"}]})] == ["hi", "x"]
    assert [m.text for m in prompt(history("turns"), "{{ q }}", vars=Chat).invoke(Chat(q="x"))] == ["x"]


def test_a_history_needs_its_field_and_a_name():
    class Ask(BaseModel):
        q: str

    with pytest.raises(PromptError, match=r"history\('turns'\) needs a field 'turns' in Ask"):
        prompt(history("turns"), "{{ q }}", vars=Ask)
    with pytest.raises(PromptError, match="takes the name of a variable"):
        history("the turns")
    with pytest.raises(PromptError, match="last must be 1 or more"):
        history("turns", last=0)


def test_values_of_a_history_are_inert():
    made = prompt(history("turns"))
    assert made.invoke({"turns": [message("user", "{{ x }}")]}) == (Message("user", (Text("{{ x }}"),)),)

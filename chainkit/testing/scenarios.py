"""Scenarios of the conformance suite where all goes well: text, turns, usage, tools, values.

Each is a function named as a sentence would begin; the name is all its documentation.
"""
# ruff: noqa: D103

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal, TypedDict

from chainkit.messages import Message, Messages, Text, ToolCall, ToolResult, message
from chainkit.models.request import ToolSpec
from chainkit.run.run import Run
from chainkit.testing import faults
from chainkit.testing.faults import Behaviour, Seen
from chainkit.testing.talking import STREAMS, TEXT, Talk, scenario, told_to
from chainkit.testing.wire_bodies import Finish
from chainkit.usage import Usage

# What is asked and answered.


@scenario()
def text(talk: Talk) -> None:
    with talk.serving(faults.answer(TEXT), seed=5) as server:
        reply = talk.ask(talk.model(server), "What's on in Köln? 🎭")
        assert reply.text == TEXT
        assert reply.finish_reason == "stop"
        (seen,) = server.requests
        assert "What's on in Köln? 🎭" in told_to(seen)
        assert seen.streamed == (talk.mode in STREAMS)


@scenario()
def system_and_turns_in_their_order(talk: Talk) -> None:
    turns = [("system", "be brief"), ("user", "first"), ("assistant", "second"), ("user", "third")]
    with talk.serving() as server:
        talk.ask(talk.model(server), Messages(message(role, said) for role, said in turns))  # type: ignore[arg-type]
        told = told_to(server.requests[0])
        places = [told.index(f'"{said}"') for _, said in turns[1:]]
        assert places == sorted(places)
        assert '"be brief"' in told


@scenario()
def an_empty_answer(talk: Talk) -> None:
    with talk.serving(faults.answer("")) as server:
        reply = talk.ask(talk.model(server))
        assert (reply.text, reply.tool_calls, reply.finish_reason) == ("", (), "stop")


@scenario()
def usage(talk: Talk) -> None:
    counts = Usage(input=120, output=34, cached=20)
    with talk.serving(faults.answer(usage=counts)) as server:
        run = Run()
        reply = talk.ask(talk.model(server), run=run)
        for told in (reply.usage, run.usage):
            assert (told.input, told.output, told.cached) == (120, 34, 20)


@scenario()
def no_usage_is_unknown_and_not_zero(talk: Talk) -> None:
    with talk.serving(faults.answer(usage=None)) as server:
        told = talk.ask(talk.model(server)).usage
        assert (told.input, told.output) == (None, None)


@scenario()
def stop_reasons(talk: Talk) -> None:
    allowed: dict[Finish, set[str]] = {"length": {"length"}, "content_filter": {"content_filter", "refusal"}}
    for told, ours in allowed.items():
        with talk.serving(faults.answer("half an", finish=told)) as server:
            reply = talk.ask(talk.model(server))
            assert reply.finish_reason in ours, reply.finish_reason
            assert reply.text == "half an"


# Tools.

_LOOK = ToolSpec("look_up", "Look a word up.", {"type": "object", "properties": {"word": {"type": "string"}}})
_NOW = ToolSpec("now", "The time.", {"type": "object", "properties": {}})


@scenario(tools=True)
def tools_are_offered_and_need_not_be_used(talk: Talk) -> None:
    with talk.serving(faults.answer("no need")) as server:
        reply = talk.ask(talk.model(server, tools=[_LOOK, _NOW]))
        assert (reply.text, reply.tool_calls) == ("no need", ())
        told = told_to(server.requests[0])
        assert all(word in told for word in ("look_up", "Look a word up.", "now"))


def _called(talk: Talk, *calls: ToolCall) -> None:
    with talk.serving(faults.answer("", calls=calls), seed=9) as server:
        reply = talk.ask(talk.model(server, tools=[_LOOK, _NOW]))
        found = [(c.name, dict(c.arguments), c.id) for c in reply.tool_calls]
        assert found == [(c.name, dict(c.arguments), c.id) for c in calls]
        assert reply.finish_reason == "tool_calls"


@scenario(tools=True)
def a_tool_call(talk: Talk) -> None:
    _called(talk, ToolCall("look_up", {"word": "a"}, "id_1"))


@scenario(tools=True)
def a_tool_call_without_arguments(talk: Talk) -> None:
    _called(talk, ToolCall("now", {}, "id_3"))


@scenario(tools=True)
def a_tool_call_in_any_script(talk: Talk) -> None:
    _called(talk, ToolCall("look_up", {"word": 'Straße 🚗 "世界" \\ \n'}, "id_1"))


@scenario(tools=True)
def several_tool_calls_at_once(talk: Talk) -> None:
    look, other = ToolCall("look_up", {"word": "a"}, "id_1"), ToolCall("look_up", {"word": "b"}, "id_2")
    _called(talk, look, other, ToolCall("now", {}, "id_3"))


@scenario(tools=True)
def text_before_a_tool_call(talk: Talk) -> None:
    with talk.serving(faults.answer("let me see", calls=[ToolCall("now", {}, "id_1")])) as server:
        reply = talk.ask(talk.model(server, tools=[_NOW]))
        assert (reply.text, [c.name for c in reply.tool_calls]) == ("let me see", ["now"])


@scenario(tools=True)
def a_tools_result_goes_back(talk: Talk) -> None:
    call = ToolCall("look_up", {"word": "x"}, "id_77")
    turns = Messages(
        (
            message("user", "look x up"),
            Message("assistant", (Text("looking"), call)),
            Message("tool", (ToolResult("id_77", "x means ü", "look_up"),)),
        )
    )
    with talk.serving() as server:
        talk.ask(talk.model(server, tools=[_LOOK]), turns)
        told = told_to(server.requests[0])
        assert told.count("id_77") >= 2
        assert "x means ü" in told


# Values.


_WRAPPED = re.compile(r'\\?"value\\?"')


class City(TypedDict):
    """A town."""

    name: str
    size: int


def _fitting(value: Any) -> Callable[[Seen], Behaviour]:
    """Answers as it was asked: by the tool that had to be called, else as JSON text.

    What is no object is asked for inside of one, as `{"value": ...}`, or bare where a prompt asks.
    """

    def turn(seen: Seen) -> Behaviour:
        wrapped = type(value).__name__ != "dict" and _WRAPPED.search(told_to(seen))
        said: Any = {"value": value} if wrapped else value
        offered: list[dict[str, Any]] = seen.json.get("tools") or []
        if offered:
            tool: dict[str, Any] = offered[0].get("function") or offered[0]
            return faults.answer("", calls=[ToolCall(tool["name"], said, "id_1")])
        return faults.answer(json.dumps(said, ensure_ascii=False))

    return turn


@scenario()
def values_of_any_type(talk: Talk) -> None:
    values: list[tuple[Any, Any]] = [
        (City, {"name": "Köln", "size": 3}),
        (Literal["yes", "no"], "no"),
        (list[int], [1, 2]),
        (float, 2.5),
    ]
    for output, value in values:
        with talk.serving(_fitting(value)) as server:
            assert talk.ask(talk.model(server, output=output)) == value


@scenario()
def a_value_that_does_not_fit_is_asked_for_again(talk: Talk) -> None:
    good = {"name": "Köln", "size": 3}
    with talk.serving(_fitting({"name": "Köln", "size": "many"}), _fitting(good)) as server:
        assert talk.ask(talk.model(server, output=City)) == good
        assert len(server.requests) == 2

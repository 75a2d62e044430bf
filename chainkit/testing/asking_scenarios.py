"""Scenarios of the conformance suite about what is asked: pictures, options, thinking, results - and that all modes agree."""
# ruff: noqa: D103

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chainkit.errors import ChainkitError
from chainkit.messages import Media, Message, Messages, Text, Thinking, ToolCall, ToolResult, message
from chainkit.models.request import ToolSpec
from chainkit.testing import faults
from chainkit.testing.talking import MODES, STREAMS, TEXT, Talk, scenario, told_to
from chainkit.testing.wire_bodies import Said

if TYPE_CHECKING:
    from chainkit.models.reply import Reply
    from chainkit.testing.server import FaultServer

_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""
_LOOK = ToolSpec("look_up", "Look a word up.", {"type": "object", "properties": {"word": {"type": "string"}}})


@scenario()
def a_picture_is_sent_or_refused_before_sending(talk: Talk) -> None:
    turn = Messages((Message("user", (Text("what is it?"), Media("image", "image/png", _DOT))),))
    with talk.serving() as server:
        try:
            talk.ask(talk.model(server), turn)
        except ChainkitError:
            assert server.requests == []
            return
        assert base64.b64encode(_DOT).decode()[:40] in told_to(server.requests[0])


_SAMPLES: dict[str, Any] = {
    "temperature": 0.25,
    "top_p": 0.75,
    "top_k": 7,
    "min_p": 0.05,
    "max_tokens": 77,
    "stop": ("END",),
    "seed": 5,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "repeat_penalty": 1.5,
    "logit_bias": {"5": 1.0},
    "logprobs": 2,
    "n": 2,
    "reasoning": "high",
    "reasoning_tokens": 2048,
    "verbosity": "low",
    "service_tier": "flex",
    "prompt_cache": "long",
    "prompt_cache_key": "k",
    "parallel_tools": False,
    "tool_choice": "required",
    "user": "ada",
    "grammar": 'root ::= "a"',
    "extra": {"a_field_of_nobody": 1},
}
"""A value of each option that is nobody's default."""
_OF_TOOLS = ("parallel_tools", "tool_choice")


@scenario("invoke")
def no_option_vanishes(talk: Talk) -> None:
    with talk.serving() as server:
        plain = _rendered(talk, server)
        for name, value in _SAMPLES.items():
            if name in _OF_TOOLS:
                continue
            asked = _rendered(talk, server, **{name: value})
            assert asked != plain, f"{name}={value!r} is neither refused nor sent"
        assert server.requests == []


@scenario("invoke", tools=True)
def no_option_of_tools_vanishes(talk: Talk) -> None:
    with talk.serving() as server:
        plain = _rendered(talk, server, tools=[_LOOK])
        for name in _OF_TOOLS:
            asked = _rendered(talk, server, tools=[_LOOK], **{name: _SAMPLES[name]})
            assert asked != plain, f"{name}={_SAMPLES[name]!r} is neither refused nor sent"


def _rendered(talk: Talk, server: FaultServer, **options: Any) -> Any:
    """What would be sent; None where it is refused, with the name of what was refused."""
    try:
        shown = talk.model(server, **options).render("hi")[0]
    except ChainkitError as error:
        name = list(options)[-1]
        if name not in str(error):
            raise AssertionError(f"{name} is refused with no word of it: {error}") from error
        return None
    return shown.body, shown.url, dict(shown.headers)


@scenario("invoke", "stream")
def what_is_shown_before_is_what_is_sent(talk: Talk) -> None:
    with talk.serving() as server:
        chain = talk.model(server, max_tokens=50)
        (shown,) = chain.render("hi")
        assert server.requests == []
        if talk.mode == "invoke":
            talk.ask(chain)
            assert shown.body == server.requests[0].json
            assert shown.url.endswith(server.requests[0].path)


# Thinking.


@scenario()
def thinking_is_kept_apart_from_the_text(talk: Talk) -> None:
    said = Said(TEXT, thinking="Let me think: ü first.")
    with talk.serving(faults.saying(said)) as server:
        reply = talk.ask(talk.model(server))
        assert (reply.text, reply.thinking) == (TEXT, "Let me think: ü first.")


@scenario("invoke")
def thinking_of_another_vendor_is_left_out_and_said_so(talk: Talk) -> None:
    thought = Thinking("hm, a stranger", "a-strangers-signature", "a-stranger")
    turns = (message("user", "hi"), Message("assistant", (thought, Text("so"))), message("user", "and?"))
    with talk.serving() as server:
        reply = talk.ask(talk.model(server), Messages(turns))
        assert "a-strangers-signature" not in told_to(server.requests[0])
        assert '"so"' in told_to(server.requests[0])
        assert reply.warnings or "hm, a stranger" in told_to(server.requests[0])


@scenario("invoke", tools=True)
def an_answer_goes_back_as_it_came(talk: Talk) -> None:
    said = Said("I look.", (ToolCall("look_up", {"word": "ü"}, "id_5"),), thinking="Let me think.")
    with talk.serving(faults.saying(said), "done") as server:
        chain = talk.model(server, tools=[_LOOK])
        reply = talk.ask(chain, "look ü up")
        turns = Messages(
            (message("user", "look ü up"), reply.message, Message("tool", (ToolResult("id_5", "a letter"),)))
        )
        assert talk.ask(chain, turns).text == "done"
        told = told_to(server.requests[1])
        assert all(word in told for word in ("I look.", "look_up", "a letter"))


# Tools.


@scenario(tools=True)
def a_tools_error_goes_back(talk: Talk) -> None:
    call = ToolCall("look_up", {"word": "x"}, "id_1")
    result = ToolResult("id_1", "there is no such word", "look_up", failed=True)
    turns = (message("user", "look x up"), Message("assistant", (call,)), Message("tool", (result,)))
    with talk.serving() as server:
        talk.ask(talk.model(server, tools=[_LOOK]), Messages(turns))
        assert "there is no such word" in told_to(server.requests[0])


@scenario(tools=True)
def results_of_several_tools_go_back_in_their_order(talk: Talk) -> None:
    words = ("eins", "zwei", "drei")
    calls = [ToolCall("look_up", {"word": w}, f"id_{w}") for w in words]
    results = [ToolResult(f"id_{w}", f"{w}!", "look_up") for w in words]
    turns = (message("user", "count"), Message("assistant", tuple(calls)), Message("tool", tuple(results)))
    with talk.serving() as server:
        talk.ask(talk.model(server, tools=[_LOOK]), Messages(turns))
        told = told_to(server.requests[0])
        places = [told.index(f"{w}!") for w in words]
        assert places == sorted(places)


@scenario(*STREAMS, tools=True)
def arguments_that_are_no_json_are_kept_as_they_came(talk: Talk) -> None:
    broken = ToolCall("look_up", {}, "id_1", '{"word": "cut o')
    with talk.serving(faults.answer("", calls=[broken], finish="length")) as server:
        (call,) = talk.ask(talk.model(server, tools=[_LOOK])).tool_calls
        assert (call.name, call.raw) == ("look_up", broken.raw)


# Answers.


@scenario()
def a_long_answer_comes_whole(talk: Talk) -> None:
    text = " ".join(f"wörd-{i}" for i in range(500))
    with talk.serving(faults.answer(text), seed=2) as server:
        assert talk.ask(talk.model(server)).text == text


@scenario()
def what_the_headers_of_an_answer_say_is_kept(talk: Talk) -> None:
    def with_header(seen: faults.Seen) -> faults.Told:
        told = faults.answer("ok")(seen)
        return replace(told, headers={**told.headers, "x-ratelimit-remaining-requests": "7"})

    with talk.serving(with_header) as server:
        assert talk.ask(talk.model(server)).headers["x-ratelimit-remaining-requests"] == "7"


@scenario("invoke", tools=True)
def all_modes_agree(talk: Talk) -> None:
    calls = (ToolCall("look_up", {"word": "Straße 🚗"}, "id_1"), ToolCall("look_up", {"word": "b"}, "id_2"))
    for said in (Said(TEXT), Said("So:", calls), Said("half an", finish="length")):
        with talk.serving(faults.saying(said), seed=1) as server:
            chain = talk.model(server, tools=[_LOOK])
            replies = [Talk(talk.make, talk.shape, mode).ask(chain) for mode in MODES]
            last: Any = list(chain.events("hi"))[-1]
            replies.append(last.reply)
            assert len({repr(_told(r)) for r in replies}) == 1, [_told(r) for r in replies]


def _told(reply: Reply) -> Any:
    return reply.text, reply.thinking, reply.tool_calls, reply.finish_reason, reply.usage, reply.model

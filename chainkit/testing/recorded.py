"""The suite against a real service: asked live where you say so, and otherwise played from what it once answered.

    CASES = conformance.recorded("acme:acme-large", "tests/recordings")

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_acme_as_recorded(case):
        case.check()

`CHAINKIT_LIVE=acme pytest` asks the service with your key and writes one cassette a case into the folder, without the key
and what else is secret. Without the variable the cassettes are played: no key is needed, nothing is sent. What a
model says differs from day to day, so these scenarios look at the form of an answer and not at its words.
"""
# ruff: noqa: D103

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from chainkit.errors import AuthenticationError, BadRequest, ChainkitError, PermissionDenied, ProviderError
from chainkit.messages import Media, Message, Messages, Text, ToolCall, ToolResult, message
from chainkit.models.request import ToolSpec
from chainkit.testing.cassettes import cassette
from chainkit.testing.talking import KEY, MODES, STREAMS, Asking, Mode

if TYPE_CHECKING:
    from chainkit.chain import Chain

LIVE = "CHAINKIT_LIVE"
"""The variable that names the providers to be asked live, with commas between them; `all` for all."""


class LiveTalk(Asking):
    """A real model in one mode; `make(**options)` gives it."""

    def __init__(self, make: Callable[..., Chain[Any, Any]], mode: Mode) -> None:
        super().__init__(mode)
        self.make = make


@dataclass(frozen=True, slots=True)
class Recorded:
    """One scenario in one mode, and its cassette. `str(case)` is its name."""

    name: str
    mode: Mode
    make: Callable[..., Chain[Any, Any]]
    tape: Path
    live: bool

    def __str__(self) -> str:
        return f"{self.name}, {self.mode}"

    def check(self) -> None:
        """Ask and record, or play. Raises AssertionError, what the service refused, or ChainkitError without a tape."""
        if not self.live:
            with cassette(self.tape):
                LIVE_SCENARIOS[self.name](LiveTalk(self.make, self.mode))
            return
        try:
            with cassette(self.tape, mode="record"):
                LIVE_SCENARIOS[self.name](LiveTalk(self.make, self.mode))
        except BaseException:
            self.tape.unlink(missing_ok=True)
            raise


def recorded(
    spec: str,
    folder: str | Path,
    *,
    modes: Collection[Mode] = ("invoke", "stream"),
    without: Mapping[str, str] | None = None,
    live: bool | None = None,
    **fixed: Any,
) -> list[Recorded]:
    """Cases against the real service of that model: those on tape in the folder, or all of them where it is asked live.

    `without` names scenarios that do not apply, each with the reason; `fixed` goes to `model(...)`. `live` says what
    the variable CHAINKIT_LIVE says otherwise. Raises ChainkitError where nothing is to be played.
    """
    from chainkit.models.chat import model

    provider = spec.partition(":")[0]
    if live is None:
        live = bool({provider, "all"} & {name.strip() for name in os.environ.get(LIVE, "").split(",")})

    def make(**options: Any) -> Chain[Any, Any]:
        return model(options.pop("spec", spec), **{**fixed, **options})

    named: list[tuple[str, Mode]] = [
        (name, mode) for name in LIVE_SCENARIOS for mode in MODES if mode in modes and name not in (without or {})
    ]
    cases = [Recorded(name, mode, make, _tape(Path(folder), spec, name, mode), live) for name, mode in named]
    played = [case for case in cases if live or case.tape.is_file()]
    if not played:
        msg = f"there are no recordings of {spec} in {folder}"
        raise ChainkitError(msg, cure=f"record them once, with your key: {LIVE}={provider} pytest")
    return played


def _tape(folder: Path, spec: str, name: str, mode: Mode) -> Path:
    return folder / re.sub(r"[^\w.-]+", "_", spec) / f"{name.replace(' ', '_')}.{mode}.json"


LIVE_SCENARIOS: dict[str, Callable[[LiveTalk], None]] = {}


def _scenario(check: Callable[[LiveTalk], None]) -> Callable[[LiveTalk], None]:
    LIVE_SCENARIOS[check.__name__.replace("_", " ")] = check
    return check


# Answers.


@_scenario
def text_and_usage(talk: LiveTalk) -> None:
    reply = talk.ask(talk.make(), "Say hello in one word.")
    assert reply.text.strip()
    assert reply.finish_reason in ("stop", "length")
    assert reply.usage.input
    assert reply.usage.output


@_scenario
def system_and_turns(talk: LiveTalk) -> None:
    turns = [
        ("system", "Answer in one word."),
        ("user", "Name a colour."),
        ("assistant", "Blue."),
        ("user", "Another."),
    ]
    reply = talk.ask(talk.make(), Messages(message(role, said) for role, said in turns))  # type: ignore[arg-type]
    assert reply.text.strip()


@_scenario
def any_script(talk: LiveTalk) -> None:
    assert talk.ask(talk.make(), 'What language is "Grüße aus Köln, 世界"? 🎭 One word.').text.strip()


@_scenario
def a_limit_ends_the_answer(talk: LiveTalk) -> None:
    reply = talk.ask(talk.make(max_tokens=16), "Count from one to five hundred, in words.")
    assert reply.finish_reason == "length"
    assert reply.usage.output is None or reply.usage.output <= 17


@_scenario
def a_picture(talk: LiveTalk) -> None:
    dot = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    turn = Message("user", (Text("One word: which colour?"), Media("image", "image/png", dot)))
    assert talk.ask(talk.make(), Messages((turn,))).text.strip()


# Tools and values.

_WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
_NOW = ToolSpec("now", "The time.", {"type": "object", "properties": {}})


@_scenario
def tools_are_offered(talk: LiveTalk) -> None:
    reply = talk.ask(talk.make(tools=[_WEATHER, _NOW]), "What is the weather in Paris? Use a tool.")
    assert reply.text.strip() or reply.tool_calls
    for call in reply.tool_calls:
        assert call.name in ("get_weather", "now")
        json.dumps(dict(call.arguments))
    assert not reply.tool_calls or reply.finish_reason == "tool_calls"


def _after(talk: LiveTalk, *results: ToolResult) -> None:
    calls = tuple(ToolCall("get_weather", {"city": r.id}, r.id) for r in results)
    turns = (message("user", "How is the weather?"), Message("assistant", calls), Message("tool", results))
    reply = talk.ask(talk.make(tools=[_WEATHER]), Messages(turns))
    assert reply.text.strip() or reply.tool_calls


@_scenario
def a_tools_result_is_taken(talk: LiveTalk) -> None:
    _after(talk, ToolResult("call_paris1", "Rain, 9 degrees.", "get_weather"))


@_scenario
def results_of_several_tools_are_taken(talk: LiveTalk) -> None:
    _after(talk, *(ToolResult(f"call_city{i}", f"{i} degrees", "get_weather") for i in range(2)))


@_scenario
def a_tools_error_is_taken(talk: LiveTalk) -> None:
    _after(talk, ToolResult("call_paris1", "the service is down", "get_weather", failed=True))


class Town(TypedDict):
    """A town and its country."""

    name: str
    country: str


@_scenario
def a_value(talk: LiveTalk) -> None:
    town = talk.ask(talk.make(output=Town), "The capital of Germany.")
    assert set(town) == {"name", "country"}
    assert all(isinstance(v, str) for v in town.values())


# Refusals, and leaving.


@_scenario
def a_wrong_key_is_refused(talk: LiveTalk) -> None:
    error = talk.fails((AuthenticationError, PermissionDenied, BadRequest), talk.make(api_key=KEY, attempts=1))
    assert isinstance(error, ProviderError)


@_scenario
def a_model_that_there_is_not_is_refused(talk: LiveTalk) -> None:
    provider = talk.make().render("hi")[0].provider
    talk.fails((BadRequest, PermissionDenied), talk.make(spec=f"{provider}:no-such-model-here", attempts=1))


@_scenario
def leaving_early_is_no_error(talk: LiveTalk) -> None:
    if talk.mode not in STREAMS:
        return
    with talk.make().stream("Count from one to a hundred, in words.") as stream:
        assert next(stream)

"""The vendors' own SDKs and our adapters ask the same real model, behind llama.cpp's own HTTP server, and agree.

The server speaks Chat Completions, Responses and Messages. At temperature 0 one question has one answer, so what an
SDK reads is what our adapter must read: text, finish reason, usage. Where the server departs from the vendors
(COMPAT below), both sides are held to what it really says.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from chainkit import Fill, Messages, Run, completion, model
from chainkit.errors import BadRequest, ContextTooLong
from chainkit.messages import Message, Text
from chainkit.models.request import ToolSpec
from chainkit.run.events import TextDelta, ToolCallDelta

# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
from real_server import CONTEXT, RealServer

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("real-server")]

QUESTION = "What is the capital of Germany?"
BERLIN = "The capital of Germany is Berlin."
LONG = "Tell a very long story."
TOO_LONG = "word " * 2 * CONTEXT
PREFILL = "<tool_call>\n"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpec("get_weather", "Get the weather for a city", CITY)
FREED_SECONDS = 3.0
"""Within which a slot must be free again. The whole answer would take two to four times as long."""


class City(BaseModel):
    name: str
    country: str


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    for package in ("xllamacpp", "openai", "anthropic", "aiohttp"):
        _or_else(_installed(package), f"{package} is not installed: pip install 'chainkit[all]'")
    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    path = place(find("smollm2-135m"))
    _or_else(path.is_file(), "the local model is not pulled: chainkit pull smollm2-135m")
    with RealServer(path) as started:
        yield started


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def _or_else(holds: bool, missing: str) -> None:
    if not holds:
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


# What the SDKs read: (text, finish reason in our words, input tokens, output tokens).

Read = tuple[str, str, int, int]
FINISH = {"stop": "stop", "length": "length", "end_turn": "stop", "max_tokens": "length", "completed": "stop"}
# COMPAT: on Responses the server says "completed" of an answer that its limit cut, and so both sides read "stop".


def sdk_client(wire: str, server: RealServer) -> Any:
    import anthropic
    import openai

    if wire == "messages":
        return anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=1, timeout=60)
    return openai.OpenAI(base_url=server.url_v1, api_key="none", max_retries=1, timeout=60)


def sdk_says(wire: str, server: RealServer, most: int, question: str = QUESTION) -> Read:
    with sdk_client(wire, server) as client:
        turns: Any = [{"role": "user", "content": question}]
        if wire == "chat":
            said = client.chat.completions.create(model="m", messages=turns, max_tokens=most, temperature=0)
            (choice,), used = said.choices, said.usage
            return choice.message.content, FINISH[choice.finish_reason], used.prompt_tokens, used.completion_tokens
        if wire == "responses":
            said = client.responses.create(model="m", input=question, max_output_tokens=most, temperature=0)
            return said.output_text, FINISH[said.status], said.usage.input_tokens, said.usage.output_tokens
        # This SDK takes no temperature of its own.
        said = client.messages.create(model="m", messages=turns, max_tokens=most, extra_body={"temperature": 0})
        used = said.usage
        given = used.input_tokens + (used.cache_read_input_tokens or 0)
        return said.content[0].text, FINISH[said.stop_reason], given, used.output_tokens


def sdk_streams(wire: str, server: RealServer, most: int) -> list[str]:
    with sdk_client(wire, server) as client:
        turns: Any = [{"role": "user", "content": QUESTION}]
        if wire == "chat":
            chunks = client.chat.completions.create(
                model="m", messages=turns, max_tokens=most, temperature=0, stream=True
            )
            return [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
        if wire == "responses":
            events = client.responses.create(
                model="m", input=QUESTION, max_output_tokens=most, temperature=0, stream=True
            )
            return [e.delta for e in events if e.type == "response.output_text.delta"]
        with client.messages.stream(
            model="m", messages=turns, max_tokens=most, extra_body={"temperature": 0}
        ) as stream:
            return list(stream.text_stream)


@pytest.fixture(scope="module")
def sdks(server: RealServer) -> dict[str, tuple[Read, list[str]]]:
    """What each SDK reads of the question's answer, whole and streamed."""
    wires = ("chat", "responses", "messages")
    return {wire: (sdk_says(wire, server, 12), sdk_streams(wire, server, 12)) for wire in wires}


# How our adapters are asked.


@dataclass(frozen=True)
class Way:
    """An adapter, the wire it speaks, and who carries."""

    provider: str
    wire: str
    carrier: str

    def model(self, server: RealServer, **options: Any) -> Any:
        reach: dict[str, Any] = {"base_url": server.url if self.wire == "messages" else server.url_v1}
        if self.provider != "llamacpp":
            reach["api_key"] = "none"
        if self.wire == "responses":
            reach["api"] = "responses"
        return model(
            f"{self.provider}:m", **reach, carrier=self.carrier, **{"temperature": 0, "max_tokens": 12} | options
        )

    def __str__(self) -> str:
        return f"{self.provider}-{self.wire}-{self.carrier}"


ADAPTERS = (
    ("openai", "chat", ("httpx", "sdk", "aiohttp")),
    ("openai", "responses", ("httpx", "sdk", "aiohttp")),
    ("anthropic", "messages", ("httpx", "sdk", "aiohttp")),
    ("llamacpp", "chat", ("httpx", "aiohttp")),
    ("llamacpp", "responses", ("httpx", "aiohttp")),
)
WAYS = [Way(p, w, c) for p, w, carriers in ADAPTERS for c in carriers]
ONE_EACH = [Way(p, w, "httpx") for p, w, _ in ADAPTERS]
WITHOUT_RESPONSES = [way for way in ONE_EACH if way.wire != "responses"]
# COMPAT: a Responses conversation cannot be begun for the assistant here, and this small model needs that for a tool.
every_way = pytest.mark.parametrize("way", WAYS, ids=str)
one_way_each = pytest.mark.parametrize("way", ONE_EACH, ids=str)


def read(reply: Any) -> Read:
    return reply.text, reply.finish_reason, reply.usage.input, reply.usage.output


async def asked_on_a_loop(chain: Any, question: Any) -> tuple[Any, list[str], Any]:
    alone = await chain.ainvoke(question)
    async with chain.astream(question) as stream:
        pieces = [piece async for piece in stream]
    return alone, pieces, stream.value


def tool_turns() -> Messages:
    return Messages((Message("user", (Text("What is the weather in Paris?"),)), Message("assistant", (Text(PREFILL),))))


@every_way
def test_an_adapter_reads_what_the_sdk_reads_in_every_mode(way: Way, server: RealServer, sdks: Any) -> None:
    wanted, wanted_pieces = sdks[way.wire]
    assert wanted == (BERLIN, "stop", 37, 8)
    chain = way.model(server)
    assert read(chain.invoke(QUESTION)) == wanted
    with chain.stream(QUESTION) as stream:
        pieces = list(stream)
    assert pieces == wanted_pieces
    assert read(stream.value) == wanted
    alone, apieces, streamed = asyncio.run(asked_on_a_loop(chain, QUESTION))
    assert (read(alone), apieces, read(streamed)) == (wanted, pieces, wanted)


@one_way_each
def test_an_answer_cut_by_its_limit_ends_as_the_sdk_says(way: Way, server: RealServer) -> None:
    wanted = sdk_says(way.wire, server, 4)
    assert wanted[0] == "The capital of Germany"
    assert wanted[1] == ("stop" if way.wire == "responses" else "length")
    assert read(way.model(server, max_tokens=4).invoke(QUESTION)) == wanted


@pytest.mark.parametrize("way", WITHOUT_RESPONSES, ids=str)
def test_a_stop_word_ends_an_answer_and_is_not_in_it(way: Way, server: RealServer) -> None:
    chain = way.model(server, stop=" Germany")
    with chain.stream(QUESTION) as stream:
        assert "".join(stream) == "The capital of"
    for reply in (stream.value, chain.invoke(QUESTION)):
        assert (reply.text, reply.finish_reason) == ("The capital of", "stop")


def test_a_wire_without_stop_words_refuses_them_before_sending(server: RealServer) -> None:
    chain = Way("openai", "responses", "httpx").model(server, stop=" Germany")
    with Run() as run, pytest.raises(BadRequest, match="'stop'; nothing was sent"):
        chain.invoke(QUESTION)
    assert [row.usage.total for row in run.rows] in ([], [None])


@every_way
def test_a_question_longer_than_the_context_is_refused_with_both_numbers(way: Way, server: RealServer) -> None:
    chain = way.model(server)
    with Run() as run, pytest.raises(ContextTooLong) as caught:
        chain.invoke(TOO_LONG)
    assert f"request ({2 * CONTEXT + 31} tokens) exceeds the available context size ({CONTEXT} tokens)" in str(
        caught.value
    )
    assert caught.value.status == 400
    assert [row.outcome for row in run.rows] == ["error"], "what cannot succeed is not tried again"
    with pytest.raises(ContextTooLong), chain.stream(TOO_LONG) as stream:
        list(stream)


@pytest.mark.parametrize("way", WITHOUT_RESPONSES, ids=str)
def test_a_tool_is_called_with_its_arguments_streamed_or_not(way: Way, server: RealServer) -> None:
    chain = way.model(server, tools=[WEATHER], tool_choice="required", stop="</tool_call>", max_tokens=40)
    with chain.events(tool_turns()) as events:
        pieces = [e.arguments for e in events if isinstance(e, ToolCallDelta)]
    assert len(pieces) > 1
    for reply in (events.value, chain.invoke(tool_turns())):
        (call,) = reply.tool_calls
        assert (call.name, dict(call.arguments), reply.finish_reason) == (
            "get_weather",
            {"city": "Paris"},
            "tool_calls",
        )
        assert call.id


def test_the_sdks_read_the_same_tool_call(server: RealServer) -> None:
    turns: Any = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": PREFILL},
    ]
    function = {"name": WEATHER.name, "description": WEATHER.description, "parameters": CITY}
    with sdk_client("chat", server) as client:
        said = client.chat.completions.create(
            model="m", messages=turns, tools=[{"type": "function", "function": function}], tool_choice="required",
            stop=["</tool_call>"], max_tokens=40, temperature=0,
        )  # fmt: skip
    (call,) = said.choices[0].message.tool_calls
    ours = Way("openai", "chat", "httpx").model(
        server, tools=[WEATHER], tool_choice="required", stop="</tool_call>", max_tokens=40
    )
    (mine,) = ours.invoke(tool_turns()).tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == (mine.name, dict(mine.arguments))


@pytest.mark.parametrize("carrier", ["httpx", "aiohttp"])
def test_a_grammar_made_from_a_type_holds_the_answer_to_it(carrier: str, server: RealServer) -> None:
    chain = Way("llamacpp", "chat", carrier).model(server, output=City, max_tokens=60)
    with Run() as run:
        found = chain.invoke("Tell me about Paris.")
        on_a_loop = asyncio.run(chain.ainvoke("Tell me about Paris."))
    assert isinstance(found, City)
    assert found == on_a_loop
    assert found.name == "Paris"
    assert len(run.rows) == 2, "the first answer fits"
    seen = [partial.data for partial in chain.stream("Tell me about Paris.")]
    assert seen[-1] == found.model_dump()
    assert len(seen) > 2


def test_a_grammar_of_ones_own_is_kept_to(server: RealServer) -> None:
    chain = Way("llamacpp", "chat", "httpx").model(server, grammar='root ::= "yes" | "no"')
    assert chain.invoke("Is Paris in France?").text in ("yes", "no")


def test_the_sdks_parse_and_our_schema_give_the_same_object(server: RealServer) -> None:
    turns: Any = [{"role": "user", "content": "Tell me about Paris."}]
    with sdk_client("chat", server) as client:
        said = client.chat.completions.parse(
            model="m", messages=turns, max_tokens=60, temperature=0, response_format=City
        )
    ours = Way("openai", "chat", "httpx").model(server, output=City, max_tokens=60)
    assert ours.invoke("Tell me about Paris.") == said.choices[0].message.parsed


@every_way
def test_leaving_a_stream_frees_the_servers_slot(way: Way, server: RealServer) -> None:
    extra = {"ignore_eos": True} if way.wire == "chat" else None
    chain = way.model(server, max_tokens=400, **({"extra": extra} if extra else {}))
    with chain.stream(LONG) as stream:
        next(stream)
        assert server.busy() == 1
    assert stream.run.rows[0].outcome == "cancelled"
    assert freed(server)

    async def leave() -> Any:
        async with chain.astream(LONG) as stream:
            await anext(stream)
        return stream.run.rows[0].outcome

    assert asyncio.run(leave()) == "cancelled"
    assert freed(server)


# COMPAT: an answer that is not streamed the server writes to its end, whoever has hung up: with httpx and the SDKs too.


def freed(server: RealServer) -> bool:
    until = time.monotonic() + FREED_SECONDS
    while server.busy():
        if time.monotonic() > until:
            return False
    return True


def test_the_ledger_counts_what_the_server_counted(server: RealServer) -> None:
    chain = Way("openai", "chat", "httpx").model(server)
    with Run() as run:
        chain.batch([QUESTION, QUESTION], concurrency=2)
        list(chain.stream(QUESTION))
    assert run.calls == 3
    assert (run.usage.input, run.usage.output) == (3 * 37, 3 * 8)


def test_events_are_the_servers_pieces(server: RealServer) -> None:
    with Way("llamacpp", "chat", "httpx").model(server).events(QUESTION) as events:
        texts = [e.text for e in events if isinstance(e, TextDelta)]
    assert "".join(texts) == BERLIN
    assert len(texts) == 7


# Completion: past the chat template.

FRANCE = "The capital of France is"


def server_completes(server: RealServer, **body: Any) -> dict[str, Any]:
    """What the server itself says to a raw text."""
    whole = {"prompt": FRANCE, "temperature": 0, **body}
    told: dict[str, Any] = httpx.post(f"{server.url}/completion", json=whole, timeout=60).json()
    return told


def completing(server: RealServer, **options: Any) -> Any:
    return completion("llamacpp:m", base_url=server.url_v1, temperature=0, attempts=1, **options)


def test_a_completion_is_the_servers_own_text_in_every_mode(server: RealServer) -> None:
    own = server_completes(server, n_predict=6)
    chain = completing(server, max_tokens=6)
    reply = chain.invoke(FRANCE)
    with chain.stream(FRANCE) as stream:
        pieces = list(stream)
    assert own["content"] == reply.text == asyncio.run(chain.ainvoke(FRANCE)).text == "".join(pieces)
    assert (reply.finish_reason, reply.usage.output) == ("length", own["tokens_predicted"])
    assert stream.value == reply
    assert len(pieces) > 1


def test_a_completion_stops_where_the_server_stops_and_tells_its_logprobs(server: RealServer) -> None:
    own = server_completes(server, n_predict=20, stop=["\n"], n_probs=2)
    reply = completing(server, max_tokens=20, stop="\n", logprobs=2).invoke(FRANCE)
    assert (reply.text, reply.finish_reason) == (own["content"], "stop")
    theirs = [p["logprob"] for p in own["completion_probabilities"]]
    assert [t["logprob"] for t in reply.logprobs] == pytest.approx(theirs[: len(reply.logprobs)], abs=1e-3)


def test_a_gap_is_refused_as_the_server_would_refuse_it(server: RealServer) -> None:
    refused = httpx.post(f"{server.url}/infill", json={"input_prefix": "a", "input_suffix": "b"}, timeout=60)
    assert refused.status_code == 501
    with pytest.raises(BadRequest, match="is not known to fill a gap.*nothing was sent"):
        completing(server).invoke(Fill("a", "b"))


def test_too_long_a_text_is_told_as_such(server: RealServer) -> None:
    with pytest.raises(ContextTooLong):
        completing(server, max_tokens=2).invoke(TOO_LONG)


def test_an_abandoned_completion_frees_its_slot(server: RealServer) -> None:
    with completing(server, max_tokens=400).stream("Once upon a time") as stream:
        next(iter(stream))
    assert freed(server)

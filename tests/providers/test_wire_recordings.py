"""Recordings of our own, in each wire's shape: the whole answer and its stream say the same thing.

Every file in `data` holds one answer, unstreamed and streamed, and what it says.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chainkit.errors import ProviderError
from chainkit.messages import Messages, ServerItem
from chainkit.models.request import ChatRequest
from chainkit.models.sse import SseParser
from chainkit.usage import Usage
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.provider import ChatWire
    from chainkit.models.reply import Reply

WIRES: dict[str, ChatWire] = {
    "chat": ChatCompletions(Dialect("openai")),
    "responses": Responses(Dialect("openai")),
    "messages": MessagesWire(),
    "v2 chat": ChatV2(),
}
FILES = sorted((Path(__file__).parent / "data").glob("*.json"))
REQUEST = ChatRequest("m", Messages())
recordings = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)


def sent(stream: list[Any], line_end: str = "\n") -> bytes:
    """A stream as bytes on the line."""
    events = [
        (f"event: {name}{line_end}" if name else "")
        + f"data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}{line_end}{line_end}"
        for name, data in stream
    ]
    return "".join(events).encode()


def folded(wire: ChatWire, told: bytes, seed: int) -> Reply:
    """The reply of a stream that comes in random pieces."""
    chance, fold, parser, at = random.Random(seed), wire.fold(REQUEST), SseParser(), 0
    while at < len(told):
        size = chance.randint(1, 29)
        for event, data in parser.feed(told[at : at + size]):
            fold.feed(event, data)
        at += size
    return fold.finish()


def check(reply: Reply, says: dict[str, Any]) -> None:
    """The reply says what the file says it says."""
    assert reply.text == says["text"]
    assert reply.thinking == says["thinking"]
    assert [[c.name, dict(c.arguments), c.id] for c in reply.tool_calls] == says["calls"]
    assert [reply.finish_reason, reply.finish_word] == says["finish"]
    assert reply.usage == Usage(**says["usage"])
    assert reply.refusal == says.get("refusal")
    assert [p.type for p in reply.parts if isinstance(p, ServerItem)] == says.get("server_items", [])
    assert [[c.text, c.source, c.start, c.end, c.title] for c in reply.citations] == says.get("citations", [])
    assert [c.text for c in reply.choices] == says.get("choices", [])
    assert len(reply.logprobs) == says.get("logprobs", 0)
    for name in ("id", "model"):
        assert name not in says or getattr(reply, name) == says[name]


@recordings
def test_a_recorded_answer_says_what_was_written_down(path: Path) -> None:
    told = json.loads(path.read_text("utf-8"))
    reply = WIRES[told["wire"]].decode(told["body"])
    check(reply, told["says"])
    assert reply.raw == told["body"]


@recordings
@pytest.mark.parametrize("seed", range(5))
def test_its_stream_says_the_same_however_the_network_cuts_it(path: Path, seed: int) -> None:
    told = json.loads(path.read_text("utf-8"))
    line_end = "\r\n" if seed % 2 else "\n"
    reply = folded(WIRES[told["wire"]], sent(told["stream"], line_end), seed)
    check(reply, told["says"])
    assert reply.raw is None


ODD: tuple[Any, ...] = (None, True, 7, "odd", [], {}, [1], {"a": 1})


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, inner in items for found in places(inner, (*place, key)))]


def changed(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """The value with something odd at one place."""
    if not place:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = changed(value[place[0]], place[1:], odd)
    return copy


def fails(read: Any, value: Any, where: list[tuple[Any, ...]]) -> list[str]:
    """Where something odd makes our own code fail, instead of being read or refused."""
    found: list[str] = []
    for place in where:
        for odd in ODD:
            try:
                reply = read(changed(value, place, odd))
                assert type(reply.text) is str
                assert reply.thinking is None or type(reply.thinking) is str
                hash(reply)
            except ProviderError:
                continue
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                found.append(f"{odd!r} at {place}: {error!r}")
    return found


@recordings
def test_an_answer_with_something_odd_in_it_is_read_or_refused(path: Path) -> None:
    told = json.loads(path.read_text("utf-8"))
    assert not fails(WIRES[told["wire"]].decode, told["body"], places(told["body"]))


@recordings
def test_a_stream_with_something_odd_in_it_is_read_or_refused(path: Path) -> None:
    told = json.loads(path.read_text("utf-8"))
    wire = WIRES[told["wire"]]

    def read(stream: list[Any]) -> Reply:
        fold = wire.fold(REQUEST)
        for name, data in stream:
            fold.feed(name, data.encode() if isinstance(data, str) else json.dumps(data).encode())
        return fold.finish()

    assert not fails(read, told["stream"], [p for p in places(told["stream"]) if len(p) > 1 and p[1] == 1])

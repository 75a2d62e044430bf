"""Real streams of every wire, cut after every byte: what had arrived is kept, and nothing invented.

A stream that is cut before its end is broken and holds the text that came; one that is cut after its finish reason,
but before its usage, is whole but for that. Every wire of `reading.READERS` that has streams is held to it.
"""

from __future__ import annotations

import asyncio
import copy
import sys
import threading
from dataclasses import is_dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chainkit import completion, model
from chainkit.errors import ConnectionFailed, ProviderError, ReplyMalformed, StreamBroken
from chainkit.testing.faults import Told
from chainkit.testing.server import FaultServer

# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
from reading import RAISES, READERS, Reading, reader_of, streamed

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.models.reply import Reply
    from chainkit.testing.faults import Seen

MANY = 20
LONGEST = 30_000
"""Bytes of a stream that is cut at each of them, where there are enough that are no longer."""
NEAR, APART = 700, 211
"""Within so many bytes of an event each cut is read on its own; behind them, one in so many and all that end a value."""
ENDS = frozenset(b"}]\n\r")
"""The bytes that can end an event or the value in it; behind any other, half a value is left, which shows nothing."""
FEW = {"ollama": 1, "openai_completion": 10, "cohere_v2": 8, "bedrock_invoke": 9}
"""How many streams the corpus has at least of a wire that has fewer than twenty."""
ENDLESS = {"writer_completion": "its streams have no end mark: the end of the HTTP answer tells, which is cut below"}


def chosen(traffic: list[Any], wire: str) -> list[Any]:
    """Short streams of as many vendors as there are: always the same ones."""
    named = [x for x in traffic if x.wire.removesuffix("_stream") == wire and reader_of(x) is not None]
    found = [x for x in named if streamed(x) and x.id not in RAISES]
    fitting = sorted(found, key=lambda x: (len(x.body) > LONGEST, len(x.body) if len(x.body) > LONGEST else 0, x.id))
    groups = {x.provider: [o for o in fitting if o.provider == x.provider] for x in fitting}
    turns = [x for turn in zip_longest(*groups.values()) for x in turn if x is not None]
    return sorted(turns, key=lambda x: len(x.body) > LONGEST)[:MANY]


def twin(reading: Reading) -> Reading:
    """The same state, to be tried out."""
    made = copy.copy(reading)
    fold = reading.fold
    held = [getattr(fold, name, None) for name in (*getattr(fold, "__dict__", ()), *getattr(fold, "__slots__", ()))]
    # What never changes is not copied: requests, wires, rows.
    made.fold = copy.deepcopy(fold, {id(x): x for x in held if is_dataclass(x) and not isinstance(x, type)})
    made.shown = list(reading.shown)
    return made


def ended(reading: Reading) -> tuple[Any, str]:
    """What a stream is that ends there, as its reader sees it: (the reply or the error, the text that was shown)."""
    try:
        return reading.fold.finish(), reading.text
    except StreamBroken as broken:
        return broken, reading.text


def every_byte(line: Any) -> Iterator[tuple[int, Any, str]]:
    """What comes of a cut after each byte, read as `HttpBackend` reads the end of the bytes."""
    reading, begun = Reading(line), 0
    still, trial = ended(twin(reading)), twin(reading)
    told = still
    yield 0, *told
    for at in range(1, len(line.body) + 1):
        if reading.feed(line.body[at - 1 : at]):
            assert alike(ended(trial)[0], still[0]), "half an event has left something behind"
            begun, told = at, ended(twin(reading))
            still, trial = told, twin(reading)
        elif at - begun < NEAR or at % APART == 0 or line.body[at - 1] in ENDS:
            rest = copy.deepcopy(reading.parser).rest()
            try:
                told = (_with(trial, rest), trial.text) if rest else still
                trial = twin(reading) if rest else trial
            except ReplyMalformed:
                told = still
        yield at, *told


def alike(one: Any, other: Any) -> bool:
    """Whether two outcomes say the same."""
    if isinstance(one, StreamBroken):
        return isinstance(other, StreamBroken) and one.partial == other.partial
    return bool(one == other)


def _with(trial: Reading, rest: Any) -> Any:
    for name, data in rest:
        trial.show(name, data)
    return ended(trial)[0]


def judged(found: Any, text: str, whole: Reply) -> bool:
    """Whether that is what a cut may make of a stream."""
    if isinstance(found, StreamBroken):
        return found.partial == text and whole.text.startswith(text)
    return found == whole and text == whole.text and found.usage in (whole.usage, type(whole.usage)())


def wrong(line: Any) -> list[int]:
    """The offsets at which a cut gives what it must not; once a stream is whole it stays so."""
    whole = _whole(line)
    found, done = [], False
    for at, told, text in every_byte(line):
        broken = isinstance(told, StreamBroken)
        if not judged(told, text, whole) or (done and broken):
            found.append(at)
        done = done or not broken
    return found if done else [*found, len(line.body)]


def _whole(line: Any) -> Reply:
    reading = Reading(line)
    reading.feed(line.body)
    return reading.finish()


@pytest.mark.slow
@pytest.mark.parametrize("wire", [name for name in READERS if name not in ENDLESS])
def test_a_stream_that_is_cut_after_any_byte_is_broken_or_whole(traffic: list[Any], wire: str) -> None:
    lines = chosen(traffic, wire)
    assert len(lines) >= FEW.get(wire, MANY)
    for line in lines:
        assert not (at := wrong(line)), f"{line.id} cut at {at[:5]} of {len(line.body)}"


# The same through real sockets.

SPECS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai_chat": ("openai:gpt-x", "/v1", {"api": "chat"}),
    "openai_responses": ("openai:gpt-x", "/v1", {"api": "responses"}),
    "anthropic": ("anthropic:claude-x", "", {"max_tokens": 9}),
    "cohere_v2": ("cohere:command-x", "", {}),
    "gemini": ("google:gemini-x", "", {}),
    "bedrock_converse": ("bedrock:amazon.nova-lite-v1:0", "", {}),
    "ollama": ("ollama:x", "", {}),
    "openai_completion": ("openai:x", "/v1", {}),
    "writer_completion": ("writer:x", "/v1", {}),
}
"""How a wire's streams are asked for over loopback."""
CARRIERS = ("httpx", "aiohttp", "sdk")
WITHOUT_SDK = ("bedrock_converse", "gemini", "ollama", "writer_completion")
STREAMS = 4


class Cut:
    """A behaviour: the stream that the path names, cut where it says, by FIN or by RST: /cut/<id>/<at>/<how>."""

    def __init__(self, lines: list[Any]) -> None:
        self._lines = {line.id: line for line in lines}

    def __call__(self, seen: Seen) -> Told:
        _, _, name, at, how, *_ = seen.path.split("/")
        line = self._lines[name]
        kind = next((v for n, v in line.headers.items() if n.lower() == "content-type"), "text/event-stream")
        writes = tuple(line.body[i : i + 97] for i in range(0, len(line.body), 97))
        return Told(200, {"content-type": kind}, writes, cut=int(at), reset=how == "rst", streamed=True)


def asked(server: FaultServer, wire: str, line: Any, at: int, carrier: str) -> Any:
    """A model whose answer is that stream, cut there."""
    spec, under, options = SPECS[wire]
    base = f"{server.url}/cut/{line.id}/{at}/{'rst' if at % 2 else 'fin'}{under}"
    make: Any = completion if wire.endswith("completion") else model
    return make(spec, base_url=base, api_key="none-at-all", carrier=carrier, attempts=1, **options)


async def on_a_loop(chain: Any, shown: list[str]) -> Any:
    """The value, on a loop; what was shown is noted. No task may be left."""
    try:
        async with chain.astream("hi") as stream:
            async for piece in stream:
                shown.append(piece)  # noqa: PERF401 - kept also when the stream breaks
        return stream.value
    finally:
        assert asyncio.all_tasks() == {asyncio.current_task()}


def outcome(chain: Any, carrier: str) -> tuple[Any, str]:
    """What comes of it, and what was shown."""
    shown: list[str] = []
    try:
        if carrier == "aiohttp":
            return asyncio.run(on_a_loop(chain, shown)), "".join(shown)
        with chain.stream("hi") as stream:
            shown.extend(stream)
        return stream.value, "".join(shown)
    except ProviderError as error:
        return error, "".join(shown)


def fits(wire: str, line: Any) -> bool:
    """Whether the way to ask a wire is the one that this line answers: chats are not asked as completions."""
    return wire.endswith("completion") or line.kind != "completion"


def is_right(found: Any, shown: str, whole: Reply, at: int) -> bool:
    """Whether that is what a connection may make of a stream that ends there."""
    if not isinstance(found, StreamBroken if at > 0 else (StreamBroken, ConnectionFailed)):
        return False
    return whole.text.startswith(shown) and shown == getattr(found, "partial", "")


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("wire", SPECS)
def test_a_connection_that_ends_inside_a_stream_breaks_it_and_leaves_nothing_open(
    traffic: list[Any], wire: str, carrier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    if carrier == "sdk" and wire in WITHOUT_SDK:
        pytest.skip("its vendor's client carries nothing of ours")
    lines = [x for x in chosen(traffic, wire) if len(x.body) > 400 and fits(wire, x)][:STREAMS]
    threads, wrong = threading.active_count(), list[str]()
    with FaultServer(Cut(lines)) as server:
        for line in lines:
            whole, size = _whole(line), len(line.body)
            for at in (-1, 0, 1, size // 5, size // 2, size * 4 // 5, size - size // 50 - 30):
                found, shown = outcome(asked(server, wire, line, at, carrier), carrier)
                if not (is_right(found, shown, whole, at) and server.wait_idle()):
                    wrong.append(f"{line.id} at {at} of {size}: {found!r}, {shown[-40:]!r}")
        assert server.wait_closed()
    assert lines
    assert not wrong, "\n".join(wrong)
    assert threading.active_count() <= threads + 1

"""Recorded answers of real providers come back whole through every carrier, however their bytes arrive.

One server holds them all; the base URL says which: `/id/<id>`. Each body goes out in random pieces.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from chainkit import model
from chainkit.errors import AuthenticationError, BadRequest, ContextTooLong, PermissionDenied, ProviderError
from chainkit.testing.faults import Told
from chainkit.testing.server import FaultServer

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.chain import Chain
    from chainkit.models.reply import Reply
    from chainkit.testing.faults import Seen

WIRES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai_chat": ("openai:gpt-x", "/v1", {"api": "chat"}),
    "openai_responses": ("openai:gpt-x", "/v1", {"api": "responses"}),
    "anthropic": ("anthropic:claude-x", "", {"max_tokens": 9}),
    "cohere_v2": ("cohere:command-x", "", {}),
    "gemini": ("google:gemini-x", "", {}),
}
FAILS = {"cohere-chat_stream-dee1ecb4ad8ea8"}
"""Streams that end by saying that they failed."""

HOP = {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"}
EVERY = {"httpx": 1, "aiohttp": 2, "sdk": 5}
"""Which share of the lines each carrier is given: a vendor's client takes long to make."""

CLASSES: dict[int, type[ProviderError]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    400: BadRequest,
    404: BadRequest,
}
ENDS = {
    "/chat/completions": "openai_chat",
    "/responses": "openai_responses",
    "/messages": "anthropic",
    "/v2/chat": "cohere_v2",
}


def cuts(line: Any) -> Iterator[bytes]:
    """The body in at most about 200 pieces, fewer than the line's own: each is a write of its own."""
    held, least = bytearray(), len(line.body) // 200
    for piece in line.cuts():
        held += piece
        if len(held) > least:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


class Corpus:
    """A behaviour: the recorded answer that the path names."""

    def __init__(self, lines: list[Any]) -> None:
        self._lines = {line.id: line for line in lines}

    def __call__(self, seen: Seen) -> Told:
        line = self._lines[seen.path.split("/")[2]]
        headers = {n: v.encode("latin-1", "replace").decode("latin-1") for n, v in line.headers.items()}
        kept = {n: v for n, v in headers.items() if n.lower() not in HOP}
        return Told(line.status, kept, tuple(cuts(line)), streamed=line.wire.endswith("_stream"))


def asking(server: FaultServer, line: Any, wire: str, carrier: str) -> Chain[Any, Reply]:
    """A model whose answer is that line."""
    spec, under, options = WIRES[wire]
    base = f"{server.url}/id/{line.id}{under}"
    return model(spec, base_url=base, api_key="none-at-all", carrier=carrier, attempts=1, **options)


def read(server: FaultServer, line: Any, carrier: str) -> Reply:
    """The reply in this thread; of a stream, what was shown must be its text."""
    chain = asking(server, line, line.wire.removesuffix("_stream"), carrier)
    if not line.wire.endswith("_stream"):
        return chain.invoke("hi")
    with chain.stream("hi") as stream:
        assert "".join(stream) == stream.value.text, line.id
        return stream.value


async def aread(server: FaultServer, line: Any, carrier: str) -> Reply:
    """The same on a loop."""
    chain = asking(server, line, line.wire.removesuffix("_stream"), carrier)
    if not line.wire.endswith("_stream"):
        return await chain.ainvoke("hi")
    async with chain.astream("hi") as stream:
        assert "".join([piece async for piece in stream]) == stream.value.text, line.id
        return stream.value


async def all_at_once(server: FaultServer, lines: list[Any], carrier: str) -> list[Reply]:
    """Many in flight, so that answers could be mixed up."""
    free = asyncio.Semaphore(16)

    async def one(line: Any) -> Reply:
        async with free:
            return await aread(server, line, carrier)

    return await asyncio.gather(*map(one, lines))


def differs(line: Any, reply: Reply) -> str | None:
    """Where the reply is not what the corpus says."""
    told = line.says["choices"][0]
    ours = (reply.text, [c.name for c in reply.tool_calls], [c.id for c in reply.tool_calls], reply.finish_word)
    calls = told["tool_calls"]
    theirs = (told["text"], [c["name"] for c in calls], [c["id"] for c in calls], told["finish_reason"])
    if ours != theirs:
        return f"{line.id}: {ours!r}, not {theirs!r}"
    if reply.usage.output != line.says["output_tokens"]:
        return f"{line.id}: {reply.usage.output!r} tokens, not {line.says['output_tokens']!r}"
    return None


@pytest.mark.parametrize(
    ("wire", "carrier"),
    [(w + end, c) for w in WIRES for end in ("", "_stream") for c in EVERY if (w, c) != ("gemini", "sdk")],
)
def test_a_recorded_answer_is_the_same_over_loopback(traffic: list[Any], wire: str, carrier: str) -> None:
    spec = WIRES[wire.removesuffix("_stream")][0]
    lines = [x for x in traffic if x.wire == wire and spec.startswith(x.provider) and x.id not in FAILS]
    lines = lines[:: EVERY[carrier]]
    with FaultServer(Corpus(lines)) as server:
        if carrier == "aiohttp":
            replies = asyncio.run(all_at_once(server, lines, carrier))
        else:
            replies = [read(server, line, carrier) for line in lines]
        assert server.wait_idle()
    wrong = [said for line, reply in zip(lines, replies, strict=True) if (said := differs(line, reply))]
    assert lines
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("carrier", ["httpx", "sdk"])
def test_a_recorded_refusal_is_an_error_of_its_class_that_says_what_the_vendor_said(
    traffic: list[Any], carrier: str
) -> None:
    lines = [(x, w) for x in traffic if x.kind == "error" for e, w in ENDS.items() if x.endpoint.endswith(e)]
    lines = [(line, wire) for line, wire in lines if WIRES[wire][0].startswith(line.provider)]
    assert lines
    with FaultServer(Corpus([line for line, _ in lines])) as server:
        for line, wire in lines:
            with pytest.raises(ProviderError) as caught:
                asking(server, line, wire, carrier).invoke("hi")
            long = ("TOO_MANY_TOKENS", "context_length_exceeded")
            said = line.says["error"]
            wanted = ContextTooLong if {said["type"], said["code"]} & set(long) else CLASSES[line.status]
            assert isinstance(caught.value, wanted), f"{line.id}: {caught.value!r}"
            assert said["message"][:20] in str(caught.value), line.id

"""The fault server: what it says is what was asked for, in every wire format."""

from __future__ import annotations

import time

import pytest

from chainkit import model
from chainkit.messages import ToolCall
from chainkit.testing import faults
from chainkit.testing.server import FaultServer
from chainkit.usage import Usage

WAYS = {
    "chat-completions": ("openai:gpt-x", "chat", "/v1"),
    "responses": ("openai:gpt-x", "responses", "/v1"),
    "messages": ("anthropic:claude-x", "messages", ""),
    "chat-v2": ("cohere:command-x", "chat", ""),
}


def ask(server, shape, **more):
    spec, api, under = WAYS[shape]
    if shape == "messages":
        more.setdefault("max_tokens", 100)
    return model(spec, api=api, base_url=server.url + under, api_key="none-at-all", attempts=1, carrier="httpx", **more)


@pytest.mark.parametrize("shape", WAYS)
def test_a_good_answer_reads_the_same_whole_and_streamed(shape):
    calls = [ToolCall("look", {"größe": "✓"}, "a"), ToolCall("now", {}, "b")]
    usage = Usage(input=30, output=4, cached=10)
    with FaultServer(faults.answer("Grüße, 世界 🌍", calls=calls, usage=usage), seed=3) as server:
        chain = ask(server, shape)
        whole = chain.invoke("hi")
        with chain.stream("hi") as stream:
            text = "".join(stream)
        for reply in (whole, stream.value):
            assert reply.text == text == "Grüße, 世界 🌍"
            assert [(c.name, c.arguments) for c in reply.tool_calls] == [("look", {"größe": "✓"}), ("now", {})]
            assert (reply.usage.input, reply.usage.output, reply.usage.cached) == (30, 4, 10)
            assert reply.finish_reason == "tool_calls"
        assert [r.streamed for r in server.requests] == [False, True]
        assert [r.shape for r in server.requests] == [shape, shape]
        assert server.wait_idle(1)


def test_it_starts_within_twenty_milliseconds():
    took = []
    for _ in range(5):
        began = time.perf_counter()
        with FaultServer() as server:
            took.append(time.perf_counter() - began)
        assert server.open == 0
    assert min(took) < 0.02

"""Cassettes: recorded once, replayed ever after, and no secret on the tape."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest

from chainkit import model, prompt
from chainkit.errors import ChainkitError, RateLimited, StreamBroken
from chainkit.testing import faults
from chainkit.testing.cassettes import Cassette, Exchange, cassette
from chainkit.testing.server import FaultServer

KEY = "sk-secret-0123456789abcdefghij"
WAYS = {
    "chat-completions": ("openai:gpt-x", {"api": "chat"}, "/v1"),
    "responses": ("openai:gpt-x", {"api": "responses"}, "/v1"),
    "messages": ("anthropic:claude-x", {"max_tokens": 9}, ""),
    "chat-v2": ("cohere:command-x", {}, ""),
}


def asking(server, shape="chat-completions", **more):
    spec, options, under = WAYS[shape]
    return model(spec, base_url=server.url + under, api_key=KEY, **options, **more)


def shown(chain, value):
    with chain.stream(value) as stream:
        return "".join(stream), stream.value


@pytest.mark.parametrize("carrier", ["httpx", "sdk"])
@pytest.mark.parametrize("shape", WAYS)
def test_a_replayed_answer_is_the_recorded_one_whole_and_streamed(tmp_path, shape, carrier):
    tape = tmp_path / "deep" / "tape.json"
    with FaultServer(faults.answer("Grüße 🌍 to all")) as server:
        chain = asking(server, shape, carrier=carrier)
        with cassette(tape, mode="record") as made:
            whole, streamed = chain.invoke("hi"), shown(chain, "hi")
        assert len(made.exchanges) == 2
    with cassette(tape) as played:
        assert chain.invoke("hi") == whole
        assert shown(chain, "hi") == streamed
        assert not played.unplayed
        assert asyncio.run(chain.ainvoke("hi")) == whole
    assert len(server.requests) == 2


def test_no_secret_is_on_the_tape(tmp_path):
    tape = tmp_path / "tape.json"
    answer = json.dumps({"choices": [{"message": {"content": f"your key is {KEY}"}}], "api_key": "hidden-one"})
    with FaultServer(
        faults.raw(answer, headers={"set-cookie": "session=hidden-two", "x-api-key": "hidden-three"})
    ) as server:
        with cassette(tape, mode="record"):
            asking(server).invoke(f"use {KEY} please")
    written = tape.read_text()
    assert KEY not in written
    assert "hidden" not in written
    assert "authorization" not in written.lower()


def test_an_answer_that_repeats_a_key_of_no_known_form_does_not_keep_it(tmp_path):
    with FaultServer("it is plain-words-as-a-key") as server, cassette(tmp_path / "t.json", mode="record"):
        model("openai:gpt-x", api="chat", base_url=server.url_v1, api_key="plain-words-as-a-key").invoke("hi")
    assert "plain-words" not in (tmp_path / "t.json").read_text()


def test_a_tape_made_through_one_carrier_plays_for_another(tmp_path):
    tape = tmp_path / "tape.json"
    with FaultServer() as server, cassette(tape, mode="record"):
        asking(server, carrier="httpx").invoke("hi")
    with cassette(tape):
        assert asking(server, carrier="sdk").invoke("hi").text == "ok"
        assert model("openai:gpt-x", api="chat").invoke("hi").text == "ok"


def test_replaying_needs_neither_key_nor_server(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    tape = tmp_path / "tape.json"
    with FaultServer("from the tape") as server, cassette(tape, mode="record"):
        asking(server).invoke("hi")
    program = f"""
from chainkit import model
from chainkit.testing import cassette
with cassette({str(tape)!r}):
    print(model("openai:gpt-x", api="chat").invoke("hi").text)
"""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=False)
    assert ran.stdout.strip() == "from the tape", ran.stderr


def test_the_same_request_gets_its_answers_in_order_and_then_the_last(tmp_path):
    tape = tmp_path / "tape.json"
    with FaultServer([faults.status(429, after=0.01), "one", "two"]) as server, cassette(tape, mode="record"):
        for _ in range(2):
            asking(server).invoke("hi")
    with cassette(tape):
        assert [asking(server).invoke("hi").text for _ in range(3)] == ["one", "two", "two"]
        with pytest.raises(RateLimited), cassette(tape):
            asking(server, attempts=1).invoke("hi")


def test_an_unknown_request_says_what_is_different(tmp_path):
    tape = tmp_path / "tape.json"
    with FaultServer() as server, cassette(tape, mode="record"):
        asking(server).invoke("hi")
    with cassette(tape), pytest.raises(ChainkitError) as caught:
        asking(server, temperature=0.5).invoke("hello")
    assert "messages[0].content: recorded 'hi', asked 'hello'" in str(caught.value)
    assert "temperature: recorded None, asked 0.5" in str(caught.value)
    assert 'mode="record"' in str(caught.value)


def test_a_missing_or_broken_tape_says_how_to_make_one(tmp_path):
    with pytest.raises(ChainkitError, match="record"), cassette(tmp_path / "none.json"):
        """Not reached."""
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ChainkitError, match="no cassette"):
        Cassette.load(tmp_path / "bad.json")


def test_a_stream_that_was_left_is_cut_on_the_tape_too(tmp_path):
    tape = tmp_path / "tape.json"
    with FaultServer(faults.stall(faults.answer("one two three"), after=600)) as server:
        with cassette(tape, mode="record"):
            with asking(server).stream("hi") as stream:
                assert next(stream) == "one "
        assert server.wait_idle()
    assert Cassette.load(tape).exchanges[0].cut
    with cassette(tape), pytest.raises(StreamBroken):
        shown(asking(server, attempts=1), "hi")


def test_a_tape_is_readable_and_comes_back_as_it_was(tmp_path):
    tape = Cassette()
    headers = {"content-type": "text/event-stream"}
    tape.add(Exchange("POST", "/v1/x", {"a": "ü"}, 200, headers, b"data: 1\n\ndata: 2\r\n\r\ndata: half"))
    tape.add(Exchange("POST", "/v1/x", {"a": 1}, 200, {}, b"\xff\x00"))
    tape.add(Exchange("POST", "/v1/x", {"a": 2}, 500, {}, b"<html>"))
    tape.save(tmp_path / "t.json")
    held = json.loads((tmp_path / "t.json").read_text())
    assert held["exchanges"][0]["response"]["events"] == ["data: 1\n\n", "data: 2\r\n\r\n", "data: half"]
    assert "ü" in (tmp_path / "t.json").read_text()
    assert Cassette.load(tmp_path / "t.json").exchanges == tape.exchanges


def test_what_stands_outside_the_with_is_not_touched(tmp_path):
    tape = tmp_path / "tape.json"
    with FaultServer("real") as server:
        chain = prompt("Say {{ word }}", word=str) | asking(server)
        with cassette(tape, mode="record"):
            chain.batch([{"word": w} for w in "abc"])
        with cassette(tape):
            assert [r.text for r in chain.batch([{"word": w} for w in "cba"])] == ["real"] * 3
        assert chain.invoke({"word": "d"}).text == "real"
        assert len(server.requests) == 4

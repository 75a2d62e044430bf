"""Each fault of the server, and what the run makes of it."""

from __future__ import annotations

import socket
import time

import pytest

from chainkit import Run, model
from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    ChainkitError,
    ConnectionFailed,
    DeadlineExceeded,
    ProviderError,
    RateLimited,
    ReplyMalformed,
    ServerError,
    StreamBroken,
)
from chainkit.testing import faults
from chainkit.testing.server import FaultServer

WAYS = {
    "chat-completions": ("openai:gpt-x", "chat", "/v1"),
    "responses": ("openai:gpt-x", "responses", "/v1"),
    "messages": ("anthropic:claude-x", "messages", ""),
    "chat-v2": ("cohere:command-x", "chat", ""),
}
LONG = "one two three four five six seven eight nine ten"


def ask(server, shape="chat-completions", attempts=1):
    spec, api, under = WAYS[shape]
    more = {"max_tokens": 100} if shape == "messages" else {}
    return model(spec, api=api, base_url=server.url + under, api_key="none", attempts=attempts, carrier="httpx", **more)


def streamed(chain, **more):
    with chain.stream("hi", **more) as stream:
        return "".join(stream)


@pytest.mark.parametrize("shape", WAYS)
@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [(400, BadRequest), (401, AuthenticationError), (429, RateLimited), (500, ServerError), (529, ServerError)],
)
def test_a_refusal_has_its_class_in_every_wire_format(shape, mode, code, kind):
    with FaultServer(faults.status(code, "no, not now")) as server:
        chain = ask(server, shape)
        with pytest.raises(kind, match="no, not now") as caught:
            chain.invoke("hi") if mode == "whole" else streamed(chain)
        assert caught.value.status == code


@pytest.mark.parametrize(("form", "low", "high"), [("seconds", 7, 7), ("date", 4, 8), ("ms", 7, 7)])
def test_each_form_of_retry_after_is_told_and_read(form, low, high):
    with FaultServer(faults.status(429, after=7, form=form)) as server:
        with pytest.raises(RateLimited) as caught:
            ask(server).invoke("hi")
        assert low <= caught.value.retry_after <= high


@pytest.mark.parametrize("shape", WAYS)
@pytest.mark.parametrize("spoil", [faults.comments, faults.crlf, faults.no_last_blank_line, faults.split_characters])
def test_odd_streams_are_read_as_they_are_meant(shape, spoil):
    text = "Schön 世界 🌍 now"
    with FaultServer(spoil(faults.answer(text)), seed=11) as server:
        assert streamed(ask(server, shape)) == text


@pytest.mark.parametrize("mode", ["whole", "stream"])
def test_a_compressed_answer_is_read(mode):
    with FaultServer(faults.gzipped(faults.answer(LONG))) as server:
        chain = ask(server)
        assert (chain.invoke("hi").text if mode == "whole" else streamed(chain)) == LONG


@pytest.mark.parametrize(
    "spoiled",
    [faults.bad_json(), faults.truncated_json(), faults.empty_body(), faults.web_page()],
    ids=["bad", "truncated", "empty", "page"],
)
def test_what_is_no_answer_is_malformed(spoiled):
    with FaultServer(spoiled) as server, pytest.raises(ReplyMalformed):
        ask(server).invoke("hi")


@pytest.mark.parametrize("shape", WAYS)
def test_a_stream_that_is_none_is_an_error(shape):
    for spoiled in (faults.bad_json(), faults.empty_stream(), faults.web_page(), faults.truncated_json()):
        with FaultServer(spoiled) as server, pytest.raises((ReplyMalformed, StreamBroken)):
            streamed(ask(server, shape))


def test_an_answer_under_another_content_type_is_still_read():
    with FaultServer(faults.wrong_type(faults.answer("hello"))) as server:
        assert ask(server).invoke("hi").text == "hello"
        assert streamed(ask(server)) == "hello"


@pytest.mark.parametrize("shape", WAYS)
def test_an_error_inside_a_stream_is_raised_and_not_taken_for_an_end(shape):
    with FaultServer(faults.error_in_stream(3, faults.answer(LONG))) as server:
        with pytest.raises(ProviderError, match="overloaded"):
            streamed(ask(server, shape))


@pytest.mark.parametrize("after", [-1, 0, 10])
@pytest.mark.parametrize("end", [faults.cut, faults.reset])
def test_a_whole_answer_that_is_cut_is_a_connection_that_failed(end, after):
    with FaultServer(end(faults.answer(LONG), after=after)) as server, pytest.raises(ConnectionFailed):
        ask(server).invoke("hi")


@pytest.mark.parametrize("end", [faults.cut, faults.reset])
def test_a_stream_that_is_cut_is_broken_and_keeps_what_was_shown(end):
    with FaultServer(end(faults.answer(LONG), after=900)) as server:
        with pytest.raises(StreamBroken) as caught:
            streamed(ask(server))
        assert LONG.startswith(caught.value.partial)
        assert server.wait_closed()


def test_a_stalled_answer_ends_at_the_deadline_and_leaves_nothing_open():
    for behaviour in (faults.stall(), faults.stall(faults.answer(LONG), after=5), faults.drip(every=0.02)):
        with FaultServer(behaviour) as server:
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                ask(server).invoke("hi", run=Run(deadline=0.1))
            assert time.monotonic() - began < 0.5
            assert server.wait_idle(1)


def test_a_kept_connection_that_was_closed_between_requests_costs_no_attempt():
    with FaultServer(faults.leave()) as server:
        chain = ask(server)
        for _ in range(3):
            assert chain.invoke("hi").text == "ok"
            assert server.wait_closed()
        assert len(server.requests) == 3


def test_a_redirect_is_not_followed():
    with FaultServer(faults.redirect("http://127.0.0.1:1/elsewhere")) as server:
        with pytest.raises(BadRequest, match="redirect"):
            ask(server).invoke("hi")


def test_requests_are_recorded_without_their_secrets():
    with FaultServer() as server:
        model("openai:gpt-x", api="chat", base_url=server.url_v1, api_key="sk-" + "a" * 30).invoke("hi")
        (seen,) = server.requests
        assert seen.headers["authorization"] == "Bearer ***"
        assert seen.json["messages"][0]["content"] == "hi"
        assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")


def test_a_behaviour_may_depend_on_what_was_asked():
    with FaultServer(lambda seen: seen.json["messages"][-1]["content"].upper()) as server:
        assert ask(server).invoke("hello").text == "HELLO"


def test_the_last_behaviour_goes_on():
    with FaultServer(["one", "two"]) as server:
        assert [ask(server).invoke("x").text for _ in range(3)] == ["one", "two", "two"]


def test_a_chunked_request_is_read_too():
    with (
        FaultServer("hello") as server,
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as s,
    ):
        s.sendall(b'POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n')
        assert s.recv(15) == b"HTTP/1.1 200 OK"
        assert server.requests[0].json == {"a": 1}


def test_waiting_for_an_end_that_does_not_come_says_so():
    with (
        FaultServer(faults.stall()) as server,
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as s,
    ):
        s.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert server.wait_busy()
        assert not server.wait_idle(0.01)
        s.close()
        assert server.wait_idle()
        assert server.wait_closed()


def test_an_error_tells_the_place_and_no_key():
    with FaultServer(faults.status(401, "Incorrect API key provided: sk-abcdefghijklmnop.")) as server:
        with pytest.raises(ChainkitError) as caught:
            ask(server).invoke("hi")
        assert "abcdefghijkl" not in str(caught.value) + repr(caught.value)

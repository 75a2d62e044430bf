"""Our own carrier, over blocking sockets and on a loop: both do the same."""

from __future__ import annotations

import threading
import time
import traceback
import zlib
from concurrent.futures import ThreadPoolExecutor
from gzip import compress
from typing import Any

import pytest
from loopback import CLOSE, RESET, chunk, head, whole

from chainkit.errors import BadRequest, ConnectionFailed, DeadlineExceeded, ReplyMalformed
from chainkit.run.carriers import blocking_socket, loop_socket, pool
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.threads import driven
from chainkit.run.carriers.wire import HttpRequest

SECRET = "sk-" + "secret"


def test_an_answer_has_its_status_headers_in_lower_case_and_its_body(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(b"so " + seen.body, "X-Request-ID: r1", status="418 Teapot")])
    status, headers, body = talk.ask(server.url + "/v1/chat?a=b", b"it is", authorization="Bearer k")
    assert (status, headers["x-request-id"], body) == (418, "r1", b"so it is")
    seen = server.seen[0]
    assert (seen.method, seen.target, seen.headers["authorization"]) == ("POST", "/v1/chat?a=b", "Bearer k")
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"


def test_the_next_request_goes_over_the_same_connection(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])
    assert [talk.ask(server.url, b"%d" % n)[2] for n in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert server.connections == 1


@pytest.mark.parametrize("header", ["Connection: close", "Keep-Alive: timeout=1"])
def test_a_connection_that_the_server_will_not_keep_is_not_kept(serve: Any, talk: Any, header: str) -> None:
    server = serve(lambda seen: [whole(seen.body, header)])
    talk.ask(server.url)
    talk.ask(server.url)
    assert server.connections == 2


def test_what_a_server_says_unasked_never_answers_the_next_request(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(seen.body) + whole(b"of another")])
    assert talk.ask(server.url, b"one")[2] == b"one"
    assert talk.ask(server.url, b"two")[2] == b"two"


def test_chunks_come_as_they_are_sent(serve: Any, talk: Any) -> None:
    more = threading.Event()
    server = serve(lambda _: [head(), chunk(b"one"), more, chunk(b"two") + chunk(b"")])

    async def work() -> list[bytes]:
        response = await talk.carrier.open(HttpRequest("POST", server.url, {}, b"", stream=True), until=None)
        found = [await response.chunk()]
        more.set()
        found += [await response.chunk(), await response.chunk(), await response.chunk()]
        await response.close(whole=True)
        return found

    assert talk.do(work()) == [b"one", b"two", b"", b""]
    talk.ask(server.url)
    assert server.connections == 1


def test_an_answer_that_is_left_early_closes_its_socket(serve: Any, talk: Any) -> None:
    server = serve(lambda _: [head(), chunk(b"one"), threading.Event()])

    async def work() -> None:
        response = await talk.carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        await response.chunk()
        await response.close(whole=False)

    talk.do(work())
    talk.turn()
    assert server.was_left()


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_unseen(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(seen.body), *([CLOSE] if len(server.seen) == 1 else [])])
    assert talk.ask(server.url, b"one")[2] == b"one"
    assert talk.do(_until_stale(talk.carrier))
    assert talk.ask(server.url, b"two")[2] == b"two"
    assert [s.body for s in server.seen] == [b"one", b"two"]


async def _until_stale(carrier: Any) -> bool:
    """Turn until the one resting connection has noticed its end."""
    import asyncio

    connection = next(iter(carrier._servers.values()))._idle[0]
    for _ in range(1000):
        if connection.socket.stale:
            return True
        if isinstance(connection.socket, loop_socket.LoopSocket):
            await asyncio.sleep(0.005)
        else:
            threading.Event().wait(0.005)
    return False


@pytest.mark.parametrize("ending", [CLOSE, RESET])
def test_a_rested_connection_that_ends_unanswered_is_asked_once_more_on_a_fresh_one(
    serve: Any, talk: Any, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(pool, "_QUIET", -1.0)
    server = serve(lambda seen: [ending] if len(server.seen) == 2 else [whole(seen.body)])
    talk.ask(server.url, b"one")
    assert talk.ask(server.url, b"two")[2] == b"two"
    assert [s.body for s in server.seen] == [b"one", b"two", b"two"]


@pytest.mark.parametrize("ending", [CLOSE, RESET])
def test_a_fresh_connection_that_ends_unanswered_is_never_asked_again(serve: Any, talk: Any, ending: str) -> None:
    server = serve(lambda _: [ending])
    with pytest.raises(ConnectionFailed, match="closed the connection") as caught:
        talk.ask(server.url)
    assert caught.value.code == "lost"
    assert len(server.seen) == 1


def test_a_busy_connection_that_ends_unanswered_is_not_asked_again_unseen(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [CLOSE] if len(server.seen) == 2 else [whole(seen.body)])
    talk.ask(server.url)
    with pytest.raises(ConnectionFailed):
        talk.ask(server.url)
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CLOSE],
        [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE],
        [head(), chunk(b"half"), CLOSE],
        [head(), b"5\r\nha", CLOSE],
    ],
)
def test_an_answer_cut_short_is_a_lost_connection(serve: Any, talk: Any, answer: list[Any]) -> None:
    server = serve(lambda _: answer)
    with pytest.raises(ConnectionFailed) as caught:
        talk.ask(server.url)
    assert caught.value.code == "lost"
    assert str(server.port) in caught.value.message


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n", head() + b"zz\r\n"])
def test_what_is_no_http_is_a_malformed_reply(serve: Any, talk: Any, answer: bytes) -> None:
    server = serve(lambda _: [answer, threading.Event()])
    with pytest.raises(ReplyMalformed, match=r"HTTP/1\.1"):
        talk.ask(server.url)


def test_what_came_before_a_broken_chunk_is_still_given(serve: Any, talk: Any) -> None:
    server = serve(lambda _: [head() + chunk(b"good") + b"zz\r\n", threading.Event()])

    async def work() -> bytes:
        response = await talk.carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        try:
            first = await response.chunk()
            with pytest.raises(ReplyMalformed):
                await response.chunk()
            return bytes(first)
        finally:
            await response.close(whole=False)

    assert talk.do(work()) == b"good"


def _bare(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", compress(b"tell " * 999, mtime=0)),
        ("deflate", zlib.compress(b"tell " * 999)),
        ("deflate", _bare(b"tell " * 999)),
    ],
    ids=["gzip", "zlib", "bare deflate"],
)
def test_a_compressed_body_is_undone_however_it_is_cut(serve: Any, talk: Any, encoding: str, data: bytes) -> None:
    pieces = [chunk(data[i : i + 1]) for i in range(4)] + [chunk(data[4:]), chunk(b"")]
    server = serve(lambda _: [head(f"Content-Encoding: {encoding}"), *pieces])
    assert talk.ask(server.url)[2] == b"tell " * 999


def test_a_compression_nobody_asked_for_is_a_malformed_reply(serve: Any, talk: Any) -> None:
    server = serve(lambda _: [whole(b"x", "Content-Encoding: br")])
    with pytest.raises(ReplyMalformed, match="'br'"):
        talk.ask(server.url)


def test_a_broken_compression_is_a_malformed_reply(serve: Any, talk: Any) -> None:
    server = serve(lambda _: [whole(b"no gzip at all", "Content-Encoding: gzip")])
    with pytest.raises(ReplyMalformed, match="compression"):
        talk.ask(server.url)


def test_a_stream_is_asked_for_uncompressed(serve: Any, talk: Any) -> None:
    server = serve(lambda _: [whole(b"")])

    async def work() -> None:
        response = await talk.carrier.open(HttpRequest("POST", server.url, {}, b"", stream=True), until=None)
        await response.close(whole=True)

    talk.do(work())
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_a_server_that_is_not_there_is_named_with_a_cure(serve: Any, talk: Any) -> None:
    server = serve(lambda _: [])
    server.stop()
    with pytest.raises(ConnectionFailed, match=f"could not connect to 127.0.0.1:{server.port}") as caught:
        talk.ask(server.url)
    assert "base_url" in str(caught.value)
    assert caught.value.code == "unreachable"


def test_a_silent_server_is_given_up_after_a_while(serve: Any, talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking_socket, "READ_SECONDS", 0.05)
    monkeypatch.setattr(loop_socket, "READ_SECONDS", 0.05)
    server = serve(lambda _: [threading.Event()])
    with pytest.raises(ConnectionFailed, match="sent nothing") as caught:
        talk.ask(server.url)
    assert caught.value.code == "timeout"
    assert len(server.seen) == 1


def test_a_refusal_before_the_whole_request_was_read_is_heard(serve: Any, talk: Any) -> None:
    server = serve(lambda _: [whole(b"too large", "Connection: close", status="413 Too Large"), CLOSE])
    assert talk.ask(server.url, b"x" * 100_000)[:1] == (413,)


def test_a_large_request_and_a_large_answer_arrive_whole(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])
    body = bytes(range(256)) * 12_000
    assert talk.ask(server.url, body)[2] == body


def test_a_key_with_a_line_break_is_refused_and_not_shown(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])
    with pytest.raises(BadRequest, match="authorization") as caught:
        talk.ask(server.url, authorization=f"Bearer {SECRET}\r\nx: y")
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert server.seen == []


@pytest.mark.parametrize("url", ["ftp://example.test", "not a url", "http://", "http://x:99999"])
def test_what_is_no_url_is_refused(talk: Any, url: str) -> None:
    with pytest.raises(BadRequest, match="base_url"):
        talk.ask(url)


def test_a_request_shows_no_secret() -> None:
    shown = repr(HttpRequest("POST", "http://x.test", {"authorization": "Bearer sk-secret"}, b"body"))
    assert "sk-secret" not in shown
    assert "authorization" in shown


def test_fifty_threads_share_a_carrier_and_each_gets_its_own_answer(serve: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])
    carrier = PooledCarrier(blocking_socket.dial)

    async def one(body: bytes) -> bytes:
        response = await carrier.open(HttpRequest("POST", server.url, {}, body), until=None)
        try:
            return bytes(await response.read())
        finally:
            await response.close(whole=True)

    bodies = [b"%d" % n for n in range(500)]
    with ThreadPoolExecutor(50) as threads:
        assert list(threads.map(lambda body: driven(one(body)), bodies)) == bodies
    assert server.connections <= 50
    carrier.close()


def test_a_carrier_that_was_closed_lets_the_answer_under_way_end(serve: Any, talk: Any) -> None:
    more = threading.Event()
    server = serve(lambda _: [head(), chunk(b"one"), more, chunk(b"two") + chunk(b"")])

    async def work() -> bytes:
        response = await talk.carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        talk.carrier.close()
        more.set()
        body = await response.read()
        await response.close(whole=True)
        return bytes(body)

    assert talk.do(work()) == b"onetwo"
    talk.turn()
    assert server.was_left()


def drip(first: bytes, rest: bytes) -> list[Any]:
    steps: list[Any] = [first]
    for byte in rest:
        steps += [0.02, bytes([byte])]
    return steps


@pytest.mark.parametrize(
    "answer",
    [
        [threading.Event()],
        drip(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 900\r\nX-Long: " + b"y" * 500),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x" * 500),
        drip(head(), b"1\r\nx\r\n" * 100),
    ],
    ids=["silence", "dripping headers", "dripping body", "dripping chunks"],
)
def test_a_blocking_socket_keeps_the_deadline_whatever_the_server_does(serve: Any, answer: list[Any]) -> None:
    server = serve(lambda _: answer)
    carrier = PooledCarrier(blocking_socket.dial)

    async def work(until: float) -> None:
        response = await carrier.open(HttpRequest("POST", server.url, {}, b""), until=until)
        try:
            await response.read()
        finally:
            await response.close(whole=False)

    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        driven(work(begun + 0.25))
    assert 0.2 < time.monotonic() - begun < 1.0
    assert server.was_left()


def test_a_blocking_socket_keeps_the_deadline_while_the_server_reads_nothing(serve: Any) -> None:
    server = serve(lambda _: [])
    server._read = lambda *_: threading.Event().wait(20)
    carrier = PooledCarrier(blocking_socket.dial)
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        driven(carrier.open(HttpRequest("POST", server.url, {}, b"x" * 30_000_000), until=begun + 0.25))
    assert time.monotonic() - begun < 1.0


def test_a_deadline_that_is_over_sends_nothing(serve: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])
    carrier = PooledCarrier(blocking_socket.dial)
    with pytest.raises(DeadlineExceeded):
        driven(carrier.open(HttpRequest("POST", server.url, {}, b""), until=time.monotonic() - 1))
    assert server.seen == []


def test_a_resting_connection_forgets_the_deadline_of_the_call_before(serve: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])
    carrier = PooledCarrier(blocking_socket.dial)

    async def one(until: float | None) -> bytes:
        response = await carrier.open(HttpRequest("POST", server.url, {}, b"x"), until=until)
        body = await response.read()
        await response.close(whole=True)
        return bytes(body)

    driven(one(time.monotonic() + 0.05))
    threading.Event().wait(0.06)
    assert driven(one(None)) == b"x"
    assert server.connections == 1
    carrier.close()


def test_a_server_may_think_as_long_as_the_deadline_allows(
    serve: Any, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking_socket, "READ_SECONDS", 0.05)
    monkeypatch.setattr(loop_socket, "READ_SECONDS", 0.05)
    server = serve(lambda seen: [0.2, whole(seen.body)])
    assert talk.ask(server.url, b"slow", until=time.monotonic() + 10)[2] == b"slow"

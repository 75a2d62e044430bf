"""Clients that were handed over: httpx, httpx2, aiohttp; in both modes."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
from loopback import CLOSE, chunk, head, whole

from chainkit.errors import BadRequest, CompositionError, ConnectionFailed, DeadlineExceeded, MissingExtra
from chainkit.models.provider import Account
from chainkit.run.carriers import loop_aiohttp
from chainkit.run.carriers.clients import CLIENTS
from chainkit.run.carriers.threads import driven
from chainkit.run.carriers.wire import HttpRequest
from chainkit.run.io import Blocking, Loop

BLOCKING = Blocking()
SECRET = "sk-" + "secret"


async def ask(carrier: Any, url: str, body: bytes = b"{}", until: float | None = None, **headers: str) -> bytes:
    response = await carrier.open(HttpRequest("POST", url, headers, body), until=until)
    try:
        return bytes(await response.read())
    finally:
        await response.close(whole=True)


async def pieces(carrier: Any, url: str) -> list[bytes]:
    response = await carrier.open(HttpRequest("POST", url, {}, b"-", stream=True), until=None)
    found: list[bytes] = []
    try:
        while data := await response.chunk():
            found.append(bytes(data))
    finally:
        await response.close(whole=True)
    return found


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_sync_client_is_used_as_it_is_by_a_blocking_call(serve: Any, library: Any) -> None:
    server = serve(lambda seen: [head("X-One: 1"), chunk(seen.headers["x-mine"].encode()), chunk(b"two"), chunk(b"")])
    with library.Client(headers={"x-mine": "yes"}) as client:
        carrier = CLIENTS.carrier(Account("x", client=client), BLOCKING, server.url)
        assert b"".join(driven(pieces(carrier, server.url))) == b"yestwo"
        assert driven(ask(carrier, server.url)) == b"yestwo"
        CLIENTS.close_all()
        assert not client.is_closed
    assert server.connections == 1


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_sync_client_on_a_loop_waits_in_a_worker(serve: Any, library: Any) -> None:
    server = serve(lambda seen: [head(), chunk(seen.body), chunk(b"two"), chunk(b"")])

    async def work() -> tuple[bytes, bytes]:
        with library.Client() as client:
            carrier = CLIENTS.carrier(Account("x", client=client), Loop(), server.url)
            return await ask(carrier, server.url, b"one"), b"".join(await pieces(carrier, server.url))

    assert asyncio.run(work()) == (b"onetwo", b"-two")


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_async_client_is_used_on_a_loop(serve: Any, library: Any) -> None:
    server = serve(lambda seen: [head(), chunk(seen.body), chunk(b"two"), chunk(b"")])

    async def work() -> bytes:
        async with library.AsyncClient() as client:
            carrier = CLIENTS.carrier(Account("x", client=client), Loop(), server.url)
            return await ask(carrier, server.url, b"one") + b"".join(await pieces(carrier, server.url))

    assert asyncio.run(work()) == b"onetwo-two"


def test_an_async_client_in_a_blocking_call_is_refused_with_the_cure() -> None:
    account = Account("x", client=httpx.AsyncClient())
    with pytest.raises(CompositionError, match="AsyncClient") as caught:
        CLIENTS.carrier(account, BLOCKING, "http://a.test")
    assert "ainvoke" in str(caught.value)


def test_an_async_client_in_a_blocking_call_goes_by_way_of_the_loop_it_was_used_on(serve: Any) -> None:
    server = serve(lambda seen: [head(), chunk(seen.body), chunk(b"two"), chunk(b"")])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    client = httpx.AsyncClient()
    account = Account("x", client=client)

    async def there() -> bytes:
        return await ask(CLIENTS.carrier(account, Loop(), server.url), server.url, b"there ")

    try:
        assert asyncio.run_coroutine_threadsafe(there(), loop).result(5) == b"there two"
        carrier = CLIENTS.carrier(account, BLOCKING, server.url)
        assert driven(ask(carrier, server.url, b"here ")) == b"here two"
        assert driven(pieces(carrier, server.url))[-1] == b"two"
    finally:
        asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    assert server.connections == 1


def test_a_redirect_is_not_followed(serve: Any) -> None:
    server = serve(lambda _: [whole(b"", "Location: http://elsewhere.test", status="307 Temporary Redirect")])
    with httpx.Client(follow_redirects=True) as client:
        carrier = CLIENTS.carrier(Account("x", client=client), BLOCKING, server.url)
        assert driven(ask(carrier, server.url)) == b""
    assert len(server.seen) == 1


def test_the_deadline_cuts_a_handed_clients_timeouts(serve: Any) -> None:
    server = serve(lambda _: [threading.Event()])
    with httpx.Client(timeout=60) as client:
        carrier = CLIENTS.carrier(Account("x", client=client), BLOCKING, server.url)
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            driven(ask(carrier, server.url, until=begun + 0.2))
        assert time.monotonic() - begun < 1.0


def test_the_deadline_is_looked_at_between_the_reads_of_a_handed_client(serve: Any) -> None:
    server = serve(lambda _: [head(), *[step for _ in range(200) for step in (0.02, chunk(b"x"))]])
    with httpx.Client(timeout=60) as client:
        carrier = CLIENTS.carrier(Account("x", client=client), BLOCKING, server.url)
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            driven(ask(carrier, server.url, until=begun + 0.2))
        assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize(
    ("answer", "code"), [([CLOSE], "lost"), ([head(), chunk(b"x"), CLOSE], "lost"), ([threading.Event()], "timeout")]
)
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_handed_clients_errors_come_under_our_names(serve: Any, library: Any, answer: list[Any], code: str) -> None:
    server = serve(lambda _: answer)
    with library.Client(timeout=0.2) as client:
        carrier = CLIENTS.carrier(Account("x", client=client), BLOCKING, server.url)
        with pytest.raises(ConnectionFailed) as caught:
            driven(ask(carrier, server.url))
    assert caught.value.code == code


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_handed_client_never_shows_a_key_that_http_refuses(serve: Any, library: Any) -> None:
    server = serve(lambda _: [whole(b"")])
    with library.Client() as client:
        carrier = CLIENTS.carrier(Account("x", client=client), BLOCKING, server.url)
        with pytest.raises(BadRequest) as caught:
            driven(ask(carrier, server.url, authorization=f"Bearer {SECRET}\n"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_call_on_a_loop_that_is_cancelled_while_a_worker_sends_leaves_no_open_answer(serve: Any) -> None:
    asked, more = threading.Event(), threading.Event()

    def tell(_: object) -> list[Any]:
        asked.set()
        return [more, head(), chunk(b"one"), threading.Event()]

    server = serve(tell)
    with httpx.Client() as client:

        async def work() -> None:
            carrier = CLIENTS.carrier(Account("x", client=client), Loop(), server.url)
            task = asyncio.create_task(ask(carrier, server.url))
            await asyncio.to_thread(asked.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            more.set()
            assert await asyncio.to_thread(server.was_left)

        asyncio.run(work())


def test_aiohttp_carries_requests_and_streams_and_keeps_its_connection(serve: Any) -> None:
    server = serve(lambda seen: [head("X-One: 1"), chunk(seen.body), chunk(b"two"), chunk(b"")])

    async def work() -> tuple[bytes, bytes]:
        carrier = CLIENTS.carrier(Account("x", carrier="aiohttp"), Loop(), server.url)
        assert type(carrier).__name__ == "AiohttpCarrier"
        return await ask(carrier, server.url, b"one"), b"".join(await pieces(carrier, server.url))

    assert asyncio.run(work()) == (b"onetwo", b"-two")
    assert server.connections == 1
    assert server.was_left()


def test_an_aiohttp_session_handed_over_is_used_as_it_is(serve: Any) -> None:
    server = serve(lambda seen: [whole(seen.headers["x-mine"].encode())])

    async def work() -> bytes:
        async with aiohttp.ClientSession(headers={"x-mine": "yes"}) as session:
            carrier = CLIENTS.carrier(Account("x", client=session), Loop(), server.url)
            found = await ask(carrier, server.url)
            carrier.close()
            assert not session.closed
            return found

    assert asyncio.run(work()) == b"yes"


def test_aiohttp_in_a_blocking_call_is_our_own_carrier() -> None:
    carrier = CLIENTS.carrier(Account("x", carrier="aiohttp"), BLOCKING, "http://a.test")
    assert type(carrier).__name__ == "PooledCarrier"


def test_without_aiohttp_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(MissingExtra) as caught:
        loop_aiohttp.library()
    assert "pip install 'chainkit[aiohttp]'" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([CLOSE], ConnectionFailed),
        ([head(), chunk(b"x"), CLOSE], ConnectionFailed),
        ([b"HTTP/1.1 banana\r\n\r\n", threading.Event()], ConnectionFailed),
    ],
)
def test_aiohttps_errors_come_under_our_names(serve: Any, answer: list[Any], error: type[Exception]) -> None:
    server = serve(lambda _: answer)

    async def work() -> None:
        carrier = CLIENTS.carrier(Account("x", carrier="aiohttp"), Loop(), server.url)
        with pytest.raises(error):
            await ask(carrier, server.url)

    asyncio.run(work())


def test_aiohttp_never_shows_a_key_that_http_refuses(serve: Any) -> None:
    server = serve(lambda _: [whole(b"")])

    async def work() -> str:
        carrier = CLIENTS.carrier(Account("x", carrier="aiohttp"), Loop(), server.url)
        with pytest.raises(BadRequest) as caught:
            await ask(carrier, server.url, authorization=f"Bearer {SECRET}\r\nx: y")
        return "".join(traceback.format_exception(caught.value))

    assert SECRET not in asyncio.run(work())


def test_a_cancelled_aiohttp_call_closes_its_socket(serve: Any) -> None:
    asked = threading.Event()

    def tell(_: object) -> list[Any]:
        asked.set()
        return [head(), chunk(b"one"), threading.Event()]

    server = serve(tell)

    async def call(carrier: Any) -> None:
        response = await carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        try:
            await response.read()
        finally:
            await response.close(whole=False)

    async def work() -> bool:
        carrier = CLIENTS.carrier(Account("x", carrier="aiohttp"), Loop(), server.url)
        task = asyncio.create_task(call(carrier))
        await asyncio.to_thread(asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(server.was_left)

    assert asyncio.run(work())

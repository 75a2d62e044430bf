"""What only a loop can do: cancel, end, and hold many calls at once."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from typing import Any

import pytest
from loopback import chunk, head, whole

from chainkit.models.provider import Account
from chainkit.run.carriers import loop_socket
from chainkit.run.carriers.clients import Clients
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.wire import HttpRequest
from chainkit.run.io import Loop


@pytest.mark.parametrize(
    "answer", [[], [b"HTTP/1.1 200 OK\r\n"], [head(), chunk(b"one")]], ids=["asked", "head", "body"]
)
def test_a_cancelled_call_closes_its_socket_at_once(serve: Any, answer: list[Any]) -> None:
    asked = threading.Event()

    def tell(_: object) -> list[Any]:
        asked.set()
        return [*answer, threading.Event()]

    server = serve(tell)
    carrier = PooledCarrier(loop_socket.dial)

    async def call() -> None:
        response = await carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        try:
            await response.read()
        finally:
            await response.close(whole=False)

    async def work() -> bool:
        task = asyncio.create_task(call())
        await asyncio.to_thread(asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(server.was_left)

    assert asyncio.run(work())


def test_two_event_loops_one_after_the_other_each_get_their_answer_and_leave_nothing_open(serve: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])
    table = Clients()

    async def work() -> bytes:
        carrier = table.carrier(Account("x"), Loop(), server.url)
        response = await carrier.open(HttpRequest("POST", server.url, {}, b"hello"), until=None)
        body = await response.read()
        await response.close(whole=True)
        return bytes(body)

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        assert [asyncio.run(work()), asyncio.run(work())] == [b"hello", b"hello"]
        assert server.was_left()
        assert server.was_left()
        gc.collect()


def test_a_thousand_calls_at_once_share_one_carrier(serve: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)])

    async def one(carrier: PooledCarrier, n: int) -> bool:
        response = await carrier.open(HttpRequest("POST", server.url, {}, b"%d" % n), until=None)
        body = await response.read()
        await response.close(whole=True)
        return bytes(body) == b"%d" % n

    async def work() -> bool:
        carrier = PooledCarrier(loop_socket.dial)
        found = [await asyncio.gather(*(one(carrier, n) for n in range(200))) for _ in range(5)]
        carrier.close()
        await asyncio.sleep(0)
        return all(all(row) for row in found)

    assert asyncio.run(work())
    assert server.connections == 200


def test_a_slow_reader_makes_the_server_wait(serve: Any) -> None:
    part = b"x" * 100_000
    server = serve(lambda _: [head(), *[chunk(part) for _ in range(100)], chunk(b"")])

    async def work() -> tuple[int, int]:
        carrier = PooledCarrier(loop_socket.dial)
        response = await carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        await asyncio.sleep(0.1)
        held = response._connection.socket._size  # type: ignore[union-attr]
        size = len(await response.read())
        await response.close(whole=True)
        carrier.close()
        return held, size

    held, size = asyncio.run(work())
    assert size == 10_000_000
    assert held < 1_000_000

"""Who holds the carriers, and what becomes of them."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest
from loopback import chunk, head, whole

from chainkit.errors import CompositionError
from chainkit.models.provider import Account
from chainkit.run.carriers.clients import CLIENTS, Clients
from chainkit.run.carriers.threads import driven
from chainkit.run.carriers.wire import HttpRequest
from chainkit.run.io import Blocking, Loop

BLOCKING = Blocking()


async def ask(carrier: Any, url: str, body: bytes) -> bytes:
    response = await carrier.open(HttpRequest("POST", url, {}, body), until=None)
    try:
        return bytes(await response.read())
    finally:
        await response.close(whole=True)


def test_an_account_has_one_blocking_carrier_and_one_for_each_loop() -> None:
    table, account = Clients(), Account("x")
    blocking = table.carrier(account, BLOCKING, "http://a.test")

    async def on_loop() -> tuple[Any, Any]:
        return table.carrier(account, Loop(), "http://a.test"), table.carrier(account, Loop(), "http://a.test")

    first, again = asyncio.run(on_loop())
    other, _ = asyncio.run(on_loop())
    assert first is again
    assert table.carrier(Account("x"), Blocking(), "http://a.test") is blocking
    assert len({id(blocking), id(first), id(other)}) == 3


@pytest.mark.parametrize("other", [Account("x", api_key="k"), Account("y"), Account("x", carrier="aiohttp")])
def test_another_account_has_another_carrier(other: Account) -> None:
    table = Clients()
    assert table.carrier(Account("x"), BLOCKING, "http://a.test") is not table.carrier(other, BLOCKING, "http://a.test")


def test_the_table_is_bounded_and_what_falls_out_ends_its_call_first(serve: Any) -> None:
    more = threading.Event()
    server = serve(lambda _: [head(), chunk(b"one"), more, chunk(b"two") + chunk(b"")])
    table = Clients(most=2)

    async def work() -> bytes:
        carrier = table.carrier(Account("x", api_key="0"), BLOCKING, server.url)
        response = await carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        for n in range(1, 6):
            table.carrier(Account("x", api_key=str(n)), BLOCKING, server.url)
        more.set()
        body = await response.read()
        await response.close(whole=True)
        return bytes(body)

    assert driven(work()) == b"onetwo"
    assert len(table._held) == 2
    assert server.was_left()


def test_the_carrier_of_a_closed_loop_is_dropped() -> None:
    table = Clients()

    async def on_loop() -> None:
        table.carrier(Account("x"), Loop(), "http://a.test")

    for _ in range(3):
        asyncio.run(on_loop())
    assert (len(table._held), len(table._watches)) == (0, 0)
    for _ in range(3):
        rough = asyncio.new_event_loop()
        rough.run_until_complete(on_loop())
        rough.close()
    asyncio.run(on_loop())
    table.carrier(Account("y"), BLOCKING, "http://a.test")
    assert (len(table._held), len(table._watches)) == (1, 0)


@pytest.mark.parametrize("kind", ["httpx", "aiohttp"])
def test_what_falls_out_of_the_table_on_a_loop_ends_its_call_first(serve: Any, kind: Any) -> None:
    more = threading.Event()
    server = serve(lambda _: [head(), chunk(b"one"), more, chunk(b"two") + chunk(b"")])
    table = Clients(most=2)

    async def work() -> bytes:
        carrier = table.carrier(Account("x", api_key="0", carrier=kind), Loop(), server.url)
        response = await carrier.open(HttpRequest("POST", server.url, {}, b""), until=None)
        for n in range(1, 6):
            table.carrier(Account("x", api_key=str(n)), Loop(), server.url)
        await asyncio.sleep(0)
        more.set()
        body = await response.read()
        await response.close(whole=True)
        return bytes(body)

    assert asyncio.run(work()) == b"onetwo"
    assert server.was_left()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork_parent_and_child_each_get_their_own_answers(serve: Any) -> None:
    server = serve(lambda seen: [0.2 if b"slow" in seen.body else 0.0, whole(seen.body)])
    account = Account("forked")

    def one(body: bytes) -> bytes:
        return driven(ask(CLIENTS.carrier(account, BLOCKING, server.url), server.url, body))

    one(b"warm")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, one(b"child slow"))
        finally:
            os._exit(0)
    assert one(b"parent slow") == b"parent slow"
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"child slow"
    assert one(b"parent again") == b"parent again"
    assert server.connections == 2


def test_a_client_that_is_none_is_refused_with_what_would_do() -> None:
    with pytest.raises(CompositionError, match="builtins.dict") as caught:
        Clients().carrier(Account("acme", client={}), BLOCKING, "http://a.test")
    assert "an httpx client, an aiohttp session, or acme's own client" in str(caught.value)


def test_asking_for_a_vendors_client_that_there_is_not_is_refused() -> None:
    with pytest.raises(CompositionError, match="no client package"):
        Clients().carrier(Account("acme", carrier="sdk"), BLOCKING, "http://a.test")

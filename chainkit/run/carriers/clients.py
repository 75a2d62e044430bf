"""Who holds the carriers: one blocking carrier an account, and one an account and event loop.

The table is bounded; what belongs to a closed loop is dropped. A forked child forgets it all and closes
nothing: a socket shared with the parent would give each the other's answers.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Literal

from chainkit.errors import CompositionError
from chainkit.run.carriers import blocking_socket
from chainkit.run.carriers.handed import HandedCarrier, http_client, made_in
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.proxies import proxy_for
from chainkit.run.carriers.target import target
from chainkit.run.carriers.threads import ThreadedCarrier

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.models.provider import Account
    from chainkit.run.carriers.sdk import Sdk
    from chainkit.run.carriers.wire import Carrier
    from chainkit.run.io.protocol import Io

MOST = 64
"""Carriers that are kept."""

Kind = Literal["httpx", "aiohttp", "sdk", "client"]


class _Held:
    """A carrier, whose it is, and the loop it lives on."""

    __slots__ = ("account", "carrier", "loop")

    def __init__(self, carrier: Carrier, account: Account, loop: Any) -> None:
        self.carrier = carrier
        self.account = account
        self.loop: weakref.ref[Any] | None = None if loop is None else weakref.ref(loop)

    def serves(self, loop: Any) -> bool:
        return (self.loop() if self.loop is not None else None) is loop

    @property
    def ours(self) -> bool:
        """Whether it may be closed: a client that was handed over is its owner's."""
        return self.account.client is None

    @property
    def dead(self) -> bool:
        loop = self.loop() if self.loop is not None else None
        return self.loop is not None and (loop is None or loop.is_closed())

    def end(self) -> None:
        """Close it; what is under way ends first."""
        loop = self.loop() if self.loop is not None else None
        if loop is not None and self.ours:
            from chainkit.run.carriers.loop_close import end_on

            end_on(self.carrier, loop)
        elif self.loop is None and self.ours:
            self.carrier.close()


class Clients:
    """The table of carriers."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[Any, ...], _Held] = OrderedDict()
        self._watches: dict[Any, object] = {}

    def carrier(self, account: Account, io: Io, base_url: str, sdk: Sdk | None = None) -> Carrier:
        """The carrier for an account's requests below `base_url`, made when first asked for."""
        loop = None if io.blocking else _here()
        key = (account.provider, base_url, account.api_key, account.carrier, id(account.client), id(loop))
        with self._lock:
            held = self._held.get(key)
            if held is not None and held.serves(loop):
                self._held.move_to_end(key)
                return held.carrier
        made = _Held(_made(account, io, base_url, sdk, self), account, loop)
        return self._keep(key, made, loop)

    def _keep(self, key: tuple[Any, ...], made: _Held, loop: Any) -> Carrier:
        with self._lock:
            first = self._held.get(key)
            if first is not None and first.serves(loop):
                return first.carrier
            self._held[key] = made
            if loop is not None and loop not in self._watches:
                self._watch(loop)
            gone = [k for k, held in self._held.items() if held.dead]
            gone += list(self._held)[: max(0, len(self._held) - len(gone) - self._most)]
            ended = [self._held.pop(k) for k in dict.fromkeys(gone)]
        for held in ended:
            held.end()
        return made.carrier

    def _watch(self, loop: Any) -> None:
        from chainkit.run.carriers.loop_close import at_end

        for other in [other for other in self._watches if other.is_closed()]:
            del self._watches[other]
        self._watches[loop] = at_end(self._loop_ends)

    async def _loop_ends(self) -> None:
        from chainkit.run.carriers.loop_close import end

        loop = _here()
        with self._lock:
            self._watches.pop(loop, None)
            ended = [self._held.pop(key) for key, held in list(self._held.items()) if held.serves(loop)]
        for held in ended:
            if held.ours:
                await end(held.carrier)

    def home(self, client: object) -> Any:
        """The running loop, if any, on which an async client was used before."""
        with self._lock:
            loops = [h.loop() for h in self._held.values() if h.account.client is client and h.loop is not None]
        return next((loop for loop in loops if loop is not None and loop.is_running()), None)

    def close_all(self) -> None:
        """Close every carrier. For tests, and the end of a process."""
        with self._lock:
            ended = list(self._held.values())
            self._held.clear()
        for held in ended:
            held.end()

    def forget(self) -> None:
        """In a forked child. What is forgotten is kept unused: even its clean-up would touch the parent's."""
        _FORGOTTEN.append((self._held, self._watches))
        self._begin()


_FORGOTTEN: list[Any] = []
CLIENTS = Clients()
atexit.register(CLIENTS.close_all)
os.register_at_fork(after_in_child=CLIENTS.forget)


def kind_of(account: Account) -> Kind:
    """How an account's requests leave: a client handed over decides, else what was asked for."""
    if account.client is not None:
        return "client"
    return "httpx" if account.carrier == "auto" else account.carrier


def _here() -> Any:
    from chainkit.run.carriers.loop_close import here

    return here()


def _made(account: Account, io: Io, base_url: str, sdk: Sdk | None, table: Clients) -> Carrier:
    kind = kind_of(account)
    if kind == "client":
        return _through(account, io, sdk, table)
    if kind == "sdk":
        if sdk is None:
            msg = f"{account.provider} has no client package of its own to carry requests"
            raise CompositionError(msg, cure="leave carrier='sdk' away")
        from chainkit.run.carriers.transport import Sockets

        sockets = Sockets(blocking=io.blocking)
        return sdk.carrier(sdk.client(account, sockets), sockets)
    if kind == "aiohttp" and not io.blocking:
        from chainkit.run.carriers.loop_aiohttp import AiohttpCarrier

        return AiohttpCarrier()
    return own_carrier(io, base_url)


def own_carrier(io: Io, base_url: str) -> Carrier:
    """A carrier of ours for what is below that URL, through the proxy where the environment wants one."""
    aim = target(base_url)
    proxy = proxy_for(*aim.origin)
    if proxy is not None and not proxy.plain:
        return _by_proxy(io)
    if io.blocking:
        return PooledCarrier(blocking_socket.dial)
    from chainkit.run.carriers import loop_socket

    return PooledCarrier(loop_socket.dial)


def _by_proxy(io: Io) -> Carrier:
    # SOCKS, and proxies that themselves want TLS: rare enough to leave to httpx.
    import httpx

    from chainkit.run.carriers import tls
    from chainkit.run.carriers.wire import CONNECT_SECONDS, READ_SECONDS

    make: Callable[..., Any] = httpx.Client if io.blocking else httpx.AsyncClient
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    return HandedCarrier(make(timeout=timeout, verify=tls.context()), owned=True)


def _through(account: Account, io: Io, sdk: Sdk | None, table: Clients) -> Carrier:
    client = account.client
    mode, make = _handling(client, sdk, account.provider)
    if mode == "sync":
        return make(client) if io.blocking else ThreadedCarrier(make(client), io.call)
    if not io.blocking:
        return make(client)
    loop = table.home(client)
    if loop is None:
        name = type(client).__name__
        msg = f"an async client ({name}) cannot be used by a blocking call: no running loop is known that it belongs to"
        raise CompositionError(msg, cure="use `await chain.ainvoke(...)`, or hand over the sync client")
    from chainkit.run.carriers.loop_elsewhere import ElsewhereCarrier

    return ElsewhereCarrier(make(client), loop)


def _handling(client: object, sdk: Sdk | None, provider: str) -> tuple[str, Callable[[Any], Carrier]]:
    mode = http_client(client)
    if mode is not None:
        return mode, HandedCarrier
    if made_in(client, "aiohttp") is not None:
        from chainkit.run.carriers.loop_aiohttp import AiohttpCarrier

        return "async", AiohttpCarrier
    mode = None if sdk is None else sdk.mode(client)
    if mode is not None and sdk is not None:
        return mode, sdk.carrier
    kind = f"{type(client).__module__}.{type(client).__qualname__}"
    msg = f"client= cannot be a {kind} for {provider}"
    raise CompositionError(msg, cure=f"hand over an httpx client, an aiohttp session, or {provider}'s own client")

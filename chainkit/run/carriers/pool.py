"""Our own carrier: one stack of idle connections a server, so that taking one costs the same at any number.

(httpx walks its whole pool for each request: at 1,000 in flight that is 9 ms of CPU a call.)
"""

from __future__ import annotations

import time
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.errors import ConnectionFailed
from chainkit.run.carriers.body import ACCEPTED, Decoder, decoder
from chainkit.run.carriers.http1 import Connection
from chainkit.run.carriers.proxies import proxy_for
from chainkit.run.carriers.target import Target, target
from chainkit.run.carriers.tls import context
from chainkit.run.carriers.wire import LOST

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    import h11

    from chainkit.run.carriers.http1 import Dial, Fields
    from chainkit.run.carriers.proxies import Proxy
    from chainkit.run.carriers.wire import HttpRequest

_AT_REST = 1024
"""Idle connections kept for one server."""

_QUIET = 1.0
"""Seconds of rest after which a connection that ends unanswered was surely closed for its idleness."""


class PooledCarrier:
    """Sends over connections it keeps. `dial` decides whether it blocks or lives on a loop."""

    relative = False

    def __init__(self, dial: Dial, *, tls: Callable[[], ssl.SSLContext] = context) -> None:
        self._dial = dial
        self._tls = lru_cache(maxsize=1)(tls)
        self._servers: dict[tuple[str, str, int], _Server] = {}
        self.closed = False

    async def open(self, request: HttpRequest, *, until: float | None) -> Answer:
        """Send, and wait for the answer's headers.

        A connection that rested for a while and then ends without one byte of an answer was closed by an
        idle server: the request goes out once more, on a fresh connection. Nothing else is ever repeated.
        """
        aim = target(request.url)
        server = self._server(aim)
        connection = server.resting()
        if connection is not None:
            quiet = time.monotonic() - connection.rested > _QUIET
            try:
                return await self._ask(server, connection, aim, request, until)
            except ConnectionFailed as error:
                if not quiet or connection.heard or error.code != LOST:
                    raise
        return await self._ask(server, await server.connect(self._dial, self._tls, until), aim, request, until)

    def _server(self, aim: Target) -> _Server:
        server = self._servers.get(aim.origin)
        if server is None:
            server = self._servers.setdefault(aim.origin, _Server(aim, proxy_for(*aim.origin)))
        return server

    async def _ask(
        self, server: _Server, connection: Connection, aim: Target, request: HttpRequest, until: float | None
    ) -> Answer:
        connection.socket.until = until
        try:
            head = await connection.ask(
                request.method.encode("ascii"), server.path(aim), server.fields(aim, request), request.body
            )
            return Answer(self, server, connection, head)
        except BaseException:
            connection.socket.close()
            raise

    def close(self) -> None:
        """Close what rests; what is under way closes when it ends."""
        self.closed = True
        for server in self._servers.values():
            server.close()


class _Server:
    """One server: the way to it and the connections that rest."""

    def __init__(self, aim: Target, proxy: Proxy | None) -> None:
        self._aim = aim
        self._proxy = proxy
        self._idle: deque[Connection] = deque()

    def resting(self) -> Connection | None:
        """The connection that rested last, if it still serves."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.ready:
                return connection
            connection.socket.close()

    def rest(self, connection: Connection) -> None:
        """Keep a connection for the next call; the oldest goes where there are too many, or it is too old."""
        idle = self._idle
        idle.append(connection)
        try:
            while len(idle) > _AT_REST or time.monotonic() - idle[0].rested > idle[0].keep:
                idle.popleft().socket.close()
        except IndexError:
            """Another thread took the last one."""

    def close(self) -> None:
        while self._idle:
            self._idle.pop().socket.close()

    async def connect(self, dial: Dial, tls: Callable[[], ssl.SSLContext], until: float | None) -> Connection:
        """A fresh connection, through the proxy where the environment wants one."""
        aim, proxy = self._aim, self._proxy
        socket = await (dial(proxy.host, proxy.port, until) if proxy else dial(aim.host, aim.port, until))
        connection = Connection(socket, aim.where)
        if aim.scheme == "https":
            try:
                if proxy is not None:
                    await _tunnel(Connection(socket, f"the proxy {proxy.host}:{proxy.port}"), aim, proxy)
                await socket.secure(tls(), aim.host)
            except BaseException:
                socket.close()
                raise
        return connection

    def path(self, aim: Target) -> bytes:
        """What to ask for: a forwarding proxy wants the whole URL."""
        return aim.absolute if self._proxy is not None and aim.scheme == "http" else aim.path

    def fields(self, aim: Target, request: HttpRequest) -> Fields:
        """The headers as they leave."""
        body = request.body
        fields = [(b"host", aim.name)]
        fields += [(name.encode("ascii"), value.encode("utf-8")) for name, value in request.headers.items()]
        # A compressed stream may be held back until a block is full.
        fields.append((b"accept-encoding", b"identity" if request.stream else ACCEPTED.encode("ascii")))
        if body is not None:
            fields.append((b"content-length", b"%d" % len(body)))
        proxy = self._proxy
        if proxy is not None and aim.scheme == "http" and proxy.authorization is not None:
            fields.append((b"proxy-authorization", proxy.authorization.encode("ascii")))
        return fields


async def _tunnel(connection: Connection, aim: Target, proxy: Proxy) -> None:
    """Have a proxy open a way to the server."""
    name = aim.where.encode("ascii")
    fields = [(b"host", name)]
    if proxy.authorization is not None:
        fields.append((b"proxy-authorization", proxy.authorization.encode("ascii")))
    head = await connection.ask(b"CONNECT", name, fields, None)
    if not 200 <= head.status_code < 300:
        reason = bytes(head.reason).decode("latin-1")
        msg = f"{connection.where} opened no way to {aim.where}: {head.status_code} {reason}"
        raise ConnectionFailed(msg, cure="check HTTPS_PROXY, or list the host in NO_PROXY", code="proxy")


class Answer:
    """An answer under way."""

    __slots__ = ("_carrier", "_connection", "_decoder", "_done", "_server", "headers", "status")

    def __init__(self, carrier: PooledCarrier, server: _Server, connection: Connection, head: h11.Response) -> None:
        self.status = head.status_code
        self.headers: Mapping[str, str] = _read(head.headers)
        self._carrier = carrier
        self._server = server
        self._connection: Connection | None = connection
        self._decoder: Decoder | None = decoder(self.headers.get("content-encoding"))
        self._done = False
        connection.keep = _kept(self.headers.get("keep-alive"), connection.keep)

    async def read(self) -> bytes:
        """The whole body."""
        first = await self.chunk()
        second = await self.chunk() if first else b""
        if not second:
            return first
        parts = [first, second]
        while data := await self.chunk():
            parts.append(data)
        return b"".join(parts)

    async def chunk(self) -> bytes:
        """What came in since the last one; `b""` at the end."""
        connection = self._connection
        undo = self._decoder
        if connection is None:
            return b""
        while data := await connection.body():
            if undo is None:
                return data
            if plain := undo.decode(data):
                return plain
        return self._last()

    def _last(self) -> bytes:
        undo, self._decoder = self._decoder, None
        return b"" if undo is None else undo.flush()

    async def close(self, whole: bool) -> None:
        """Give the connection back if its answer is here to the end, else close it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if not self._carrier.closed and connection.over and connection.rest():
            self._server.rest(connection)
        else:
            connection.socket.close()


def _read(fields: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in fields:
        key, text = name.decode("ascii"), value.decode("utf-8", "replace")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _kept(header: str | None, seconds: float) -> float:
    """How long a server says it keeps an idle connection, less a second for the way."""
    if header is None:
        return seconds
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "timeout" and value.strip().isdigit():
            return max(0.0, min(seconds, float(value) - 1.0))
    return seconds

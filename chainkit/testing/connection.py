"""One connection of a fault server: reads requests, and tells their answers with all that spoils them."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias, cast

from chainkit.testing.faults import Behaviour, Seen, Told, answer

Chosen: TypeAlias = "str | Told | Behaviour"
Turn: TypeAlias = "str | Behaviour | Callable[[Seen], Chosen]"
_REASONS = {200: "OK", 307: "Temporary Redirect", 429: "Too Many Requests", 500: "Internal Server Error"}


class Host(Protocol):
    """The server, as its connections know it."""

    seed: int | None

    def opened(self, connection: Connection) -> int:
        """A connection is here; gives its number."""
        ...

    def closed(self, connection: Connection) -> None:
        """It is gone."""
        ...

    def begins(self, number: int, head: str, content: bytes) -> tuple[Seen, Turn]:
        """A request is here; gives what was seen and what to do."""
        ...

    def ends(self) -> None:
        """Its answer is over."""
        ...


class Connection(asyncio.Protocol):
    """One connection: reads requests, and tells each one's answer before it looks at the next."""

    def __init__(self, server: Host) -> None:
        self._server = server
        self._data = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._chance = None if server.seed is None else random.Random(server.seed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._socket: Any = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._number = self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()
        # asyncio closes the socket after this call: who waits for the end is told once it is closed.
        asyncio.get_running_loop().call_soon(self._server.closed, self)

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._next()

    def _next(self) -> None:
        if self._task is not None or (asked := _request(self._data)) is None:
            return
        head, content, length = asked
        del self._data[:length]
        if "100-continue" in head.lower():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        seen, behaviour = self._server.begins(self._number, head, content)
        self._task = asyncio.ensure_future(self._answer(seen, behaviour))
        self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._server.ends()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._transport.abort()
            raise error
        if not self._transport.is_closing():
            self._next()

    async def _answer(self, seen: Seen, behaviour: Turn) -> None:
        told = _told(behaviour, seen)
        if told.before:
            await asyncio.sleep(min(told.before, 3600))
        if told.cut == -1:
            self.end(reset=told.reset)
            return
        await self._write(_head(told))
        if await self._body(told):
            if told.streamed:
                await self._write(b"0\r\n\r\n")
            if told.leave:
                self.end(reset=told.reset)

    async def _body(self, told: Told) -> bool:
        """Whether it was told to its end."""
        sent, stop = 0, told.cut if told.cut is not None else told.hold
        for data in _writes(told):
            part = data if stop is None else data[: max(0, stop - sent)]
            sent += len(data)
            if part:
                await self._write(_framed(part) if told.streamed else part)
            if told.every is not None:
                await asyncio.sleep(told.every)
            if stop is not None and sent >= stop:
                break
        if told.cut is not None:
            self.end(reset=told.reset)
        elif told.hold is not None:
            await asyncio.sleep(3600)
        return stop is None

    async def _write(self, data: bytes) -> None:
        for part in _split(data, self._chance):
            self._transport.write(part)
            await asyncio.sleep(0)

    def end(self, *, reset: bool) -> None:
        """Close the connection, by FIN or by RST."""
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()


def _told(turn: Turn, seen: Seen) -> Told:
    """What a turn tells; one may also answer with another, or with a text."""
    told: Any = turn
    while not isinstance(told, Told):
        told = answer(told)(seen) if isinstance(told, str) else told(seen)
    return told


def _writes(told: Told) -> Iterator[bytes]:
    for data in told.writes:
        if told.every is None:
            yield data
        else:
            yield from (data[i : i + 1] for i in range(len(data)))


def _head(told: Told) -> bytes:
    lines = [f"HTTP/1.1 {told.status} {_REASONS.get(told.status, 'Told')}"]
    lines += [f"{name}: {value}" for name, value in told.headers.items()]
    length = f"content-length: {sum(map(len, told.writes))}"
    lines.append("transfer-encoding: chunked" if told.streamed else length)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _split(data: bytes, chance: random.Random | None) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = len(data) if chance is None else chance.randint(1, 40)
        yield data[at : at + size]
        at += size


def _request(data: bytearray) -> tuple[str, bytes, int] | None:
    """(head, body, bytes of both) of the first request, once it is here whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, begin = data[:end].decode("latin-1"), end + 4
    fields = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in head.split("\r\n")[1:])}
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return _chunks(data, head, begin)
    stop = begin + int(fields.get("content-length", 0))
    return (head, bytes(data[begin:stop]), stop) if len(data) >= stop else None


def _chunks(data: bytearray, head: str, at: int) -> tuple[str, bytes, int] | None:
    found: list[bytes] = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(bytes(data[at:line]).split(b";")[0], 16)
        begin, at = line + 2, line + 2 + size + 2
        if len(data) < at:
            return None
        if not size:
            return head, b"".join(found), at
        found.append(bytes(data[begin : at - 2]))
    return None


def parsed(content: bytes) -> Any:
    """The JSON of a body; None where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None

"""A server on this machine that answers as a model provider would - or as one does on a bad day.

    with FaultServer([status(429, after=0.1), answer("Hello")]) as server:
        model("...", base_url=server.url, api_key="none").invoke("Hi")
    assert server.requests[0].json["messages"]

It speaks four wire formats, chosen by the request's path, streamed or not as the request asks.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from chainkit.testing.faults import Behaviour, Seen, Told, answer
from chainkit.testing.scrubbing import masked_headers, masked_path

if TYPE_CHECKING:
    from types import TracebackType

    from chainkit.testing.wire_bodies import Shape

Chosen: TypeAlias = "str | Told | Behaviour"
Turn: TypeAlias = "str | Behaviour | Callable[[Seen], Chosen]"
_PATHS: tuple[tuple[str, Shape], ...] = (
    ("/v2/chat", "chat-v2"),
    ("/messages", "messages"),
    ("/responses", "responses"),
    ("/chat/completions", "chat-completions"),
)
_REASONS = {200: "OK", 307: "Temporary Redirect", 429: "Too Many Requests", 500: "Internal Server Error"}


class FaultServer:
    """Answers each request with the next behaviour, and with the last one ever after.

    `behaviours` is one, a list, or a function from what was seen to a behaviour or a text; a text is a good
    answer. `shape` is the wire format where the path does not tell it. With a `seed` each write is split at
    random places, always the same for the same seed. `url` is the base URL, and `url_v1` the one with `/v1`.
    Leaving the `with` ends everything.
    """

    def __init__(
        self, behaviours: Turn | Sequence[Turn] = "ok", *, shape: Shape | None = None, seed: int | None = None
    ) -> None:
        self._script: tuple[Turn, ...]
        if isinstance(behaviours, str) or callable(behaviours):
            self._script = (behaviours,)
        else:
            self._script = tuple(behaviours)
        self._shape: Shape | None = shape
        self.seed = seed
        self.url = ""
        self.requests: list[Seen] = []
        self.peak = 0
        self.connections = 0
        self._open: set[_Connection] = set()
        self._busy = 0
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None

    # To begin and to end.

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen on a free port of this machine."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(listener, ready), name="fault-server", daemon=True)
        self._thread.start()
        ready.wait()
        return self

    @property
    def url_v1(self) -> str:
        """The base URL with the version in it, as some providers have it."""
        return f"{self.url}/v1"

    def stop(self) -> None:
        """End every connection and the thread."""
        loop, stop, thread = self._loop, self._stop, self._thread
        if loop is None or stop is None or thread is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)

    def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._listen(listener, ready))

    async def _listen(self, listener: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), sock=listener)
        ready.set()
        await self._stop.wait()
        server.close()
        for connection in list(self._open):
            connection.end(reset=False)

    # What was seen.

    @property
    def open(self) -> int:
        """Connections that are open, also those that rest."""
        return len(self._open)

    @property
    def busy(self) -> int:
        """Requests that are being answered now."""
        return self._busy

    def wait_idle(self, timeout: float = 2.0) -> bool:
        """Wait until no request is being answered: each was answered whole, or its connection is gone."""
        return self._until(lambda: self._busy == 0, timeout)

    def wait_closed(self, timeout: float = 2.0) -> bool:
        """Wait until no connection is open, not even one that rests."""
        return self._until(lambda: not self._open, timeout)

    def wait_requests(self, count: int, timeout: float = 2.0) -> bool:
        """Wait until so many requests have come."""
        return self._until(lambda: len(self.requests) >= count, timeout)

    def wait_busy(self, count: int = 1, timeout: float = 2.0) -> bool:
        """Wait until so many requests are being answered at once."""
        return self._until(lambda: self._busy >= count, timeout)

    def _until(self, holds: Callable[[], bool], timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(holds, timeout)

    # What connections tell.

    def _opened(self, connection: _Connection) -> int:
        with self._changed:
            self._open.add(connection)
            self.connections += 1
            self._changed.notify_all()
            return self.connections

    def _closed(self, connection: _Connection) -> None:
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def _begins(self, seen: Seen) -> Turn:
        with self._changed:
            turn = len(self.requests)
            self.requests.append(seen)
            self._busy += 1
            self.peak = max(self.peak, self._busy)
            self._changed.notify_all()
        return self._script[min(turn, len(self._script) - 1)]

    def _ends(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def _seen(self, number: int, head: str, content: bytes) -> Seen:
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = masked_headers((n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines))
        asked = _parsed(content)
        fields: dict[str, Any] = cast("dict[str, Any]", asked) if isinstance(asked, dict) else {}
        place = path.partition("?")[0]
        told: list[Shape] = [shape for end, shape in _PATHS if place.endswith(end)]
        shape: Shape = self._shape or (told[0] if told else "chat-completions")
        return Seen(method, masked_path(path), headers, asked, number, shape, fields.get("stream") is True)


class _Connection(asyncio.Protocol):
    """One connection: reads requests, and tells each one's answer before it looks at the next."""

    def __init__(self, server: FaultServer) -> None:
        self._server = server
        self._data = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._chance = None if server.seed is None else random.Random(server.seed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._socket: Any = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._number = self._server._opened(self)  # pyright: ignore[reportPrivateUsage]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()
        self._server._closed(self)  # pyright: ignore[reportPrivateUsage]

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
        seen = self._server._seen(self._number, head, content)  # pyright: ignore[reportPrivateUsage]
        behaviour = self._server._begins(seen)  # pyright: ignore[reportPrivateUsage]
        self._task = asyncio.ensure_future(self._answer(seen, behaviour))
        self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._server._ends()  # pyright: ignore[reportPrivateUsage]
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


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None

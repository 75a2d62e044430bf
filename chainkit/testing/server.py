"""A server on this machine that answers as a model provider would - or as one does on a bad day.

    with FaultServer([status(429, after=0.1), answer("Hello")]) as server:
        model("...", base_url=server.url, api_key="none").invoke("Hi")
    assert server.requests[0].json["messages"]

It speaks the wire formats of `wire_bodies`, chosen by the request's path, or a `Shape` of your own; streamed or not as the
request (or its path) asks.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from chainkit.testing.connection import Connection, Turn, parsed
from chainkit.testing.faults import Seen
from chainkit.testing.scrubbing import masked_headers, masked_path
from chainkit.testing.wire_bodies import at_path, known

if TYPE_CHECKING:
    from types import TracebackType

    from chainkit.testing.wire_bodies import AnyShape


class FaultServer:
    """Answers each request with the next behaviour, and with the last one ever after.

    `behaviours` is one, a list, or a function from what was seen to a behaviour or a text; a text is a good
    answer. `shape` is the wire format where the path does not tell it. With a `seed` each write is split at
    random places, always the same for the same seed. `url` is the base URL, and `url_v1` the one with `/v1`.
    Leaving the `with` ends everything.
    """

    def __init__(
        self, behaviours: Turn | Sequence[Turn] = "ok", *, shape: AnyShape | None = None, seed: int | None = None
    ) -> None:
        self._script: tuple[Turn, ...]
        if isinstance(behaviours, str) or callable(behaviours):
            self._script = (behaviours,)
        else:
            self._script = tuple(behaviours)
        self._shape: AnyShape | None = shape
        self.seed = seed
        self.url = ""
        self.requests: list[Seen] = []
        self.peak = 0
        self.connections = 0
        self._open: set[Connection] = set()
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
        server = await self._loop.create_server(lambda: Connection(self), sock=listener)
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

    def opened(self, connection: Connection) -> int:
        """A connection is here; gives its number."""
        with self._changed:
            self._open.add(connection)
            self.connections += 1
            self._changed.notify_all()
            return self.connections

    def closed(self, connection: Connection) -> None:
        """It is gone."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def begins(self, number: int, head: str, content: bytes) -> tuple[Seen, Turn]:
        """A request is here; gives what was seen and what to do."""
        seen = self._seen(number, head, content)
        with self._changed:
            turn = len(self.requests)
            self.requests.append(seen)
            self._busy += 1
            self.peak = max(self.peak, self._busy)
            self._changed.notify_all()
        return seen, self._script[min(turn, len(self._script) - 1)]

    def ends(self) -> None:
        """Its answer is over."""
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def _seen(self, number: int, head: str, content: bytes) -> Seen:
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = masked_headers((n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines))
        asked = parsed(content)
        fields: dict[str, Any] = cast("dict[str, Any]", asked) if isinstance(asked, dict) else {}
        place = path.partition("?")[0]
        shape = self._shape or at_path(place) or "chat-completions"
        streamed = known(shape).streams(place, fields)
        return Seen(method, masked_path(path), headers, asked, number, shape, streamed)

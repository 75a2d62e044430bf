"""HTTP/1.1 over one socket, written once for blocking and loop: h11 decides, the socket moves bytes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeAlias

import h11

from chainkit.errors import BadRequest, ConnectionFailed, ReplyMalformed
from chainkit.run.carriers.wire import LOST, lost

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable


Dial: TypeAlias = "Callable[[str, int, float | None], Awaitable[Socket]]"
"""Connects to a host and port before a deadline."""

Fields: TypeAlias = "list[tuple[bytes, bytes]]"

_HEAD_LIMIT = 256 * 1024
"""Bytes of headers that a server may send."""

KEEP_SECONDS = 60.0
"""How long an idle connection is kept where the server does not say."""


class Socket(Protocol):
    """Bytes to and from one server. On a blocking socket nothing suspends."""

    until: float | None
    """The deadline of the call under way: a blocking socket cuts every wait to it."""

    async def read(self) -> bytes:
        """What comes next; `b""` once the other side has closed."""
        ...

    async def write(self, data: bytes) -> None: ...

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from here on."""
        ...

    @property
    def stale(self) -> bool:
        """Whether the other side closed it, or said something nobody asked for, while it rested."""
        ...

    def close(self) -> None:
        """Close at once."""
        ...


class Connection:
    """One connection: asks, answers, rests, asks again. Owned by one call at a time."""

    __slots__ = ("_broken", "_ended", "_state", "heard", "keep", "rested", "socket", "where")

    def __init__(self, socket: Socket, where: str) -> None:
        self.socket = socket
        self.where = where
        self.heard = False
        self.rested = 0.0
        self.keep = KEEP_SECONDS
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)
        self._ended = False
        self._broken: Exception | None = None

    async def ask(self, method: bytes, target: bytes, fields: Fields, body: bytes | None) -> h11.Response:
        """Send a request and wait for the head of its answer."""
        self.heard = False
        data = self._encoded(method, target, fields, body)
        try:
            await self.socket.write(data)
        except ConnectionFailed as error:
            # A server may refuse before it has read all, and its answer may be here.
            if error.code != LOST:
                raise
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event

    def _encoded(self, method: bytes, target: bytes, fields: Fields, body: bytes | None) -> bytes:
        state = self._state
        try:
            head = state.send(h11.Request(method=method, target=target, headers=fields))
            data = state.send(h11.Data(data=body)) if body else b""
            end = state.send(h11.EndOfMessage())
        except h11.LocalProtocolError:
            # Its message holds the header's value, which may be a key.
            names = ", ".join(name.decode("latin-1") for name, _ in fields)
            msg = f"the request to {self.where} holds a header that HTTP does not allow (one of {names})"
            raise BadRequest(msg, cure="look for a line break or a blank at the end of the API key") from None
        return b"".join((head or b"", data or b"", end or b""))

    async def body(self) -> bytes:
        """What of the answer's body is here; waits for more where nothing is; `b""` at the end."""
        if self._broken is not None:
            raise self._broken
        if self.over:
            return b""
        event = await self._event()
        if not isinstance(event, h11.Data):
            return b""
        first = event.data
        more = self._buffered()
        return b"".join((first, *more)) if more else bytes(first)

    def _buffered(self) -> list[bytes]:
        found: list[bytes] = []
        try:
            while isinstance(event := self._state.next_event(), h11.Data):
                found.append(event.data)
        except h11.RemoteProtocolError as error:
            # What came before it is good; the next read tells.
            self._broken = self._fault(error)
        return found

    async def _event(self) -> object:
        state = self._state
        while True:
            try:
                event = state.next_event()
            except h11.RemoteProtocolError as error:
                raise self._fault(error) from None
            if event is not h11.NEED_DATA:
                return event
            state.receive_data(await self._more())

    async def _more(self) -> bytes:
        data = await self.socket.read()
        if data:
            self.heard = True
            return data
        self._ended = True
        if not self.heard:
            raise lost(self.where)
        return data

    def _fault(self, error: h11.RemoteProtocolError) -> Exception:
        if self._ended:
            return lost(self.where)
        return ReplyMalformed(f"{self.where} does not answer in HTTP/1.1: {error}")

    @property
    def over(self) -> bool:
        """Whether the answer is here to its end."""
        return self._state.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)

    def rest(self) -> bool:
        """Make ready for the next request; False where the connection cannot serve another."""
        state = self._state
        if state.our_state is not h11.DONE or state.their_state is not h11.DONE or state.trailing_data[0]:
            return False
        state.start_next_cycle()
        self.socket.until = None
        self.rested = time.monotonic()
        return True

    @property
    def ready(self) -> bool:
        """Whether a resting connection may be used again."""
        return time.monotonic() - self.rested < self.keep and not self.socket.stale

"""A socket of the running event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from chainkit.run.carriers.blocking_socket import tune
from chainkit.run.carriers.wire import CONNECT_SECONDS, READ_SECONDS, lost, silent, unreachable

if TYPE_CHECKING:
    import socket
    import ssl

_FULL = 256 * 1024
"""Unread bytes at which the other side has to wait."""


class LoopSocket(asyncio.Protocol):
    """One connection; both the protocol that asyncio calls and the socket that a call reads."""

    __slots__ = (
        "_data", "_error", "_full", "_loop", "_over", "_paused", "_size", "_transport", "_waiter", "_where", "until",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, where: str) -> None:
        self._loop = loop
        self._where = where
        self._transport: Any = None
        self._data: list[bytes] = []
        self._size = 0
        self._over = False
        self._error: BaseException | None = None
        self._full = self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self.until: float | None = None

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        inner: socket.socket | None = transport.get_extra_info("socket")
        if inner is not None:
            tune(inner)

    def data_received(self, data: bytes) -> None:
        self._data.append(data)
        self._size += len(data)
        if self._size > _FULL and not self._full:
            self._full = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self._error = exc
        self._paused = False
        self._wake()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What a call does.

    async def read(self) -> bytes:
        while not self._data and not self._over:
            await self._news()
        if not self._data:
            if self._error is not None:
                raise lost(self._where, self._error) from self._error
            return b""
        data = self._data[0] if len(self._data) == 1 else b"".join(self._data)
        self._data.clear()
        self._size = 0
        if self._full:
            self._full = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        if self._over:
            raise lost(self._where, self._error)
        self._transport.write(data)
        while self._paused and not self._over:
            await self._news()

    async def _news(self) -> None:
        waiter = self._waiter = self._loop.create_future()
        # With a deadline the core cancels; without one there is still an end to waiting.
        alarm = self._loop.call_later(READ_SECONDS, self._alarm, waiter) if self.until is None else None
        try:
            await waiter
        finally:
            if alarm is not None:
                alarm.cancel()
            self._waiter = None

    def _alarm(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(silent(self._where))

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self._transport = await self._loop.start_tls(self._transport, self, context, server_hostname=host)
        except TimeoutError:
            self.close()
            raise silent(self._where, CONNECT_SECONDS) from None
        except OSError as error:
            self.close()
            raise unreachable(self._where, error) from error
        if self._transport is None:
            raise lost(self._where)

    @property
    def stale(self) -> bool:
        return self._over or bool(self._data) or self._transport.is_closing()

    def close(self) -> None:
        if not self._loop.is_closed():
            self._transport.abort()


async def dial(host: str, port: int, until: float | None) -> LoopSocket:
    """Connect, to whichever of the host's addresses answers first."""
    loop = asyncio.get_running_loop()
    where = f"{host}:{port}"
    # Only asyncio's own loops know how to race a host's addresses.
    race: dict[str, Any] = {"happy_eyeballs_delay": 0.25} if isinstance(loop, asyncio.BaseEventLoop) else {}
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, made = await loop.create_connection(lambda: LoopSocket(loop, where), host, port, **race)
    except TimeoutError:
        raise silent(where, CONNECT_SECONDS) from None
    except (OSError, UnicodeError) as error:
        raise unreachable(where, error) from error
    made.until = until
    return made

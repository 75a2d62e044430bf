"""A socket that blocks, and never for longer than the call has left."""

from __future__ import annotations

import select
import socket
import sys
import time
from math import inf
from typing import TYPE_CHECKING

from chainkit.run.carriers.wire import CONNECT_SECONDS, READ_SECONDS, lost, silent, unreachable
from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    import ssl

_SIZE = 64 * 1024


class BlockingSocket:
    """One connection of the calling thread."""

    __slots__ = ("_socket", "_where", "until")

    def __init__(self, connected: socket.socket, where: str, until: float | None) -> None:
        self._socket = connected
        self._where = where
        self.until = until

    def _cut(self) -> None:
        # A deadline says how long a server may think; without one there is still an end to waiting.
        until = self.until
        self._socket.settimeout(READ_SECONDS if until is None else left(until, inf))

    async def read(self) -> bytes:
        try:
            self._cut()
            return self._socket.recv(_SIZE)
        except TimeoutError:
            raise self._timed_out() from None
        except OSError as error:
            raise lost(self._where, error) from error

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                self._cut()
                view = view[self._socket.send(view) :]
        except TimeoutError:
            raise self._timed_out() from None
        except OSError as error:
            raise lost(self._where, error) from error

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        try:
            self._socket.settimeout(left(self.until, CONNECT_SECONDS))
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except TimeoutError:
            raise self._timed_out(CONNECT_SECONDS) from None
        except OSError as error:
            raise unreachable(self._where, error) from error

    def _timed_out(self, seconds: float = READ_SECONDS) -> Exception:
        if self.until is not None and time.monotonic() >= self.until:
            return too_late()
        return silent(self._where, seconds)

    @property
    def stale(self) -> bool:
        return readable(self._socket)

    def close(self) -> None:
        self._socket.close()


def left(until: float | None, seconds: float) -> float:
    """`seconds`, or what is left until the deadline; DeadlineExceeded where nothing is."""
    if until is None:
        return seconds
    rest = until - time.monotonic()
    if rest <= 0:
        raise too_late()
    return min(rest, seconds)


async def dial(host: str, port: int, until: float | None) -> BlockingSocket:
    """Connect. Looking up the name is the one thing that cannot be cut to the deadline."""
    where = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise unreachable(where, error) from error
    last: OSError | None = None
    for family, kind, protocol, _, address in found:
        seconds = left(until, CONNECT_SECONDS)
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(seconds)
            made.connect(address)
        except OSError as error:
            made.close()
            last = error
        except BaseException:
            made.close()
            raise
        else:
            tune(made)
            return BlockingSocket(made, where, until)
    left(until, CONNECT_SECONDS)
    raise unreachable(where, last or OSError("no address"))


def tune(connected: socket.socket) -> None:
    """Send at once, and notice a dead peer while a model thinks for minutes."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 5)):
        option = getattr(socket, name, None)
        if option is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


def readable(connected: socket.socket) -> bool:
    """Whether a read would return at once: for an idle connection that means it is over."""
    number = connected.fileno()
    if number < 0:
        return True
    if sys.platform == "win32":
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))

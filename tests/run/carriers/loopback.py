"""A server on this machine that does exactly what a test says."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("loopback.pem")
CLOSE, RESET = "close", "reset"
Step = bytes | threading.Event | float | str
"""Bytes to send, an event or seconds to wait for, or how to end the connection."""


class Seen:
    """One request, as the server saw it."""

    def __init__(self, connection: int, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.connection = connection
        self.method, self.target, _ = first.split(" ", 2)
        self.headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        self.body = body


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def head(*headers: str) -> bytes:
    """The beginning of a chunked answer."""
    return "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers]).encode() + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk; an empty one is the end."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    """Answers each request with the steps that `answer` gives for it. A thread a connection."""

    def __init__(self, answer: Callable[[Seen], Iterable[Step]], *, secure: bool = False) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)
        """Released each time the other side has closed a connection."""
        self._held: list[socket.socket] = []
        self._tls: ssl.SSLContext | None = None
        if secure:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(CERTIFICATE)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if secure else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._held.append(connection)
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._held.append(connection)
            while (seen := self._read(connection, number)) is not None:
                self.seen.append(seen)
                if not self._tell(connection, seen):
                    return
            self.closed.release()
        except OSError:
            self.closed.release()
        finally:
            connection.close()

    def _read(self, connection: socket.socket, number: int) -> Seen | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        first, _, body = data.partition(b"\r\n\r\n")
        seen = Seen(number, first, b"")
        while len(body) < int(seen.headers.get("content-length", 0)):
            body += connection.recv(65536)
        seen.body = body
        return seen

    def _tell(self, connection: socket.socket, seen: Seen) -> bool:
        for step in self.answer(seen):
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, threading.Event):
                while not step.wait(0.02):
                    _still(connection)
            elif isinstance(step, float):
                threading.Event().wait(step)
            else:
                if step == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    connection.shutdown(socket.SHUT_RDWR)
                return False
        return True

    def was_left(self) -> bool:
        """Whether the other side closes a connection within a few seconds."""
        return self.closed.acquire(timeout=5)

    def stop(self) -> None:
        """Listen no more, and end what is open: a thread that waits in `accept` or `recv` wakes up."""
        for held in (self._listener, *self._held):
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()


def _still(connection: socket.socket) -> None:
    """Raise OSError once the other side is gone."""
    if isinstance(connection, ssl.SSLSocket):
        return
    with suppress(BlockingIOError):
        if not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
            raise ConnectionResetError

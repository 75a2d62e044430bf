"""What a carrier is: it sends one request and gives bytes back. It knows no vendor and no wire format.

Each carrier is written once, as coroutines. Those of a blocking carrier never suspend, those of a loop
carrier run on one event loop. `until` is an absolute time of `time.monotonic()`: a blocking carrier cuts
every connect, write and read to the time left; a loop carrier is cancelled by the core instead, and then
closes its socket at once. Nothing awaits in a clean-up.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Protocol

from chainkit.errors import ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_SECONDS = 5.0
"""How long connecting may take, where the call has no sooner deadline."""

READ_SECONDS = 600.0
"""How long a server may stay silent where the call has no deadline at all."""

LOST = "lost"
"""The `code` of a ConnectionFailed whose connection ended too early."""


class HttpRequest:
    """One request. `headers` may hold secrets, so a repr shows only their names.

    `url` is absolute, and `body` the bytes to send - but for a carrier that is `relative` (a vendor's
    client, which adds its own base URL and key) `url` is the path and `json` the body.
    """

    __slots__ = ("body", "headers", "json", "method", "stream", "url")

    def __init__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        stream: bool = False,
        json: Any = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.stream = stream
        self.json = json

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url}, headers: {', '.join(self.headers)})"


class HttpResponse(Protocol):
    """An answer whose headers are here. Whoever opened it closes it, whatever happens."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    async def read(self) -> bytes:
        """The whole body, decompressed. Raises ConnectionFailed, DeadlineExceeded."""
        ...

    async def chunk(self) -> bytes:
        """What came in since the last one, decompressed; `b""` at the end."""
        ...

    async def close(self, whole: bool) -> None:
        """Give the connection back. With `whole=False` the socket is closed at once, read or not."""
        ...


class Carrier(Protocol):
    """A way to send requests, with whatever connections it keeps."""

    @property
    def relative(self) -> bool:
        """Whether it takes a path and JSON, and adds the base URL and the key itself."""
        ...

    async def open(self, request: HttpRequest, *, until: float | None) -> HttpResponse:
        """Send, and wait for the answer's headers. Raises ConnectionFailed, DeadlineExceeded."""
        ...

    def close(self) -> None:
        """Close what rests; what is under way is closed when it ends."""
        ...


def silent(where: str, seconds: float = READ_SECONDS) -> ConnectionFailed:
    """The error of a server that answers nothing."""
    return ConnectionFailed(f"{where} sent nothing for {seconds:g} s", code="timeout")


def lost(where: str, error: BaseException | None = None) -> ConnectionFailed:
    """The error of a connection that ended in the middle of a request or its answer."""
    why = f" ({said(error)})" if error is not None else ""
    return ConnectionFailed(f"{where} closed the connection before its whole answer was here{why}", code=LOST)


def unreachable(where: str, error: BaseException) -> ConnectionFailed:
    """The error of a server that could not be reached."""
    if "certificate verify failed" in str(error).lower():
        cure = "set SSL_CERT_FILE to a file with your own certificate authority"
    elif _HERE.match(where):
        cure = "start the server on this machine, or check base_url: nothing listens there"
    else:
        cure = "check the network, base_url, and the proxy variables (HTTPS_PROXY, NO_PROXY)"
    return ConnectionFailed(f"could not connect to {where}: {said(error)}", cure=cure, code="unreachable")


_HERE = re.compile(r"(https?://)?(localhost|127\.\d|\[?::1)")
_ASYNCIOS = re.compile(r"\[Errno (\d+)\] Connect call failed")


def said(error: BaseException) -> str:
    """What an error of the system says, in one line."""
    # asyncio has words of its own for what a blocking call calls by the system's.
    asyncios = _ASYNCIOS.search(str(error))
    if asyncios is not None:
        return os.strerror(int(asyncios[1]))
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())

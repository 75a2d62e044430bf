"""Clients that were handed over: used as they are, with their own pool, proxies and settings.

An httpx or httpx2 client, sync or async, needs nothing but its name here: neither library is imported.
The deadline is checked between reads only, since the client's own timeouts rule each of them.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from chainkit.errors import BadRequest, ChainkitError, ReplyMalformed
from chainkit.run.carriers.wire import lost, said, silent, unreachable
from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.run.carriers.body import Decoder
    from chainkit.run.carriers.wire import HttpRequest

Mode = Literal["sync", "async"]


def made_in(client: object, *libraries: str) -> str | None:
    """Which of these libraries a client's class, or a class it was derived from, comes from."""
    roots = (c.__module__.partition(".")[0] for c in type(client).__mro__)
    return next((root for root in roots if root in libraries), None)


def http_client(client: object) -> Mode | None:
    """Whether that is an httpx client, and which kind."""
    if made_in(client, "httpx", "httpx2") is None:
        return None
    names = {c.__name__ for c in type(client).__mro__}
    return "async" if "AsyncClient" in names else "sync" if "Client" in names else None


class Faults:
    """What an HTTP library's errors mean."""

    __slots__ = ("_libraries",)

    def __init__(self, *libraries: Any) -> None:
        self._libraries = libraries

    def mapped(self, error: Exception, where: str, until: float | None) -> Exception | None:
        """The error as one of ours; None where it is not the library's."""
        for library in self._libraries:
            found = _mapped(library, error, where)
            if found is not None:
                over = until is not None and time.monotonic() >= until
                return too_late() if over and isinstance(error, library.TimeoutException) else found
        return None

    def blame(self, error: Exception, where: str, until: float | None) -> NoReturn:
        """Raise the error as one of ours."""
        found = self.mapped(error, where, until)
        if found is None:
            raise error
        # What makes a request illegal may be a key with a line break in it, and the library shows it.
        raise found from (None if isinstance(found, BadRequest) else error)


def _mapped(library: Any, error: Exception, where: str) -> ChainkitError | None:
    if isinstance(error, (library.ConnectError, library.ConnectTimeout, library.ProxyError)):
        return unreachable(where, error)
    if isinstance(error, library.PoolTimeout):
        return silent(f"the pool of the client for {where}")
    if isinstance(error, library.TimeoutException):
        return silent(where)
    if isinstance(error, (library.UnsupportedProtocol, library.InvalidURL, library.LocalProtocolError)):
        return BadRequest(f"the request to {where} is not one that HTTP allows", cure="check base_url and the API key")
    if isinstance(error, library.DecodingError):
        return ReplyMalformed(f"the compression of the answer of {where} is broken: {said(error)}")
    if isinstance(error, (library.TransportError, library.StreamError)):
        return lost(where, error)
    return None


def faults_of(client: object) -> Faults:
    """The errors of the library that a client comes from."""
    return Faults(sys.modules[made_in(client, "httpx", "httpx2") or "httpx"])


class HandedCarrier:
    """Sends through an httpx client."""

    relative = False

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        self._client = client
        self._waits = http_client(client) == "async"
        self._faults = faults_of(client)
        self._owned = owned

    async def open(self, request: HttpRequest, *, until: float | None) -> HandedResponse:
        """Send, and wait for the answer's headers."""
        client, where = self._client, request.url.split("?")[0]
        options = {"timeout": cut(client.timeout, until)} if until is not None else {}
        try:
            built = client.build_request(
                request.method, request.url, headers=dict(request.headers), content=request.body, **options
            )
            sent = client.send(built, stream=True, follow_redirects=False)
            return HandedResponse(await sent if self._waits else sent, self._faults, where, until, waits=self._waits)
        except Exception as error:
            self._faults.blame(error, where, until)

    def close(self) -> None:
        """A client is its owner's to close; one of ours ends when the last answer lets go of it."""

    async def aclose(self) -> None:
        """Close one of ours at the end of its loop."""
        if self._owned and self._waits:
            await self._client.aclose()


def cut(timeout: Any, until: float | None) -> Any:
    """A client's timeouts, none longer than the call has left."""
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise too_late()
    names = ("connect", "read", "write", "pool")
    set_ = {name: getattr(timeout, name) for name in names}
    return type(timeout)(**{name: left if value is None else min(left, value) for name, value in set_.items()})


class HandedResponse:
    """An answer of an httpx client, or of a client that gives httpx responses."""

    def __init__(
        self,
        response: Any,
        faults: Faults,
        where: str,
        until: float | None,
        *,
        waits: bool,
        undo: Decoder | None = None,
    ) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._faults = faults
        self._where = where
        self._until = until
        self._waits = waits
        self._undo = undo
        self._pieces: Any = None

    async def read(self) -> bytes:
        """The whole body."""
        if self._response.is_stream_consumed and self._undo is None:
            return bytes(self._response.content)
        parts: list[bytes] = []
        while data := await self.chunk():
            parts.append(data)
        return b"".join(parts)

    async def chunk(self) -> bytes:
        """What came in since the last one; `b""` at the end."""
        undo = self._undo
        while data := await self._next():
            plain = data if undo is None else undo.decode(data)
            if plain:
                return plain
        self._undo = None
        return b"" if undo is None else undo.flush()

    async def _next(self) -> bytes:
        if self._until is not None and time.monotonic() >= self._until:
            raise too_late()
        try:
            if self._pieces is None:
                response = self._response
                self._pieces = response.aiter_bytes() if self._waits else response.iter_bytes()
            if self._waits:
                return await anext(self._pieces, b"")
            return next(self._pieces, b"")
        except Exception as error:
            self._faults.blame(error, self._where, self._until)

    async def close(self, whole: bool) -> None:
        """Give the connection back to the client."""
        if not self._waits:
            self._response.close()
            return
        if self._pieces is not None:
            await self._pieces.aclose()
        await self._response.aclose()

"""aiohttp as a carrier: for many calls in flight on one loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest, MissingExtra
from chainkit.run.carriers import tls
from chainkit.run.carriers.target import target
from chainkit.run.carriers.wire import CONNECT_SECONDS, READ_SECONDS, lost, silent, unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.run.carriers.wire import HttpRequest


class AiohttpCarrier:
    """Sends through one aiohttp session: its own, or one handed over and used as it is."""

    relative = False

    def __init__(self, session: Any = None) -> None:
        self._http = library()
        self.failures: type[Exception] = self._http.ClientError
        self._owned = session is None
        self._session: Any = session if session is not None else self._made()
        self._busy = 0
        self._over = False
        self._ending: asyncio.Task[None] | None = None

    def _made(self) -> Any:
        http = self._http
        return http.ClientSession(
            connector=http.TCPConnector(limit=0, keepalive_timeout=60),
            cookie_jar=http.DummyCookieJar(),
            timeout=http.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
            trust_env=True,
        )

    async def open(self, request: HttpRequest, *, until: float | None) -> AiohttpResponse:
        """Send, and wait for the answer's headers."""
        options: dict[str, Any] = {}
        if self._owned and request.url.startswith("https:"):
            options["ssl"] = tls.context()
        if self._owned and until is not None:
            # The core cancels at the deadline: a server may think until then.
            options["timeout"] = self._http.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        where = target(request.url).where
        self._busy += 1
        try:
            response = await self._session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                allow_redirects=False,
                **options,
            )
        except BaseException as error:
            self.left()
            raise self.mapped(error, where) from None
        return AiohttpResponse(self, response, where)

    def mapped(self, error: BaseException, where: str) -> BaseException:
        """The error as one of ours, where it is aiohttp's."""
        http = self._http
        if isinstance(error, http.ConnectionTimeoutError):
            return silent(where, CONNECT_SECONDS)
        if isinstance(error, TimeoutError):
            return silent(where)
        if isinstance(error, (http.InvalidURL, ValueError)):
            # Its message may show a header's value.
            return BadRequest(
                f"the request to {where} is not one that HTTP allows", cure="check base_url and the API key"
            )
        if isinstance(error, http.ClientConnectorError):
            return unreachable(where, getattr(error, "os_error", error))
        if isinstance(error, http.ClientError):
            return lost(where, error)
        return error

    def left(self) -> None:
        """An answer has ended; the last one out closes a session that nobody needs any more."""
        self._busy -= 1
        if self._over and not self._busy:
            self._end()

    def close(self) -> None:
        """Close a session of our own, once the last answer under way has ended."""
        self._over = True
        if not self._busy:
            self._end()

    def _end(self) -> None:
        # Outside of its loop nothing can be awaited: `aclose` ends it when the loop does.
        if self._owned:
            with suppress(RuntimeError):
                self._ending = asyncio.get_running_loop().create_task(self._session.close())

    async def aclose(self) -> None:
        """Close a session of our own at the end of its loop."""
        if self._owned:
            await self._session.close()


class AiohttpResponse:
    """An answer of an aiohttp session."""

    def __init__(self, carrier: AiohttpCarrier, response: Any, where: str) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._carrier = carrier
        self._response = response
        self._where = where
        self._open = True

    async def read(self) -> bytes:
        """The whole body."""
        try:
            data: bytes = await self._response.read()
        except (OSError, self._carrier.failures) as error:
            raise self._carrier.mapped(error, self._where) from error
        return data

    async def chunk(self) -> bytes:
        """What came in since the last one; `b""` at the end."""
        try:
            data: bytes = await self._response.content.readany()
        except (OSError, self._carrier.failures) as error:
            raise self._carrier.mapped(error, self._where) from error
        return data

    async def close(self, whole: bool) -> None:
        """Give the connection back, or close it at once."""
        if not self._open:
            return
        self._open = False
        if whole:
            self._response.release()
        else:
            self._response.close()
        self._carrier.left()


def library() -> Any:
    """aiohttp, or MissingExtra."""
    try:
        import aiohttp
    except ImportError:
        msg = "carrier='aiohttp' needs a package that is not installed"
        raise MissingExtra(msg, cure="pip install 'chainkit[aiohttp]'") from None
    return aiohttp

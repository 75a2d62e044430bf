"""Carrying a request through a vendor's own client, by the lowest door it has.

Keys, base URLs, proxies and clouds then come from the client that people already configure. Nothing here
names a vendor: a provider's row gives the import string of an `Sdk`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from chainkit.run.carriers.handed import Faults, HandedResponse
from chainkit.run.carriers.wire import lost, silent, unreachable
from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.models.provider import Account
    from chainkit.run.carriers.body import Decoder
    from chainkit.run.carriers.handed import Mode
    from chainkit.run.carriers.wire import Carrier, HttpRequest


class Sdk(Protocol):
    """A vendor's client as a carrier. Asking it anything but `mode` may import the vendor's package."""

    def mode(self, client: object) -> Mode | None:
        """Whether that is a client of this vendor's, and which kind. Imports nothing."""
        ...

    def client(self, account: Account, *, blocking: bool) -> Any:
        """A new client for an account. Raises AuthenticationError, or ImportError without the package."""
        ...

    def carrier(self, client: Any) -> Carrier:
        """A carrier through a client: blocking through a sync one, of a loop through an async one."""
        ...


class PostCarrier:
    """Through clients whose low door is `client.post(path, cast_to=, body=, options=, stream=)`.

    `cast_to` is the response class that makes the client hand out the bare HTTP answer; `status`, `timeout`
    and `connection` are the client's error classes, `libraries` the HTTP libraries it may ride on. `undo`
    gives a decoder for answers of a content type that are no plain text.
    """

    relative = True

    def __init__(
        self,
        client: Any,
        *,
        waits: bool,
        cast_to: type[Any],
        status: type[Exception],
        timeout: type[Exception],
        connection: type[Exception],
        libraries: tuple[Any, ...],
        undo: Mapping[str, Callable[[], Decoder]] | None = None,
    ) -> None:
        self._client = client
        self._waits = waits
        self._cast_to = cast_to
        self._status = status
        self._timeout = timeout
        self._connection = connection
        self._faults = Faults(*libraries)
        self._undo = undo or {}

    async def open(self, request: HttpRequest, *, until: float | None) -> HandedResponse:
        """Send, and wait for the answer's headers."""
        client, where = self._client, str(self._client.base_url)
        try:
            sent = client.post(
                request.url,
                cast_to=self._cast_to,
                body=request.json,
                options=_options(request, until),
                stream=request.stream,
            )
            response = await sent if self._waits else sent
        except self._status as error:
            response = error.response  # type: ignore[attr-defined]
        except self._timeout as error:
            over = until is not None and time.monotonic() >= until
            raise (too_late() if over else silent(where)) from error
        except self._connection as error:
            raise self._unsent(error, where, until) from error
        return HandedResponse(
            response, self._faults, where, until, waits=self._waits, undo=self._decoder(response.headers)
        )

    def _unsent(self, error: Exception, where: str, until: float | None) -> Exception:
        cause = error.__cause__
        if isinstance(cause, Exception):
            return self._faults.mapped(cause, where, until) or unreachable(where, cause)
        return lost(where, error)

    def _decoder(self, headers: Mapping[str, str]) -> Decoder | None:
        if not self._undo:
            return None
        make = self._undo.get(headers.get("content-type", "").partition(";")[0].strip().lower())
        return make() if make is not None else None

    def close(self) -> None:
        """The client closes itself when the last answer lets go of it."""

    async def aclose(self) -> None:
        """Close one of ours at the end of its loop."""
        if self._waits:
            await self._client.close()


def _options(request: HttpRequest, until: float | None) -> dict[str, Any]:
    # Its own retries are off: every attempt has a row in the ledger.
    options: dict[str, Any] = {"max_retries": 0}
    if request.headers:
        options["headers"] = dict(request.headers)
    if until is not None:
        left = until - time.monotonic()
        if left <= 0:
            raise too_late()
        options["timeout"] = left
    return options



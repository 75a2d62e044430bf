"""Carrying a request through a vendor's own client, by the lowest door it has.

Keys, base URLs, proxies and clouds then come from the client that people already configure. Nothing here
names a vendor: a provider's row gives the import string of an `Sdk`.
"""

from __future__ import annotations

import sys
import time
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Protocol

from chainkit.errors import AuthenticationError, BadRequest, ChainkitError
from chainkit.run.carriers.handed import Faults, HandedResponse, made_in
from chainkit.run.carriers.transport import UNTIL
from chainkit.run.carriers.wire import lost, unreachable
from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.models.provider import Account
    from chainkit.run.carriers.body import Decoder
    from chainkit.run.carriers.handed import Mode
    from chainkit.run.carriers.transport import Sockets
    from chainkit.run.carriers.wire import Carrier, HttpRequest

_LIBRARIES = ("httpx2", "httpx")
_NO_KEY = "set the vendor's key variable, pass api_key=, or hand over a client that has a key"


class Sdk(Protocol):
    """A vendor's client as a carrier. Asking it anything but `mode` may import the vendor's package."""

    def mode(self, client: object) -> Mode | None:
        """Whether that is a client of this vendor's, and which kind. Imports nothing."""
        ...

    def client(self, account: Account, sockets: Sockets) -> Any:
        """A new client for an account, over these sockets: a sync one where they block, else an async one.

        Raises AuthenticationError where it has no key, and ImportError without the package.
        """
        ...

    def carrier(self, client: Any, sockets: Sockets | None = None) -> Carrier:
        """A carrier through a client; `sockets` are its own where we made it."""
        ...


def posting(client: object, library: str) -> Mode | None:
    """The mode of a client of that library which has `post`."""
    post = getattr(client, "post", None)
    if made_in(client, library) is None or post is None:
        return None
    return "async" if iscoroutinefunction(post) else "sync"


def library(package: Any) -> Any:
    """The HTTP library that a vendor's package rides on: httpx or httpx2."""
    roots = (c.__module__.partition(".")[0] for c in package.DefaultHttpxClient.__mro__)
    return sys.modules[next(root for root in roots if root in _LIBRARIES)]


def made(make: Any, package: Any, account: Account, sockets: Sockets) -> Any:
    """A client of such a package for an account; what the account leaves open, it finds itself."""
    given = {"base_url": account.base_url, "api_key": account.api_key}
    options = {name: value for name, value in given.items() if value is not None}
    http = package.DefaultHttpxClient if sockets.blocking else package.DefaultAsyncHttpxClient
    # A redirect would take the key's header to wherever it leads.
    over = http(transport=sockets.transport(library(package)), follow_redirects=False)
    return make(max_retries=0, http_client=over, **options)


class PostCarrier:
    """Through clients whose low door is `client.post(path, cast_to=, body=, options=, stream=)`.

    `package` is their module: it has `APIStatusError`, `APITimeoutError`, `APIConnectionError`, and
    `DefaultHttpxClient`, which tells the HTTP library whose bare `Response` can be asked for. `undo` gives
    a decoder for answers of a content type that are no plain text.
    """

    relative = True

    def __init__(
        self,
        package: Any,
        client: Any,
        sockets: Sockets | None = None,
        *,
        undo: Mapping[str, Callable[[], Decoder]] | None = None,
    ) -> None:
        self._client = client
        self._sockets = sockets
        self._waits = iscoroutinefunction(client.post)
        self._package = package
        self._response = library(package).Response
        self._faults = Faults(*(sys.modules[name] for name in _LIBRARIES if name in sys.modules))
        self._undo = undo or {}

    async def open(self, request: HttpRequest, *, until: float | None) -> HandedResponse:
        """Send, and wait for the answer's headers."""
        client, package, where = self._client, self._package, str(self._client.base_url)
        reset = UNTIL.set(until)
        try:
            sent = client.post(
                request.url,
                cast_to=self._response,
                **_written(request),
                options=_options(request, until),
                stream=request.stream,
            )
            response = await sent if self._waits else sent
        except package.APIStatusError as error:
            response = error.response
        except package.APIConnectionError as error:
            found = self._unsent(error, where, until)
            raise found from (None if isinstance(found, BadRequest) else error)
        except TypeError as error:
            if "authentication" not in str(error):
                raise
            raise AuthenticationError(f"the client has no key: {error}", cure=_NO_KEY) from error
        finally:
            UNTIL.reset(reset)
        return HandedResponse(
            response, self._faults, where, until, waits=self._waits, undo=self._decoder(response.headers)
        )

    def _unsent(self, error: Exception, where: str, until: float | None) -> Exception:
        cause = error.__cause__
        if isinstance(cause, ChainkitError):
            return cause
        if isinstance(cause, Exception):
            return self._faults.mapped(cause, where, until) or unreachable(where, cause)
        return lost(where, error)  # a client of another make: its own words are all there is

    def _decoder(self, headers: Mapping[str, str]) -> Decoder | None:
        if not self._undo:
            return None
        make = self._undo.get(headers.get("content-type", "").partition(";")[0].strip().lower())
        return make() if make is not None else None

    def close(self) -> None:
        """Close the sockets that are ours; a client handed over is its owner's to close."""
        if self._sockets is not None:
            self._sockets.close()


def _written(request: HttpRequest) -> dict[str, Any]:
    """The body as `post` takes it: JSON, or a form's fields beside its files."""
    body = request.json
    if not hasattr(body, "files"):
        return {"body": body}
    files = [(field, (f.name, f.data, f.media_type)) for field, f in body.files]
    # The client writes the brackets of a list by itself.
    return {"body": {name.removesuffix("[]"): value for name, value in body.fields.items()}, "files": files}


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

"""The cohere package as a carrier: `cohere.ClientV2` and `AsyncClientV2`.

Their own `request` encodes the body anew, and sends again by itself: so only what the client was
configured with is taken from it - base URL, headers, token, and the httpx client that it sends through.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from chainkit.errors import AuthenticationError
from chainkit.run.carriers.handed import HandedCarrier, http_client, made_in
from chainkit.run.carriers.transport import UNTIL
from chainkit.run.carriers.wire import CONNECT_SECONDS, READ_SECONDS, HttpRequest

if TYPE_CHECKING:
    from chainkit.models.provider import Account
    from chainkit.run.carriers.handed import HandedResponse, Mode
    from chainkit.run.carriers.transport import Sockets


class CohereSdk:
    """What the carriers need to know of the cohere package."""

    def mode(self, client: object) -> Mode | None:
        """Whether that is one of its clients, and which kind."""
        if made_in(client, "cohere") is None:
            return None
        return http_client(_inner(client))

    def client(self, account: Account, sockets: Sockets) -> Any:
        """A client for an account; what the account leaves open, it reads from its own environment."""
        import cohere
        import httpx

        if not (account.api_key or os.getenv("CO_API_KEY") or os.getenv("COHERE_API_KEY")):
            msg = f"{account.provider}: the cohere client has no key"
            raise AuthenticationError(msg, cure="set CO_API_KEY, or pass api_key=")
        make: Any = cohere.ClientV2 if sockets.blocking else cohere.AsyncClientV2
        http = (httpx.Client if sockets.blocking else httpx.AsyncClient)(
            transport=sockets.transport(httpx), timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        )
        given = {"base_url": account.base_url, "api_key": account.api_key, "httpx_client": http}
        return make(**{name: value for name, value in given.items() if value is not None})

    def carrier(self, client: Any, sockets: Sockets | None = None) -> CohereCarrier:
        """A carrier through a client."""
        return CohereCarrier(client, sockets)


class CohereCarrier:
    """Sends what a cohere client would, through its httpx client."""

    relative = True

    def __init__(self, client: Any, sockets: Sockets | None = None) -> None:
        self._wrapper = client._client_wrapper
        self._inner = HandedCarrier(_inner(client))
        self._sockets = sockets

    async def open(self, request: HttpRequest, *, until: float | None) -> HandedResponse:
        """Send, and wait for the answer's headers."""
        wrapper = self._wrapper
        waits = hasattr(wrapper, "async_get_headers")
        headers = await wrapper.async_get_headers() if waits else wrapper.get_headers()
        headers |= {"content-type": "application/json", **request.headers}
        url = wrapper.get_base_url().rstrip("/") + request.url
        body = json.dumps(request.json, ensure_ascii=False).encode()
        sent = HttpRequest(request.method, url, headers, body, stream=request.stream)
        reset = UNTIL.set(until)
        try:
            return await self._inner.open(sent, until=until)
        finally:
            UNTIL.reset(reset)

    def close(self) -> None:
        """Close the sockets that are ours; a client handed over is its owner's to close."""
        if self._sockets is not None:
            self._sockets.close()


def _inner(client: Any) -> Any:
    return client._client_wrapper.httpx_client.httpx_client


SDK = CohereSdk()

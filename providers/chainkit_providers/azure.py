"""Models on Azure: `azure:my-deployment`, on the v1 endpoint of Azure OpenAI and AI Foundry, or the older dated one.

`AZURE_OPENAI_ENDPOINT`, or `base_url=`, may be a resource (`https://mine.openai.azure.com`, also
`.services.ai.azure.com`), which is asked at `/openai/v1`; or any path below it, with `?api-version=` where
that wants one. `OPENAI_API_VERSION`, which the vendor's client reads, chooses the older form with
deployments in the path. A key goes in `api-key`, a token of Entra in `authorization`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from chainkit.errors import AuthenticationError, CompositionError
from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit.models.late import imported
from chainkit_providers.openai import models
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.completing import completing
from chainkit_providers.openai.offers import tasks_of
from chainkit_providers.openai.options import ChatOptions, OpenAIOptions, ResponsesOptions
from chainkit_providers.openai.responses import Responses
from chainkit_providers.openai.sdk import OpenAISdk

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.models.access import Access
    from chainkit.models.profile import Profile
    from chainkit.models.provider import Account
    from chainkit.run.call import Call
    from chainkit.run.carriers.transport import Sockets
    from chainkit.run.carriers.wire import HttpRequest

DIALECT = models.dialect("azure", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN")
_UNDATED = ("", "v1", "latest")
_BELOW = ("", "/openai", "/openai/v1")
"""Paths that say no more than which resource it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go: a base URL, what follows the path, and whether deployments stand in it."""

    base_url: str
    query: str = ""
    deployments: bool = False

    def path(self, wire: str, model: str, path: str) -> str:
        """The path of one request. Responses has no deployments in it."""
        where = ""
        if self.deployments:
            where = "/openai" if wire == "responses" else f"/openai/deployments/{quote(model, safe='')}"
        return f"{where}{path}{self.query}"


def place(url: str, version: str = "") -> Place:
    """Where an address leads; `version` is a dated API version for an address that names none."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    told = next(iter(parse_qs(parts.query).get("api-version", ())), "" if path.endswith("/v1") else version)
    root = f"{parts.scheme}://{parts.netloc}"
    query = "" if told in _UNDATED else f"?api-version={quote(told, safe='')}"
    if path not in _BELOW:
        return Place(root + path, query)
    if not query or path.endswith("/v1") or told == "preview":
        return Place(f"{root}/openai/v1", query)
    return Place(root, query, deployments=True)


class _Backend(HttpBackend):
    """An account of which the address is looked at once."""

    _place: Place | None = None

    def _access(self) -> Access:
        found = super()._access()
        if self._place is None:
            self._place = place(found.base_url, os.environ.get("OPENAI_API_VERSION", "").strip())
            found.base_url = self._place.base_url
        return found

    def _path(self, wire: Any, request: Any) -> str:
        path = super()._path(wire, request)
        # The vendor's own client puts deployments and versions in by itself.
        if OpenAISdk().mode(self._account.client) is not None:
            return path
        self._access()
        assert self._place is not None
        return self._place.path(wire.name, request.model, path)


class TokenSigner:
    """A token of Entra before each call: whoever gives it keeps it until it is old."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def check(self, account: Account) -> None:
        """Nothing can be said before a token is asked for."""

    async def sign(self, account: Account, request: HttpRequest, call: Call) -> HttpRequest:
        """The request with a token. Raises AuthenticationError where none is given."""
        token = await call.io.call(self._token)
        if not token:
            raise AuthenticationError("azure: the token function gave no token", cure="sign in, or set a key")
        request.headers = {**request.headers, "authorization": f"Bearer {token}"}
        return request


class _Sdk(OpenAISdk):
    """The openai package's clients for Azure, which are handed over: what they need is too much to guess."""

    def client(self, account: Account, sockets: Sockets) -> Any:
        """Raise CompositionError: only a client of the user's knows its endpoint and version."""
        msg = "azure: carrier='sdk' carries through a client of yours"
        raise CompositionError(msg, cure="pass client=openai.AzureOpenAI(...), or leave carrier= out")


class Azure(HttpProvider):
    """The vendor's row."""

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        super().open(account)
        return _Backend(self, account, imported(self.wires[account.api or self.default_api]))

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What is known of a model that is deployed under its own name."""
        api = (account.api if account is not None else None) or self.default_api
        return replace(models.profile(model, DIALECT), options=DIALECT.takes(api))


def azure(*, token: Callable[[], str] | None = None) -> Azure:
    """The provider; `token` gives a token of Entra where there is no key.

    `register(azure(token=azure.identity.get_bearer_token_provider(credential, scope)))` is all it takes.
    """
    return Azure(
        name="azure",
        base_url="https://{AZURE_OPENAI_ENDPOINT}",
        base_url_env=("AZURE_OPENAI_ENDPOINT",),
        wires={
            # Documents are read through Responses only.
            "chat": ChatCompletions(replace(DIALECT, media=("image", "audio")), vendor=ChatOptions),
            "responses": Responses(DIALECT, vendor=ResponsesOptions),
        },
        tasks={**tasks_of("azure", DIALECT.keys), **completing("azure", "", DIALECT.keys)},
        key_env=DIALECT.keys,
        auth="api-key: {key}",
        auth_for={"AZURE_OPENAI_AD_TOKEN": "authorization: Bearer {key}"},
        hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
        keys_at="https://ai.azure.com",
        sdk="chainkit_providers.azure:SDK",
        extra="openai",
        vendor=OpenAIOptions,
        signer=TokenSigner(token) if token is not None else None,
    )


SDK = _Sdk()
provider = azure()

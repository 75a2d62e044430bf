"""Google's application default credentials, through google-auth: who is logged in, a key file, or the machine itself."""

from __future__ import annotations

import os
import threading
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainkit.errors import AuthenticationError, ConnectionFailed, MissingExtra
from chainkit.run.carriers.wire import HttpRequest
from chainkit_providers.google.places import no_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.models.provider import Account
    from chainkit.run.call import Call
    from chainkit_providers.google.places import Place

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_LOGIN = "log in: gcloud auth application-default login, or name a key file in " + _FILE
_PATIENCE = 20.0
"""Seconds that a token may take."""
_LOCK = threading.Lock()
_HELD: dict[str, Any] = {}
"""The credentials by the file that was named: they renew themselves, and are worth keeping."""


class Login:
    """Signs requests to Vertex AI with a token that google-auth fetches and renews, about once an hour."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def check(self, account: Account) -> None:
        """Raise MissingExtra, or AuthenticationError where the project is not set or the key file is not there."""
        _library()
        if self._place.missing:
            raise no_project()
        named = os.environ.get(_FILE, "").strip()
        if named and not Path(named).is_file():
            raise AuthenticationError(f"vertex: {_FILE} names {named}, where there is no file", cure=_LOGIN)

    async def sign(self, account: Account, request: HttpRequest, call: Call) -> HttpRequest:
        """The request with a token that is good. Raises AuthenticationError."""
        _library()
        left = None if call.until is None else call.until - call.io.now()
        headers = await call.io.call(_headers, left)
        return HttpRequest(
            request.method, request.url, {**request.headers, **headers}, request.body, stream=request.stream
        )


def _library() -> None:
    if find_spec("google") is None or find_spec("google.auth") is None:
        raise MissingExtra(
            "vertex: without a key it needs google-auth, which is not installed", cure="pip install 'chainkit[vertex]'"
        )


def _headers(seconds: float | None) -> dict[str, str]:
    """The headers of whoever is logged in; blocks where a token has to be fetched, for so long at the most."""
    import google.auth.exceptions as failures

    with _LOCK:
        try:
            fetch = partial(_fetch, seconds)
            held = _credentials(fetch)
            if not held.valid:
                held.refresh(fetch)
        except failures.TransportError as error:
            raise ConnectionFailed(f"vertex: no token could be fetched: {error}") from error
        except failures.GoogleAuthError as error:
            raise AuthenticationError(f"vertex: nobody is logged in: {error}", cure=_LOGIN) from error
        headers = {"authorization": f"Bearer {held.token}"}
        project = getattr(held, "quota_project_id", None)
        return headers | ({"x-goog-user-project": project} if project else {})


def _credentials(fetch: Any) -> Any:
    import google.auth

    named = os.environ.get(_FILE, "")
    if named not in _HELD:
        library: Any = google.auth
        _HELD[named], _ = library.default(scopes=[_SCOPE], request=fetch)
    return _HELD[named]


def _least(timeout: float, seconds: float | None) -> float:
    return timeout if seconds is None else max(0.001, min(timeout, seconds))


class _Answer:
    """An answer in the form that google-auth wants."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


def _fetch(
    seconds: float | None,
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: Any,
) -> _Answer:
    """How google-auth sends its own requests: by httpx, so that no second HTTP library is needed."""
    import google.auth.exceptions as failures
    import httpx

    try:
        answer = httpx.request(
            method, url, content=body, headers=headers, timeout=_least(timeout or _PATIENCE, seconds)
        )
    except httpx.HTTPError as error:
        unsent: Any = failures.TransportError
        raise unsent(error) from error
    return _Answer(answer.status_code, answer.headers, answer.content)

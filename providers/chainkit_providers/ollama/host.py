"""Where an Ollama server is, from what people write into OLLAMA_HOST: a host, a port, a URL, or the server's own binding."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from chainkit.errors import CompositionError
from chainkit.models.access import without_password

_PORT = 11434
_USUAL = {"http": 80, "https": 443}
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound
"""What a server binds to, and where a client finds it."""
_UNDER = ("/v1", "/api")
"""Paths that belong to one of its interfaces, not to the server."""


def address(held: str) -> str:
    """The base URL. Raises CompositionError for a port that is none, or for a password in it."""
    text = held.strip().strip("'\"")
    scheme, colon, rest = text.partition("://")
    if not colon:
        scheme, rest = "http", text
    place, _, path = rest.partition("/")
    host, port = _split(place, held)
    port = port or (_USUAL.get(scheme, _PORT) if colon else _PORT)
    host = _EVERYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host and "@" not in host else host
    at = "" if port == _USUAL.get(scheme) else f":{port}"
    path = f"/{path.strip('/')}" if path.strip("/") else ""
    for under in _UNDER:
        path = path.removesuffix(under)
    found = f"{scheme}://{shown}{at}{path}"
    without_password(found)
    return found


def _split(place: str, held: str) -> tuple[str, int | None]:
    bare = place.strip("[]")
    try:
        ip_address(bare)
    except ValueError:
        pass
    else:
        return bare, None
    user, at, _ = place.rpartition("@")
    try:
        parts = urlsplit(f"//{place}")
        return f"{user}{at}{parts.hostname or ''}", parts.port
    except ValueError as error:
        msg = f"{held!r} is no address of an Ollama server: {error}"
        raise CompositionError(msg, cure="write host, host:port or http://host:port") from None

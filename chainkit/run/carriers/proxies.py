"""Which proxy the environment wants for a server: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

import base64
import os
import sys
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. `authorization` is the value of its header, a secret."""

    scheme: str
    host: str
    port: int
    url: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)

    @property
    def plain(self) -> bool:
        """Whether our own carrier can speak to it: no TLS to the proxy itself, no SOCKS."""
        return self.scheme == "http"


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy to use, or None. A server on this machine is never asked through one."""
    if host in _LOOPBACK or not _any():
        return None
    from urllib.request import getproxies, proxy_bypass

    found = getproxies()
    url = found.get(scheme) or found.get("all")
    if not url or proxy_bypass(f"{host}:{port}"):
        return None
    return _parsed(url)


def _any() -> bool:
    # urllib.request takes 30 ms to import; where only the environment can name a proxy, look there first.
    if sys.platform in ("win32", "darwin"):
        return True
    return any(name[-6:].lower() == "_proxy" for name in os.environ)


def _parsed(url: str) -> Proxy:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    scheme = parts.scheme.lower()
    port = parts.port or {"http": 80, "https": 443}.get(scheme, 1080)
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return Proxy(scheme, parts.hostname or "", port, url, authorization)

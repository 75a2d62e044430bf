"""Where a URL leads: parsed once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

from chainkit.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Target:
    """A server and what to ask it for, in the bytes that HTTP wants."""

    scheme: str
    host: str
    port: int
    path: bytes
    name: bytes
    """The value of the Host header."""

    @property
    def where(self) -> str:
        """For errors."""
        return f"{self.host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a connection belongs to."""
        return (self.scheme, self.host, self.port)

    @property
    def absolute(self) -> bytes:
        """The whole URL, as a forwarding proxy wants it."""
        return b"%s://%s%s" % (self.scheme.encode("ascii"), self.name, self.path)


@lru_cache(maxsize=512)
def target(url: str) -> Target:
    """Raises BadRequest for what is no http or https URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(url, str(error)) from None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not host:
        raise _wrong(url, "it must begin with http:// or https:// and name a host")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    usual = {"http": 80, "https": 443}[scheme]
    shown = f"[{host}]" if ":" in host else host
    name = shown if port in (None, usual) else f"{shown}:{port}"
    path = quote(parts.path or "/", safe="/:@!$&'()*+,;=~%-._") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, port or usual, path.encode("ascii", "replace"), name.encode("ascii"))


def _wrong(url: str, why: str) -> BadRequest:
    # A URL may hold a password or a key: no more than its beginning is shown.
    return BadRequest(
        f"{url.partition('?')[0].rpartition('@')[2][:80]!r} is no URL to send to: {why}", cure="check base_url"
    )

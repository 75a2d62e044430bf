"""Where an account's requests go, and which key goes with them.

A key from the environment goes to its vendor's own hosts only, or to the base URL that the vendor's own
environment variable names. A `base_url` passed in code without a key gets none: it may have come from a file.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chainkit.errors import AuthenticationError, CompositionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.models.http import HttpProvider
    from chainkit.models.provider import Account


_REAL = 8
"""Characters that a real key has at the least."""


@dataclass(slots=True)
class Access:
    """A base URL and the headers that open it. `masked` are the same headers, fit to be shown.

    `own` says that the URL is the vendor's or was set by its own variable, `withheld` is the variable whose key was not sent, `missing` says that a key is needed and there is none.
    """

    base_url: str
    headers: dict[str, str] = field(repr=False)
    masked: dict[str, str]
    own: bool
    secrets: tuple[str, ...] = field(default=(), repr=False)
    withheld: str | None = None
    missing: bool = False

    @property
    def shown(self) -> str:
        """The base URL, fit to be shown: that of a client handed over may hold a password."""
        return re.sub(r"//[^/@]*@", "//", self.base_url)

    def scrub(self, text: str) -> str:
        """The text without the keys."""
        for secret in self.secrets:
            text = _without(secret, text)
        return text


def _without(secret: str, text: str) -> str:
    # A placeholder such as "x" or "none" is masked only where it stands alone: it is a part of other words.
    if len(secret) < _REAL:
        return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text) if secret else text
    return text.replace(secret, "***")


def access(row: HttpProvider, account: Account, environ: Mapping[str, str] = os.environ) -> Access:
    """What an account may use, by its own fields, the client handed over, and the environment."""
    base_url, own = _base_url(row, account, environ)
    own = own or _vendors(row, base_url)
    variable, key = _key(row, account, environ)
    withheld = None
    if variable is not None and not own:
        withheld, key, variable = variable, None, None
    headers = dict(row.headers)
    if own:
        headers |= {name: held for name, var in row.header_env.items() if (held := environ.get(var, "").strip())}
    found = Access(base_url, headers, dict(headers), own, withheld=withheld)
    name, _, form = row.auth_for.get(variable or "", row.auth).partition(":")
    name, form = name.strip().lower(), form.strip()
    if key:
        _check_key(row, key)
        headers[name] = form.format(key=key)
        found.masked[name] = form.format(key="***")
        found.secrets = (key,)
    found.missing = not key and own and row.key_needed and name not in _held_headers(account)
    return found


def no_key(row: HttpProvider) -> AuthenticationError:
    """The error for a key that is nowhere."""
    where = f" (keys: {row.keys_at})" if row.keys_at else ""
    variables = " or ".join(row.key_env) or "its key"
    return AuthenticationError(f"{row.name}: there is no API key", cure=f"set {variables}{where}, or pass api_key=")


def without_password(url: str) -> None:
    """Raise CompositionError for a base URL with a password, which would be shown wherever the URL is."""
    if "@" in url.partition("?")[0].partition("://")[2].partition("/")[0]:
        msg = "base_url holds a user name or password, which would stand in dumps and errors"
        raise CompositionError(msg, cure="take it out, and pass api_key=, or hand over a client that holds it")


def _check_key(row: HttpProvider, key: str) -> None:
    wrong = next((at for at, c in enumerate(key) if not "!" <= c <= "~"), None)
    if wrong is not None:
        msg = f"{row.name}: character {wrong + 1} of the API key is U+{ord(key[wrong]):04X}, which no key holds"
        raise AuthenticationError(msg, cure="copy the key again: quotes, blanks and line breaks are no part of it")


def _base_url(row: HttpProvider, account: Account, environ: Mapping[str, str]) -> tuple[str, bool]:
    """The base URL, and whether the vendor's own row or variable names it."""
    read = row.address or str.strip
    if account.base_url:
        chosen, own = read(account.base_url), False
    elif held := _held_base_url(account):
        chosen, own = held, False
    else:
        named = next((v for name in row.base_url_env if (v := environ.get(name, "").strip())), None)
        chosen, own = read(named) if named else filled(row, environ), True
        without_password(chosen)
    return chosen.strip().rstrip("/"), own


_HOLE = re.compile(r"\{([\w|]+)(?::([^}]*))?\}")


def filled(row: HttpProvider, environ: Mapping[str, str] = os.environ) -> str:
    """The row's base URL, its `{VARIABLE}`, `{ONE|OTHER}` and `{VARIABLE:default}` filled from the environment.

    Raises AuthenticationError where one is set nowhere: an account's own address is part of its credentials.
    """

    def value(hole: re.Match[str]) -> str:
        named = hole[1].split("|")
        held = next((v for n in named if (v := environ.get(n, "").strip())), hole[2])
        if held is None:
            cure = f"set {' or '.join(named)}, or pass base_url="
            raise AuthenticationError(f"{row.name}: its address needs {named[0]}, which is not set", cure=cure)
        # A variable may hold a whole host, `https://` and all, where the vendor's own page shows one.
        return held.removeprefix("https://").rstrip("/")

    return _HOLE.sub(value, row.base_url) if "{" in row.base_url else row.base_url


def _key(row: HttpProvider, account: Account, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """(variable, key): a key that was passed has no variable."""
    if account.api_key is not None:
        return None, account.api_key.strip()
    for variable in row.key_env:
        # A line break at the end is the commonest fault of a key kept in a file.
        key = environ.get(variable, "").strip()
        if key:
            return variable, key
    return None, None


def _vendors(row: HttpProvider, base_url: str) -> bool:
    """Whether a URL leads to one of the vendor's own hosts, by no weaker a scheme."""
    try:
        parts, own = urlsplit(base_url), urlsplit(_HOLE.sub("none", row.base_url))
        same_port = parts.port == own.port
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    if parts.scheme not in (own.scheme, "https"):
        return False
    if host == own.hostname and same_port:
        return True
    # The vendor's further hosts stand in the open net: no key goes there in the clear.
    named = any(host == name or (name[:1] == "." and host.endswith(name)) for name in row.hosts)
    return named and parts.scheme == "https"


def _held_base_url(account: Account) -> str:
    return str(getattr(account.client, "base_url", None) or "")


def _held_headers(account: Account) -> frozenset[str]:
    held = getattr(account.client, "headers", None)
    return frozenset(name.lower() for name in held) if held is not None else frozenset()

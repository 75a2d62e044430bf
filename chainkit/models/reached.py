"""How a model is reached: its account, checked when the chain is made. Nothing is loaded or sent."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from chainkit.errors import CompositionError, UnknownModel, with_place
from chainkit.models.access import without_password
from chainkit.models.provider import Account
from chainkit.models.registry import known
from chainkit.models.resolve import split

ATTEMPTS = 3
"""How often a model step may ask in all: transient retries and re-asks together."""
_CARRIERS = ("auto", "httpx", "sdk", "aiohttp")


class Reach(TypedDict, total=False):
    """The options of every kind of model that say how to reach it."""

    api: str | None
    base_url: str | None
    api_key: str | None
    client: Any
    carrier: Literal["auto", "httpx", "sdk", "aiohttp"]
    attempts: int


def reached(
    spec: str,
    *,
    api: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    client: Any = None,
    carrier: Literal["auto", "httpx", "sdk", "aiohttp"] = "auto",
    attempts: int = ATTEMPTS,
) -> Account:
    """The account behind "provider:name". Raises CompositionError, or UnknownModel for an unknown provider."""
    provider, _ = split(spec)
    _known_provider(provider, spec)
    if carrier not in _CARRIERS:
        msg = f"carrier={carrier!r} is not one of {', '.join(_CARRIERS)}"
        raise CompositionError(msg)
    if attempts < 1:
        msg = f"attempts must be at least 1, not {attempts}"
        raise CompositionError(msg)
    if base_url is not None:
        without_password(base_url)
    # A line break at the end is the commonest fault of a key read from a file.
    return Account(provider, api, base_url, api_key if api_key is None else api_key.strip(), client, carrier)


def _known_provider(name: str, spec: str) -> None:
    """Raise UnknownModel where neither a package nor this process offers it; nothing of it is imported."""
    # The name of models that a script answers, which stand in dumps too.
    if name == "scripted":
        return
    try:
        known(name)
    except UnknownModel as error:
        raise with_place(error, f"model {spec}") from None

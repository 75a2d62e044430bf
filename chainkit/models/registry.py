"""Which providers there are: found through entry points, ours and a stranger's in the same way."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError, MissingExtra, UnknownModel, did_you_mean
from chainkit.models.provider import PROTOCOL

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from chainkit.models.profile import Profile
    from chainkit.models.provider import Provider

GROUP = "chainkit.providers"
_NONE = "pip install chainkit (a copy of its source is not enough: providers are found by what pip installs)"
_REGISTERED: dict[str, Provider] = {}
_LOADED: dict[str, Provider] = {}


def register(provider: Provider) -> None:
    """Make a provider known in this process, before any that is installed under the same name.

    Raises CompositionError for one that speaks another version of the protocol.
    """
    _REGISTERED[provider.name] = _spoken(provider, provider.name, "register(...)")


def unregister(name: str) -> None:
    """Forget a provider that was registered."""
    _REGISTERED.pop(name, None)


def find(name: str) -> Provider:
    """The provider of that name: the first half of "provider:name".

    Raises UnknownModel with the nearest names, MissingExtra where its package cannot be imported.
    """
    found = _REGISTERED.get(name) or _LOADED.get(name)
    return found if found is not None else _load(name)


def known(name: str) -> None:
    """Raise UnknownModel, with the nearest names, for a provider that cannot be found. Loads none."""
    if name not in _REGISTERED and name not in _LOADED and name not in _entries():
        msg = f"there is no provider {name!r}"
        raise UnknownModel(msg, cure=did_you_mean(name, names()) or _NONE)


def names() -> tuple[str, ...]:
    """All providers that can be found, sorted. Loads none of them."""
    return tuple(sorted({*_entries(), *_REGISTERED}))


def profile(spec: str) -> Profile:
    """What the model "provider:name" can do, as far as its provider says. Raises UnknownModel."""
    from chainkit.models.resolve import split

    provider, model = split(spec)
    told = find(provider).profile(model)
    listed = told.prices if told.context is None else None
    return told if listed is None else replace(told, context=listed.context)


@lru_cache(maxsize=1)
def _entries() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _load(name: str) -> Provider:
    known(name)
    entry = _entries()[name]
    package = entry.dist.name if entry.dist is not None else entry.value
    try:
        loaded: Any = entry.load()
    except ImportError as error:
        msg = f"provider {name!r} of the package {package} cannot be imported: {error}"
        raise MissingExtra(msg, cure=f"pip install --upgrade {package}") from error
    made = loaded() if isinstance(loaded, type) else loaded
    provider = _LOADED[name] = _spoken(made, name, package)
    return provider


def _spoken(provider: Any, name: str, package: str) -> Provider:
    spoken = getattr(provider, "protocol", None)
    if spoken == PROTOCOL:
        return provider  # type: ignore[no-any-return]
    what = "says no protocol version" if spoken is None else f"speaks protocol {spoken}"
    msg = f"provider {name!r} of {package} {what}; this chainkit speaks {PROTOCOL}"
    older = isinstance(spoken, int) and spoken < PROTOCOL
    raise CompositionError(msg, cure=f"upgrade {package}" if older or spoken is None else "upgrade chainkit")

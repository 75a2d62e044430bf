"""The provider protocol, version 1: what an adapter must be. Ours and a stranger's are the same.

An adapter is found through the entry-point group `chainkit.providers`; the entry point's name is the
first half of `provider:name`. It may live in any package. For a vendor that speaks HTTP, build on
`chainkit.models.http.HttpProvider`: give it wires (three pure things: encode, fold or decode, error) and
rows of data. For anything else, be a `Provider` yourself: `open` gives a `Backend` whose `send` answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from chainkit.errors import ProviderError
    from chainkit.models.profile import Profile
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest
    from chainkit.run.call import Call

PROTOCOL = 1


@dataclass(frozen=True, slots=True)
class Account:
    """Who calls, and through what: everything about a provider that is not the question.

    `api_key` never shows in a repr, a dump or an error. `client` is a vendor's or HTTP client handed over,
    used as it is. `api` chooses among a provider's wires ("chat", "responses", ...).
    """

    provider: str
    api: str | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    client: Any = None
    carrier: Literal["auto", "httpx", "sdk", "aiohttp"] = "auto"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One wire request as it would leave: nothing secret in it, nothing sent."""

    path: str
    provider: str
    model: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


class Fold(Protocol):
    """Turns the events of one streamed answer into one reply, showing pieces on the way.

    The only place where a stream becomes a reply; one object an answer.
    """

    def feed(self, event: str, data: bytes) -> tuple[Any, ...] | list[Any]:
        """One event of the wire; gives the pieces to show (`Piece`s), often none. Raises ProviderError."""
        ...

    def finish(self) -> Reply:
        """The whole reply. Raises StreamBroken if the stream ended before its end."""
        ...


class ChatWire(Protocol):
    """One wire format for chat: pure, no I/O."""

    name: str
    path: str
    """Where to POST, relative to the base URL; may hold `{model}`."""

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body. Takes what it honours out of `options` (a fresh dict); the core raises on the rest."""
        ...

    def decode(self, body: Any) -> Reply:
        """A whole answer."""
        ...

    def fold(self, request: ChatRequest) -> Fold:
        """A fresh fold for a streamed answer."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        ...


class Backend(Protocol):
    """A provider opened for one account: what stands at the right end of the gate."""

    async def send(self, call: Call) -> Reply:
        """Answer `call.request`; pieces leave through `call.emit` where that is not None."""
        ...

    def render(self, request: ChatRequest) -> Rendered:
        """The request as it would leave."""
        ...

    def check(self, model: str | None = None) -> None:
        """Raise what would stop a call (to that model) before it starts: a key, an extra, a file. No network."""
        ...


@runtime_checkable
class Provider(Protocol):
    """A vendor, a gateway or an engine in this process."""

    @property
    def protocol(self) -> int:
        """The version of this protocol that it speaks: 1."""
        ...

    @property
    def name(self) -> str:
        """The first half of "name:model"."""
        ...

    def open(self, account: Account) -> Backend:
        """A backend for that account: cheap, no I/O, checked later."""
        ...

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What that model can do."""
        ...

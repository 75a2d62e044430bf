"""The provider protocol, version 1: what an adapter must be. Ours and a stranger's are the same.

An adapter is found through the entry-point group `chainkit.providers`; the entry point's name is the
first half of `provider:name`. It may live in any package. For a vendor that speaks HTTP, build on
`chainkit.models.http.HttpProvider`: give it wires (three pure things: encode, fold or decode, error) and
rows of data. For anything else, be a `Provider` yourself: `open` gives a `Backend` whose `send` answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from chainkit.errors import ProviderError
    from chainkit.models.multipart import Multipart
    from chainkit.models.profile import Profile
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest
    from chainkit.run.call import Call
    from chainkit.run.carriers.wire import HttpRequest

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


class Parser(Protocol):
    """Cuts the bytes of a stream into events. `chainkit.models.sse.SseParser` and `JsonLines` are two."""

    def feed(self, data: bytes) -> Sequence[tuple[str, bytes]]:
        """The events that end in `data`: their names and their data."""
        ...

    def rest(self) -> Sequence[tuple[str, bytes]]:
        """What came after the last end of an event, as events."""
        ...


class ChatWire(Protocol):
    """One wire format for chat: pure, no I/O.

    A stream that is no server-sent events has `framing`, a callable that makes its `Parser`.
    """

    name: str

    @property
    def path(self) -> str | Callable[[ChatRequest], str]:
        """Where to POST, relative to the base URL; may hold `{model}`, or be worked out from the request."""
        ...

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


class TaskWire(Protocol):
    """One wire format for a request that is no chat (`request.kind`): pure, no I/O.

    `answer` says what `decode` is given: parsed JSON or the bytes as they came.
    """

    @property
    def name(self) -> str: ...

    @property
    def answer(self) -> Literal["json", "bytes"]: ...

    @property
    def path(self) -> str | Callable[[Any], str]:
        """Where to POST, relative to the base URL; may hold `{model}`, or be worked out from the request."""
        ...

    def encode(self, request: Any, options: dict[str, Any]) -> dict[str, Any] | Multipart:
        """The body. Takes what it honours out of `options`; the core raises on the rest."""
        ...

    def decode(self, body: Any, request: Any) -> Any:
        """The answer to that request: an object with `usage`, `warnings`, `headers` and `price`."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        ...


class Signer(Protocol):
    """Credentials that are more than a key in a header: a signature, a token that has to be fetched."""

    def check(self, account: Account) -> None:
        """Raise AuthenticationError or MissingExtra where there are none. No network."""
        ...

    async def sign(self, account: Account, request: HttpRequest, call: Call) -> HttpRequest:
        """The request with what opens the door. Raises AuthenticationError."""
        ...


class Backend(Protocol):
    """A provider opened for one account: what stands at the right end of the gate."""

    async def send(self, call: Call) -> Reply:
        """Answer `call.request`, whose `kind` says what it is; pieces leave through `call.emit` where that is not None."""
        ...

    def render(self, request: Any) -> Rendered:
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

"""What the wires share that ask something other than a chat: whose they are, and what a refusal means."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from chainkit_providers.faults import fault, http_fault
from chainkit_providers.payload import malformed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from chainkit.errors import ProviderError
    from chainkit_providers.payload import Json


@dataclass(frozen=True)
class VendorWire:
    """A wire of one vendor. `keys` are the variables that hold its key, for the cure of a refusal; `prefix` stands
    before its paths."""

    provider: str
    keys: tuple[str, ...] = ()
    prefix: str = ""
    answer: Literal["json", "bytes"] = field(default="json", init=False)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return http_fault(self.provider, status, headers, body, keys=self.keys)

    @contextmanager
    def reading(self, what: str, body: Any) -> Generator[Json, None, None]:
        """The answer as an object; what is not as it should be in it is ReplyMalformed."""
        found = self.whole(body)
        try:
            yield found
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise malformed(what, body, f"form of its own ({type(error).__name__}: {error})") from error

    def whole(self, body: Any) -> Json:
        """The answer as an object. Raises the fault that it holds, or ReplyMalformed."""
        if not isinstance(body, dict):
            raise malformed(self.provider, body, "object")
        if body.get("error") is None or "data" in body or "text" in body:  # pyright: ignore[reportUnknownMemberType]
            return body  # pyright: ignore[reportUnknownVariableType]
        raise fault(self.provider, body, keys=self.keys)


def move(options: dict[str, Any], fields: Mapping[str, str], body: dict[str, Any]) -> None:
    """Take the options that have a field out of `options`, and put them there."""
    for option, name in fields.items():
        if option in options:
            body[name] = options.pop(option)


def add_extra(options: dict[str, Any], body: dict[str, Any]) -> None:
    """Add the vendor fields that are to be sent as they are."""
    body.update(options.pop("extra", None) or {})

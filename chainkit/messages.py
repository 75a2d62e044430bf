"""Messages and their parts: what a model is given, in no vendor's words.

A message is a role and parts. Plain data: frozen, comparable, hashable where its values are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, overload

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text. `phase` is what its vendor marks it as (an aside before calls, or the answer), for its way back."""

    text: str
    phase: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Media:
    """An image, sound, video or document: exactly one of `data` (bytes) and `url` is set."""

    kind: Literal["image", "audio", "video", "document"]
    media_type: str
    data: bytes | None = None
    url: str | None = None
    name: str | None = None

    def __repr__(self) -> str:
        held = f"{len(self.data)} bytes" if self.data is not None else self.url
        return f"Media({self.kind}, {self.media_type}, {held})"

    def save(self, path: str | Path) -> Path:
        """Write the bytes to a file. Raises ValueError for a part that is only a URL, OSError where it cannot."""
        if self.data is None:
            msg = f"there are no bytes to save, only a URL: {self.url}"
            raise ValueError(msg)
        place = Path(path)
        place.write_bytes(self.data)
        return place


@dataclass(frozen=True, slots=True)
class Thinking:
    """A model's reasoning. `vendor` and `signature` let it go back to the vendor that made it.

    `data` holds a block that only its vendor can read (redacted or encrypted).
    """

    text: str
    signature: str | None = None
    vendor: str | None = None
    id: str | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool. `arguments` is parsed JSON; `raw` the text where it was none."""

    name: str
    arguments: Mapping[str, Any]
    id: str | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered, as text, for the call of that `id`."""

    id: str | None
    text: str
    name: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ServerItem:
    """A vendor's own block (a server-side tool's call or result), kept whole for its vendor."""

    vendor: str
    type: str
    data: Mapping[str, Any]


Part: TypeAlias = Text | Media | Thinking | ToolCall | ToolResult | ServerItem


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: a role and its parts."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined."""
        parts = self.parts
        if len(parts) == 1 and type(parts[0]) is Text:
            return parts[0].text
        return "".join(p.text for p in parts if isinstance(p, Text))

    def __str__(self) -> str:
        return f"{self.role}: {self.text}"


class Messages(tuple[Message, ...]):
    """What a prompt makes: messages in order. `str()` reads as a transcript."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    @overload
    def __add__(self, other: tuple[Message, ...], /) -> Messages: ...
    @overload
    def __add__(self, other: tuple[Any, ...], /) -> tuple[Any, ...]: ...
    def __add__(self, other: tuple[Any, ...], /) -> tuple[Any, ...]:
        return Messages((*self, *other))


Promptable: TypeAlias = str | Message | Sequence[Message]


def message(role: Role, content: str | Part | Sequence[str | Part], *, name: str | None = None) -> Message:
    """A message from text or parts."""
    items = (content,) if isinstance(content, str | Part) else tuple(content)
    return Message(role, tuple(Text(c) if isinstance(c, str) else c for c in items), name)


def as_messages(value: Any) -> Messages | None:
    """A string, a message, messages, or something that says its text, as messages; else None."""
    if type(value) is Messages:
        return value
    if isinstance(value, str):
        return Messages((Message("user", (Text(value),)),))
    if isinstance(value, Message):
        return Messages((value,))
    if isinstance(value, Sequence):
        items: Sequence[Any] = value  # pyright: ignore[reportUnknownVariableType]
        if items and all(isinstance(m, Message) for m in items):
            return Messages(items)
    return None


def counted_text(value: Any) -> str | None:
    """The text of an answer that counts as its text where a text is wanted: a reply, a transcript; else None."""
    if getattr(cast("Any", type(value)), "counts_as_text", False) or hasattr(value, "finish_reason"):
        return str(value.text)
    return None

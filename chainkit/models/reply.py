"""What a chat model answered, in no vendor's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chainkit.messages import Message, ServerItem, Text, Thinking, ToolCall
from chainkit.usage import NO_USAGE, UNKNOWN, Cost, Usage

if TYPE_CHECKING:
    from chainkit.models.rates import RateLimit

FinishReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "content_filter", "refusal", "paused", "error", "unknown"
]


_SHORT = 60
"""Characters of its text that a reply's repr shows."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that a model named for a stretch of its text; `start` and `end` are characters of the text."""

    text: str
    source: str | None = None
    start: int | None = None
    end: int | None = None
    title: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class Reply:
    """One answer of a chat model. `str(reply)` is its text.

    `finish` is the reason in our words (`finish_reason`), `finish_word` in the vendor's. `raw` is the
    wire's own body (for a stream: None). `price` tells the cost of a usage. `parts` keeps the order in which the vendor sent things.
    `choices` holds further answers where more than one was asked for. `prompt_logprobs` are those of a completion's
    prompt, where they were asked for. Equality leaves out ids, times, cost.
    """

    parts: tuple[Text | Thinking | ToolCall | ServerItem, ...]
    finish_reason: FinishReason = "stop"
    finish_word: str | None = None
    usage: Usage = NO_USAGE
    model: str | None = None
    id: str | None = None
    refusal: str | None = None
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[Any, ...] = ()
    choices: tuple[Reply, ...] = ()
    warnings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    raw: Any = None
    price: Callable[[Usage], Cost] | None = field(default=None, repr=False)
    prompt_logprobs: tuple[Any, ...] = ()

    @property
    def cost(self) -> Cost:
        """What it cost, worked out when asked; Unknown where nobody knows the price."""
        return UNKNOWN if self.price is None else self.price(self.usage)

    @property
    def text(self) -> str:
        """The text parts, joined."""
        parts = self.parts
        if len(parts) == 1 and type(parts[0]) is Text:
            return parts[0].text
        return "".join(p.text for p in parts if isinstance(p, Text))

    @property
    def thinking(self) -> str | None:
        """The reasoning parts, joined; None where the model showed none."""
        found = [p.text for p in self.parts if isinstance(p, Thinking)]
        return "".join(found) or None

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools it wants called, in order."""
        return tuple(p for p in self.parts if isinstance(p, ToolCall))

    @property
    def rate_limits(self) -> Mapping[str, RateLimit]:
        """What the answer's headers say of the account's limits: by `requests`, `tokens`, ...; often empty."""
        from chainkit.models.rates import rate_limits

        return rate_limits(self.headers)

    @property
    def message(self) -> Message:
        """The reply as a turn of the conversation."""
        return Message("assistant", self.parts)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        calls = "".join(f", calls {c.name}" for c in self.tool_calls)
        tokens = f", {self.usage.total} tokens" if self.usage.total is not None else ""
        text = self.text if len(self.text) <= _SHORT else self.text[: _SHORT - 1] + "…"
        return f"Reply({text!r}{calls}, {self.finish_reason}{tokens})"

    def _said(self) -> tuple[Any, ...]:
        calls = tuple((c.name, c.raw or repr(c.arguments)) for c in self.tool_calls)
        return (self.text, self.thinking, calls, self.finish_reason, self.refusal)

    def __eq__(self, other: object) -> bool:
        return self._said() == other._said() if isinstance(other, Reply) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._said())

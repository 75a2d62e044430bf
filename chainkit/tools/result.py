"""What an agent gives back: a value, the whole conversation, and what still waits for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from chainkit.messages import Message, Messages, as_messages
from chainkit.usage import FREE, NO_USAGE, Cost, Usage

if TYPE_CHECKING:
    from chainkit.messages import ToolCall, ToolResult

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, repr=False)
class AgentResult(Generic[T_co]):
    """The end of an agent's work. `str()` is its text.

    `value` is the answer: the last text, or the value of the type asked for; None where calls are `pending`.
    `messages` is the conversation from its beginning, `steps` how often the model was asked, `usage` and `cost`
    what its own calls used. `pending` are calls that wait for a person, `done` the results of those beside them.
    """

    counts_as_value: ClassVar[bool] = True

    value: T_co
    messages: Messages
    steps: int = 1
    usage: Usage = NO_USAGE
    cost: Cost = FREE
    pending: tuple[ToolCall, ...] = ()
    done: tuple[ToolResult, ...] = ()

    @property
    def text(self) -> str:
        """The last text of the model."""
        return next((m.text for m in reversed(self.messages) if m.role == "assistant"), "")

    def then(self, question: str | Message | Sequence[Message]) -> Messages:
        """The conversation with a further question: what the agent is given to go on."""
        asked = as_messages(question)
        return Messages((*self.messages, *(asked or ())))

    def decided(self, decisions: Mapping[str, Any]) -> Resumed:
        """The way to go on after calls were `pending`: for each call's id True, or why not. Give it to the agent."""
        return Resumed(self.messages, self.pending, self.done, dict(decisions))

    def __str__(self) -> str:
        return self.value if isinstance(self.value, str) else self.text

    def __repr__(self) -> str:
        waits = f", {len(self.pending)} pending" if self.pending else ""
        return f"AgentResult({self.value!r:.60}, {self.steps} steps{waits})"


@dataclass(frozen=True)
class Resumed:
    """A conversation that stopped at calls which a person has now decided about. Made by `AgentResult.decided`."""

    messages: Messages
    pending: tuple[ToolCall, ...]
    done: tuple[ToolResult, ...]
    decisions: Mapping[str, Any]

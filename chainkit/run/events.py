"""What a run tells while it goes on.

Every event has `path`. New kinds may come in a minor release: ignore what you do not know. Exactly one
`Completed` is last, or an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from chainkit.messages import ToolCall
    from chainkit.run.run import Run

Out_co = TypeVar("Out_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """A piece of a model's text. `shown` says that it is a piece of the chain's own output."""

    path: str
    text: str
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingDelta:
    """A piece of a model's reasoning."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    """A piece of a tool call: name and id come once, `arguments` is JSON text in pieces."""

    path: str
    index: int
    arguments: str
    name: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialOutput:
    """What has arrived of a structured value, as plain JSON; each one replaces the one before."""

    path: str
    data: Any
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BallotCast:
    """A member of an ensemble has answered, failed or timed out."""

    path: str
    ballot: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """So many of so many parts of a long piece of work are done; `what` says which work. `total` may grow."""

    path: str
    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """An attempt broke after it had shown pieces: drop what that path has shown."""

    path: str
    reason: str
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step of the chain begins."""

    path: str
    input: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step of the chain has ended, with a value or an error."""

    path: str
    value: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """A tool is about to be called."""

    path: str
    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgress:
    """What a tool tells while it works."""

    path: str
    call: ToolCall
    told: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """A tool has ended: `result` is what the model is told, `error` why it did not work."""

    path: str
    call: ToolCall
    result: str
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True)
class Completed(Generic[Out_co]):
    """The end: the chain's value, the model's reply where the chain is a model, and the run."""

    path: str
    value: Out_co
    run: Run

    @property
    def reply(self) -> Any:
        """The value where it is a model's reply, else None."""
        return self.value if hasattr(self.value, "finish_reason") else None


Event: TypeAlias = (
    TextDelta
    | ThinkingDelta
    | ToolCallDelta
    | PartialOutput
    | BallotCast
    | Progressed
    | Restarted
    | StepStarted
    | StepFinished
    | ToolStarted
    | ToolProgress
    | ToolFinished
    | Completed[T]
)

"""A conversation as exchanges: what the user said, and all that came of it until the user spoke again. Pure.

Exchanges are never cut: a tool's result stays with its call, and a conversation that begins with one begins with the user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chainkit.messages import Media, Message, Messages, Part, Text, ToolCall, ToolResult
from chainkit.models.count import estimated
from chainkit.models.request import ChatRequest


@dataclass(frozen=True)
class Past:
    """What of a conversation a model is shown: `system`, then `before`, then the exchanges of `shown`.

    `left` are the exchanges that a rule has left out, oldest first. A rule gives a changed copy; exchanges move from the
    beginning of `shown` to the end of `left`.
    """

    system: Messages = field(default_factory=Messages)
    before: Messages = field(default_factory=Messages)
    left: tuple[Messages, ...] = ()
    shown: tuple[Messages, ...] = ()

    @classmethod
    def of(cls, turns: Iterable[Message]) -> Past:
        """All of a conversation."""
        turns = tuple(turns)
        system = Messages(m for m in turns if m.role == "system")
        return cls(system, shown=tuple(exchanges(m for m in turns if m.role != "system")))

    @property
    def messages(self) -> Messages:
        """What is shown, in order."""
        return Messages((*self.system, *self.before, *flat(self.shown)))


def exchanges(turns: Iterable[Message]) -> list[Messages]:
    """The exchanges of a conversation: each begins where a user speaks after somebody else."""
    found: list[list[Message]] = []
    before = None
    for turn in turns:
        if not found or (turn.role == "user" and before != "user"):
            found.append([])
        found[-1].append(turn)
        before = turn.role
    return [Messages(each) for each in found]


def flat(found: Iterable[Sequence[Message]]) -> Messages:
    """Exchanges as one conversation."""
    return Messages(m for each in found for m in each)


def newest(shown: Sequence[Messages], room: int, size: Callable[[Messages], int]) -> list[Messages]:
    """As many of the newest exchanges as there is room for.

    Where not even the newest fits, what was asked and what was answered in the end are kept of it, if they fit.
    """
    found: list[Messages] = []
    for exchange in reversed(shown):
        sized = ((form, size(form)) for form in _forms(exchange, whole_only=bool(found)))
        fitting = next(((form, needs) for form, needs in sized if needs <= room), None)
        if fitting is None:
            break
        found.append(fitting[0])
        room -= fitting[1]
    return found[::-1]


def _forms(exchange: Messages, *, whole_only: bool) -> list[Messages]:
    return [exchange] if whole_only else [exchange, short(exchange)]


def short(exchange: Messages) -> Messages:
    """What was asked, and the text of what was answered in the end: without calls, results and thinking."""
    asked = [m for m in exchange if m.role == "user"]
    said = [m for m in exchange if m.role == "assistant" and m.text]
    answer = [Message("assistant", (Text(said[-1].text),))] if said else []
    return Messages((*asked[:1], *answer)) if asked else Messages(answer)


def token_count(turns: Messages) -> int:
    """About how many tokens a conversation has; see `chainkit.models.count.estimate`."""
    return estimated(ChatRequest("", turns)).tokens


def words(turns: Iterable[Message]) -> str:
    """What was said, for searching: without who said it, which stands in every exchange."""
    return "\n".join(map(_told, turns))


def transcript(turns: Iterable[Message]) -> str:
    """A conversation as plain text, for reading."""
    return "\n".join(f"{m.role}: {_told(m)}" for m in turns)


def _told(turn: Message) -> str:
    return " ".join(_part(p) for p in turn.parts)


def _part(part: Part) -> str:
    if isinstance(part, Text | ToolResult):
        return part.text
    if isinstance(part, ToolCall):
        return f"[calls {part.name} {dict(part.arguments)}]"
    return f"[{part.kind} {part.name or part.media_type}]" if isinstance(part, Media) else ""

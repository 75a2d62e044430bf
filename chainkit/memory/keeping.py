"""What of a conversation a model is shown: rules, one after the other, each an ordinary value.

A rule is compiled with the chain it belongs to, and then is `async def keep(frame, past, talk) -> past`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, runtime_checkable

from chainkit.errors import CompositionError
from chainkit.memory.exchanges import Past, newest, token_count
from chainkit.messages import Message, Messages, as_messages

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from chainkit.chain import Chain
    from chainkit.memory.store import Memory
    from chainkit.place import Place
    from chainkit.run.frame import Frame

    Keep: TypeAlias = Callable[[Frame, Past, "Talk"], Awaitable[Past]]


@dataclass(frozen=True)
class Talk:
    """Whose conversation it is: the memory, its name there, and what is asked now. `writes` is False where only looked."""

    memory: Memory
    conversation: str
    asked: Messages
    path: str
    writes: bool = True


@runtime_checkable
class Rule(Protocol):
    """One way to choose. `first` says that it must see the whole conversation."""

    first: bool

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        """The chains that it asks."""
        ...

    def compile(self, place: Place) -> Keep:
        """The rule as a function of the past."""
        ...


Kept: TypeAlias = Rule | Callable[[Messages], Sequence[Message]]
Keeping: TypeAlias = Kept | Sequence[Kept] | None
"""What `keep=` takes: a rule, a function of messages, or several, one after the other."""


class Plain:
    """A rule that asks nobody."""

    first = False

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        """None."""
        return ()

    def compile(self, place: Place) -> Keep:
        """As it is."""

        async def keep(frame: Frame, past: Past, talk: Talk) -> Past:
            return self.kept(past)

        return keep

    def kept(self, past: Past) -> Past:
        """The past with less of it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Last(Plain):
    """See `last`."""

    messages: int

    def kept(self, past: Past) -> Past:
        """The newest."""
        return _leaving(past, newest(past.shown, self.messages, len))


@dataclass(frozen=True)
class Tokens(Plain):
    """See `tokens`."""

    most: int
    count: Callable[[Messages], int] = token_count

    def kept(self, past: Past) -> Past:
        """The newest."""
        return _leaving(past, newest(past.shown, self.most, self.count))


@dataclass(frozen=True)
class Own(Plain):
    """A function of the user's: all messages in, those to be shown out."""

    function: Callable[[Messages], Sequence[Any]]

    def kept(self, past: Past) -> Past:
        """What the function gave."""
        found = self.function(past.messages)
        messages = as_messages(found) if found else Messages()
        if messages is None:
            raise CompositionError(f"keep= gave {type(found).__name__} and not messages: {found!r:.60}")
        return Past.of(messages)


def _leaving(past: Past, kept: list[Messages]) -> Past:
    left = past.shown[: len(past.shown) - len(kept)]
    return Past(past.system, past.before, (*past.left, *left), tuple(kept))


def last(messages: int) -> Last:
    """The newest whole exchanges, as many as have at most so many messages together.

    An exchange is what the user said and all that came of it, calls and results of tools included: it is kept whole or
    not at all. Where the newest alone has more messages, its question and its final text are kept.
    """
    if messages < 2:
        raise CompositionError(f"last({messages}) has no room for a question and its answer", cure="last(2) or more")
    return Last(messages)


def tokens(most: int, *, count: Callable[[Messages], int] = token_count) -> Tokens:
    """The newest whole exchanges, as many as have at most so many tokens together; see `last`.

    `count` counts messages; without it they are estimated (off by a tenth on average, see `chainkit.models.count`). What
    is asked now and system messages are shown in any case and not counted.
    """
    if most < 1:
        raise CompositionError(f"tokens({most}) has no room for a token")
    return Tokens(most, count)


def rules(keep: Keeping) -> tuple[Rule, ...]:
    """What `keep=` means: nothing, a rule, a function of messages, or several of them one after the other."""
    found: Any = keep
    given = cast("Sequence[Any]", found if isinstance(found, list | tuple) else () if found is None else (found,))
    made = tuple(_rule(each) for each in given)
    late = next((r for r in made[1:] if r.first), None)
    if late is not None:
        raise CompositionError(f"{late!r:.60} folds the whole conversation", cure="put it first in keep=")
    return made


def _rule(given: Any) -> Rule:
    if isinstance(given, Rule):
        return given
    if callable(given):
        return Own(cast("Any", given))
    msg = f"keep= takes last(n), tokens(n), summary(model), recall(k) or a function of messages, and got {given!r:.60}"
    raise CompositionError(msg)

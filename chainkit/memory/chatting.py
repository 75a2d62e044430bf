"""A chain that remembers: what was said before goes in, what is said now is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.errors import CompositionError
from chainkit.memory.asked import Shape, asked_in, shape_of
from chainkit.memory.exchanges import Past
from chainkit.memory.keeping import Keeping, Rule, Talk, rules
from chainkit.memory.one_at_a_time import Alone
from chainkit.memory.reaching import read, write
from chainkit.memory.said import said_in
from chainkit.memory.store import Memory, named
from chainkit.memory.stores import memory as opened
from chainkit.messages import Messages, Promptable, message

if TYPE_CHECKING:
    from chainkit.models.reply import Reply
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

B = TypeVar("B")


@dataclass(frozen=True, repr=False)
class Chatting(Chain[Any, Any]):
    """A chain, the memory of its conversations, and what of them it is shown. Made by `chatting`."""

    chain: Chain[Any, Any]
    memory: Memory
    conversation: str | None = None
    keep: tuple[Rule, ...] = ()
    system: str | None = None
    shape: Shape = field(default_factory=Shape)

    @property
    def in_type(self) -> Any:
        return Mapping[str, Any] if self.conversation is None else Promptable | Mapping[str, Any]

    @property
    def out_type(self) -> Any:
        return self.chain.out_type

    @property
    def label(self) -> str:
        return "chatting"

    @property
    def note(self) -> str:
        """Where it remembers."""
        return f"in {self.memory.name}"

    def __hash__(self) -> int:
        return hash((self.chain, self.memory.name, self.memory.where, self.conversation))

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        asked = [part for rule in self.keep for part in rule.parts()]
        return (*asked, (self.chain.label, self.chain))

    def groups(self) -> tuple[int, ...]:
        return (1,) * len(self.parts())

    def compile(self, place: Place) -> Core:
        core, keeps = place.compile(self.chain, tail=True), [rule.compile(place) for rule in self.keep]
        first = Messages((message("system", self.system),)) if self.system else Messages()

        async def run(frame: Frame, value: Any) -> Any:
            asked = asked_in(value, self.shape, self.conversation)
            talk = Talk(self.memory, asked.conversation, asked.turns, place.path, not _only_looks(frame))
            async with Alone(talk, frame):
                past = Past.of(await read(talk, frame, "turns", self.memory.turns, talk.conversation))
                for keep in keeps:
                    past = await keep(frame, past, talk)
                given = first + past.messages + asked.turns
                found = await core(frame, self.shape.given(asked, given))
                new = said_in(found, given)
                if new and talk.writes:
                    await write(talk, frame, "add", self.memory.add, talk.conversation, asked.turns + new)
                return found

        return run


def _only_looks(frame: Frame) -> bool:
    """Whether the models of this run only pretend: then nothing that they say is kept."""
    return any(getattr(model, "pretends", False) for model in (frame.run.models or {}).values())


@overload
def chatting(
    chain: str, *, memory: str | Memory, conversation: str | None = ..., keep: Keeping = ..., system: str | None = ...,
    turns: str | None = ..., message: str | None = ...,
) -> Chain[Promptable | Mapping[str, Any], Reply]: ...  # fmt: skip
@overload
def chatting(
    chain: Chain[Any, B], *, memory: str | Memory, conversation: str | None = ..., keep: Keeping = ...,
    system: str | None = ..., turns: str | None = ..., message: str | None = ...,
) -> Chain[Promptable | Mapping[str, Any], B]: ...  # fmt: skip
def chatting(
    chain: str | Chain[Any, Any],
    *,
    memory: str | Memory,
    conversation: str | None = None,
    keep: Keeping = None,
    system: str | None = None,
    turns: str | None = None,
    message: str | None = None,
) -> Chain[Any, Any]:
    """A chain that is given the conversation so far with what is said now, and whose answer is kept in `memory`.

    `chain` is a model, an agent, or anything from messages; or one that begins with a prompt which has a place for the
    conversation, `history("turns")`: then what is said now is its other variable (`turns` and `message` name the two where
    they cannot be seen). `memory` is a `Memory` or a word for one, "sqlite:chat.db".

    The input is a text or messages, in the `conversation` bound here; or a mapping,
    {"conversation": "ada", "message": "Hi"}, with the prompt's further variables beside them. `keep` says what of the
    conversation is shown: `last(20)`, `tokens(3000)`, `summary(model)`, `recall(k)`, a function of messages, or several,
    one after the other; all of it where left out. Nothing is ever taken out of the memory. `system` is put before it all,
    and not kept.

    Question and answer are kept together, once the answer is whole: of one that failed, was cancelled or left in the
    middle of its stream, nothing is. Within a process questions in one conversation are answered one after the other.
    Raises CompositionError where the chain has no place for the conversation.
    """
    made = as_chain(chain)
    held = opened(memory) if isinstance(memory, str) else memory
    if not isinstance(held, Memory):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may hand anything
        raise CompositionError(f"memory= is {type(held).__name__}", cure='say "sqlite:chat.db", or give a Memory')
    bound = None if conversation is None else named(conversation)
    return Chatting(made, held, bound, rules(keep), system, shape_of(made, turns, message, system))

"""What keeps conversations: one small protocol. What a memory promises:

- `add` appends all of its messages or none, one after the other; when it returns they are there, still after the process
  is killed (in memory: for as long as the object lives). Whoever adds at the same time, in whatever thread or process,
  loses nothing; messages of one `add` stand together.
- `turns` gives exactly the messages that were added, with all their parts, in the order in which they were.
- A note is a text about a conversation, such as a summary of its beginning; `clear` takes it out too.
- It may be shared between threads, and is used as it was after a fork.

`chainkit.testing.memory_conformance` checks all this for any memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from chainkit.errors import CompositionError
from chainkit.messages import Message, Messages

LONGEST = 500
"""Characters of a conversation's name."""


@runtime_checkable
class Memory(Protocol):
    """See the module's text for what a memory promises. A conversation that nothing was added to is empty."""

    @property
    def name(self) -> str:
        """What it is called in errors and in the ledger: "sqlite", "redis"."""
        ...

    @property
    def where(self) -> str:
        """Which one it is, without a secret: a path, an address. Of one `name` and `where` there is one memory."""
        ...

    @property
    def remote(self) -> bool:
        """Whether its calls leave the process: then each has a row in the ledger."""
        ...

    def turns(self, conversation: str) -> Messages:
        """The conversation so far."""
        ...

    def add(self, conversation: str, messages: Sequence[Message]) -> None:
        """Append messages, all or none. None are no change."""
        ...

    def clear(self, conversation: str) -> None:
        """Forget a conversation and its notes."""
        ...

    def conversations(self) -> list[str]:
        """The names of all conversations with a message, sorted."""
        ...

    def note(self, conversation: str, name: str) -> str | None:
        """The note of that name; None where there is none."""
        ...

    def set_note(self, conversation: str, name: str, text: str) -> None:
        """Write a note over the one before."""
        ...

    def close(self) -> None:
        """Let files and connections go. A second time does nothing."""
        ...


def named(conversation: object) -> str:
    """A conversation's name as it is. Raises CompositionError for what cannot be one in every memory."""
    if not isinstance(conversation, str):
        msg = f"a conversation's name is a text, and this is {type(conversation).__name__}: {conversation!r:.60}"
        raise CompositionError(msg)
    try:
        conversation.encode()
    except UnicodeEncodeError:
        raise CompositionError(f"a conversation's name is no text that can be written: {conversation!r:.60}") from None
    if not conversation or len(conversation) > LONGEST or "\0" in conversation:
        msg = f"a conversation's name has 1 to {LONGEST} characters, none of them NUL, and this is {conversation!r:.60}"
        raise CompositionError(msg)
    return conversation

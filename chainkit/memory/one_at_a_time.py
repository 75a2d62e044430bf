"""One question at a time in a conversation: who comes later waits, in order, in whatever thread or loop."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from chainkit.errors import CompositionError
from chainkit.run.limits import Limit

if TYPE_CHECKING:
    from chainkit.memory.keeping import Talk
    from chainkit.run.frame import Frame

_QUEUES: WeakValueDictionary[tuple[str, str, str], Limit] = WeakValueDictionary()
_MINE: ContextVar[frozenset[tuple[str, str, str]]] = ContextVar("conversations under way here", default=frozenset())
_lock = threading.Lock()


class Alone:
    """`async with Alone(talk, frame)`: nobody else in this process asks in that conversation meanwhile.

    Raises CompositionError inside itself, DeadlineExceeded where the turn did not come in time.
    """

    def __init__(self, talk: Talk, frame: Frame) -> None:
        self._key = (talk.memory.name, talk.memory.where, talk.conversation)
        self._frame = frame

    async def __aenter__(self) -> None:
        if self._key in _MINE.get():
            msg = f"the conversation {self._key[2]!r} is asked while its last answer is still being made"
            raise CompositionError(msg, cure="end the first question, or its stream, before the next")
        self._queue = _queue(self._key)
        await self._queue.take(self._frame.io, self._frame.until)
        self._token = _MINE.set(_MINE.get() | {self._key})

    async def __aexit__(self, *_: object) -> None:
        try:
            _MINE.reset(self._token)
        except ValueError:
            """A stream that was closed from elsewhere: that context never knew."""
        self._queue.give()


def _queue(key: tuple[str, str, str]) -> Limit:
    with _lock:
        found = _QUEUES.get(key)
        if found is None:
            found = _QUEUES[key] = Limit(1)
        return found


def _forget() -> None:
    global _lock
    _lock = threading.Lock()
    _QUEUES.clear()


os.register_at_fork(after_in_child=_forget)

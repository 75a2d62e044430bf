"""Conversations in Redis, or what speaks like it: a list for each, an element for all that was added at once.

The keys: `<prefix>:turns:<conversation>`, a list of JSON; `<prefix>:notes:<conversation>`, a hash of notes;
`<prefix>:conversations`, the set of names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from chainkit.memory.as_json import joined, line_of
from chainkit.memory.store import named
from chainkit.messages import Message, Messages
from chainkit_providers.connections.redis import LOCAL, opened, place, talking


class RedisMemory:
    """Conversations in the Redis at `url` (redis://, rediss://, unix://), its keys under `prefix`.

    `seconds` forgets a conversation that nothing was added to for so long. `client` is a client of one's own in place of
    an address. How safe an acknowledged turn is against a crash of the server is the server's own setting (appendfsync).
    """

    name = "redis"
    remote = True

    def __init__(
        self, url: str | None = None, *, prefix: str = "chainkit", seconds: int | None = None, client: Any = None
    ) -> None:
        self._redis: Any = client if client is not None else opened(url or LOCAL, "conversations")
        self._own = client is None
        self._prefix = prefix
        self._seconds = seconds
        self.where = f"{place(self._redis)} {prefix}"
        with talking(self.where):
            self._redis.ping()

    def turns(self, conversation: str) -> Messages:
        """See `Memory.turns`."""
        with talking(self.where):
            lines = self._redis.lrange(self._key("turns", conversation), 0, -1)
        return joined(lines, f"conversation {conversation!r} at {self.where}")

    def add(self, conversation: str, messages: Sequence[Message]) -> None:
        """See `Memory.add`."""
        if not messages:
            return
        key, notes, line = self._key("turns", conversation), self._key("notes", conversation), line_of(messages)

        def write(pipe: Any) -> None:
            pipe.rpush(key, line)
            pipe.sadd(self._all, conversation)
            if self._seconds is not None:
                pipe.expire(key, self._seconds)
                pipe.expire(notes, self._seconds)

        self._at_once(write)

    def clear(self, conversation: str) -> None:
        """See `Memory.clear`."""
        keys = [self._key("turns", conversation), self._key("notes", conversation)]

        def write(pipe: Any) -> None:
            pipe.delete(*keys)
            pipe.srem(self._all, conversation)

        self._at_once(write)

    def conversations(self) -> list[str]:
        """See `Memory.conversations`."""
        with talking(self.where):
            found = sorted(_text(name) for name in self._redis.smembers(self._all))
            if self._seconds is None:
                return found
            there = self._each(lambda pipe: [pipe.exists(self._key("turns", name)) for name in found])
        return [name for name, held in zip(found, there, strict=True) if held]

    def note(self, conversation: str, name: str) -> str | None:
        """See `Memory.note`."""
        with talking(self.where):
            found = self._redis.hget(self._key("notes", conversation), name)
        return None if found is None else json.loads(found)

    def set_note(self, conversation: str, name: str, text: str) -> None:
        """See `Memory.set_note`."""
        key = self._key("notes", conversation)

        def write(pipe: Any) -> None:
            pipe.hset(key, name, json.dumps(text))
            if self._seconds is not None:
                pipe.expire(key, self._seconds)

        self._at_once(write)

    def close(self) -> None:
        """See `Memory.close`."""
        if self._own:
            self._redis.close()

    @property
    def _all(self) -> str:
        return f"{self._prefix}:conversations"

    def _key(self, what: str, conversation: str) -> str:
        return f"{self._prefix}:{what}:{named(conversation)}"

    def _at_once(self, write: Callable[[Any], None]) -> None:
        with talking(self.where):
            self._each(write)

    def _each(self, write: Callable[[Any], Any]) -> list[Any]:
        """Commands as one transaction."""
        with self._redis.pipeline(transaction=True) as pipe:
            write(pipe)
            return cast("list[Any]", pipe.execute())

    def __repr__(self) -> str:
        return f"RedisMemory({self.where})"


def _text(held: bytes | str) -> str:
    return held.decode() if isinstance(held, bytes) else held

"""Conversations in Redis, or what speaks like it: a list for each, an element for all that was added at once.

The keys: `<prefix>:turns:<conversation>`, a list of JSON; `<prefix>:notes:<conversation>`, a hash of notes;
`<prefix>:conversations`, the set of names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from chainkit.errors import AuthenticationError, BadRequest, ChainkitError, ConnectionFailed, MissingExtra, ServerError
from chainkit.memory.as_json import joined, line_of
from chainkit.memory.store import named
from chainkit.messages import Message, Messages

LOCAL = "redis://localhost:6379/0"


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
        self._redis: Any = client if client is not None else _client(url or LOCAL)
        self._own = client is None
        self._prefix = prefix
        self._seconds = seconds
        self.where = f"{_place(self._redis)} {prefix}"
        with self._talking():
            self._redis.ping()

    def turns(self, conversation: str) -> Messages:
        """See `Memory.turns`."""
        with self._talking():
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
        with self._talking():
            found = sorted(_text(name) for name in self._redis.smembers(self._all))
            if self._seconds is None:
                return found
            there = self._each(lambda pipe: [pipe.exists(self._key("turns", name)) for name in found])
        return [name for name, held in zip(found, there, strict=True) if held]

    def note(self, conversation: str, name: str) -> str | None:
        """See `Memory.note`."""
        with self._talking():
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
        with self._talking():
            self._each(write)

    def _each(self, write: Callable[[Any], Any]) -> list[Any]:
        """Commands as one transaction."""
        with self._redis.pipeline(transaction=True) as pipe:
            write(pipe)
            return cast("list[Any]", pipe.execute())

    @contextmanager
    def _talking(self) -> Generator[None]:
        import redis.exceptions as theirs

        try:
            yield
        except theirs.RedisError as error:
            raise _ours(error, self.where) from None

    def __repr__(self) -> str:
        return f"RedisMemory({self.where})"


def _client(url: str) -> Any:
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise MissingExtra("conversations in Redis need its client", cure="pip install 'chainkit[redis]'") from None
    try:
        made: Any = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            url, socket_connect_timeout=10, socket_timeout=30, retry=Retry(NoBackoff(), 0)
        )
    except ValueError as error:
        raise ChainkitError(f"this is no address of a Redis: {error}", cure=LOCAL) from None
    return made


def _place(client: Any) -> str:
    """Which server and database, without user and password."""
    at: dict[str, Any] = client.connection_pool.connection_kwargs
    host = at.get("path") or f"{at.get('host', 'localhost')}:{at.get('port', 6379)}"
    return f"{host}/{at.get('db') or 0}"


def _text(held: bytes | str) -> str:
    return held.decode() if isinstance(held, bytes) else held


def _ours(error: Exception, where: str) -> ChainkitError:
    import redis.exceptions as theirs

    if isinstance(error, theirs.AuthenticationError | theirs.NoPermissionError):
        return AuthenticationError(
            f"Redis at {where} wants another user or password", cure="redis://user:password@host"
        )
    if isinstance(error, theirs.ConnectionError | theirs.TimeoutError):
        return ConnectionFailed(f"Redis at {where} does not answer: {type(error).__name__}")
    if isinstance(error, theirs.ResponseError):
        return BadRequest(f"Redis at {where} refused: {error}")
    return ServerError(f"Redis at {where} failed: {type(error).__name__}: {error}")

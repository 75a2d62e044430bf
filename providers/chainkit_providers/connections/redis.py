"""A client of Redis, or of what speaks like it, with its errors as ours."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from chainkit.errors import AuthenticationError, BadRequest, ChainkitError, ConnectionFailed, MissingExtra, ServerError

LOCAL = "redis://localhost:6379/0"


def opened(url: str, what: str) -> Any:
    """A client for redis://, rediss:// or unix://. Retries are the gate's. Raises MissingExtra, ChainkitError."""
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise MissingExtra(f"{what} in Redis need its client", cure="pip install 'chainkit[redis]'") from None
    try:
        made: Any = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            url, socket_connect_timeout=10, socket_timeout=30, retry=Retry(NoBackoff(), 0)
        )
    except ValueError as error:
        raise ChainkitError(f"this is no address of a Redis: {error}", cure=LOCAL) from None
    return made


def place(client: Any) -> str:
    """Which server and database, without user and password."""
    at: dict[str, Any] = client.connection_pool.connection_kwargs
    host = at.get("path") or f"{at.get('host', 'localhost')}:{at.get('port', 6379)}"
    return f"{host}/{at.get('db') or 0}"


@contextmanager
def talking(where: str) -> Generator[None]:
    """What the client raises within it becomes ours."""
    import redis.exceptions as theirs

    try:
        yield
    except theirs.RedisError as error:
        raise _ours(error, where) from None


def _ours(error: Exception, where: str) -> ChainkitError:
    import redis.exceptions as theirs

    if isinstance(error, theirs.AuthenticationError | theirs.NoPermissionError):
        cure = "redis://user:password@host"
        return AuthenticationError(f"Redis at {where} wants another user or password", cure=cure)
    if isinstance(error, theirs.ConnectionError | theirs.TimeoutError):
        return ConnectionFailed(f"Redis at {where} does not answer: {type(error).__name__}")
    kind = BadRequest if isinstance(error, theirs.ResponseError) else ServerError
    return kind(f"Redis at {where} refused: {type(error).__name__}: {error}")

"""What gave no document, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainkit.errors import ChainkitError


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that gave no document, or not all of them, and why. `error` is the exception behind it."""

    path: str
    reason: str
    error: Exception | None = field(default=None, compare=False, repr=False)

    @staticmethod
    def of(id: str, error: Exception) -> Unread:
        """What is kept of a source that failed, with the cure. No query of a URL is in it: it may hold a key."""
        if not isinstance(error, ChainkitError):
            return Unread(shown(id), str(error), error)
        return Unread(shown(id), error.message + (f"; {error.cure}" if error.cure else ""), error)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def shown(id: str) -> str:
    """An id for people: of a URL without what may be secret in it."""
    scheme, mark, rest = id.partition("://")
    if not mark:
        return id
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

"""What gave no document, and why."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that gave no document, or not all of them, and why. `error` is the exception behind it."""

    path: str
    reason: str
    error: Exception | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

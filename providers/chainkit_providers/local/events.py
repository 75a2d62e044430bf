"""What llama.cpp calls back with, sorted: events to show, progress, the usage, a failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit_providers.local.places import Ticket

_PROGRESS, _USAGE, _ERROR = b'"prompt_progress":{', b'"usage":{', b'{"error":'
"""No text of a model can hold these: in a JSON string a quotation mark stands behind a backslash."""


class Events:
    """Takes the callbacks of one answer; they come on the thread that asked. Nothing here may raise."""

    __slots__ = ("_put", "_ticket", "_usage", "failed")

    def __init__(self, put: Callable[[bytes], object], ticket: Ticket) -> None:
        self._put = put
        self._ticket = ticket
        self._usage: dict[str, Any] | None = None
        self.failed: bytes | None = None

    def take(self, data: bytes) -> bool:
        """One event; True breaks the generation off."""
        if _PROGRESS in data:
            """Only asked for so that a long prompt can be broken off while it is read."""
        elif data.startswith(_ERROR):
            self.failed = data
        elif _USAGE in data:
            self._count(json.loads(data))
        else:
            self._put(data)
        return self._ticket.cancelled

    def _count(self, told: dict[str, Any]) -> None:
        """A chat's usage comes alone, a completion's with the last piece of each answer."""
        if told.get("choices"):
            self._put(json.dumps({**told, "usage": None}).encode())
        self._add({**told, "choices": []})

    def _add(self, last: dict[str, Any]) -> None:
        """Each of several answers tells its own usage; the prompt was read once."""
        if self._usage is not None:
            told, more = self._usage["usage"], last["usage"]["completion_tokens"]
            told["completion_tokens"] += more
            told["total_tokens"] += more
        else:
            self._usage = last

    def finish(self) -> None:
        """Give the usage on, once."""
        if self._usage is not None:
            self._put(json.dumps(self._usage).encode())

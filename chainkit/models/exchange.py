"""One exchange with a provider that is no question to a model: a file put there, a job looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from chainkit.models.task import TaskReply, TaskRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(slots=True)
class Exchange(TaskRequest):
    """What is sent: `path` is relative to the base URL, `body` is JSON, a `Multipart`, or None.

    `again` says that it may be sent twice: what starts a job may not.
    """

    kind: ClassVar[str] = "exchange"
    method: str = "GET"
    path: str = ""
    body: Any = None
    again: bool = True


@dataclass(slots=True)
class Exchanged(TaskReply):
    """What came back, as it came."""

    body: bytes = b""


if TYPE_CHECKING:
    Door = Callable[[Exchange], Awaitable[bytes]]
    """Sends an exchange through the gate, and gives the body of its answer."""

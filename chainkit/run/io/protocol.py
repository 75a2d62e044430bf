"""The primitives that core code may wait with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from chainkit.run.frame import Frame

Job: TypeAlias = "Callable[[Frame], Awaitable[Any]]"
"""Something to do in a frame of its own."""

Landed: TypeAlias = "Callable[[Frame, int, Any, BaseException | None], Awaitable[bool]]"
"""Told of each job that ended: (frame, index, value, error). True stops the rest."""


class Ticket(Protocol):
    """A place in a queue. `wake` may be called from any thread, once."""

    def wake(self) -> None: ...


class Io(Protocol):
    """What a core may do besides computing. With `blocking` io nothing ever suspends."""

    @property
    def blocking(self) -> bool:
        """Whether nothing suspends here."""
        ...

    def now(self) -> float:
        """Seconds on the clock that deadlines are counted on."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def within(self, until: float, work: Awaitable[Any]) -> Any:
        """Do `work`; DeadlineExceeded once the clock passes `until`."""
        ...

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a plain function of the user's: here when blocking, else in a worker thread."""
        ...

    async def pump(
        self,
        work: Callable[[Callable[[Any], None]], Any],
        show: Callable[[Any], Awaitable[None]] | None,
        abort: Callable[[], None] | None,
        until: float | None,
    ) -> Any:
        """Run native, blocking `work(put)` in a thread of its own; what it puts is shown as it comes.

        When this wait ends early, `abort` is called and the thread awaited; without one it is left to itself.
        """
        ...

    async def gather(
        self, frame: Frame, jobs: Sequence[Job], landed: Landed | None, concurrency: int | None
    ) -> list[Any]:
        """Do all jobs at once; see `Frame.gather`."""
        ...

    async def awaited(self, frame: Frame, work: Callable[[], Awaitable[Any]]) -> Any:
        """Await a coroutine of the user's (an `async def` step)."""
        ...

    def ticket(self) -> Ticket:
        """A place in a queue for `wait`."""
        ...

    async def wait(self, ticket: Ticket, until: float | None) -> bool:
        """Wait until the ticket is woken; False once the clock passes `until`."""
        ...

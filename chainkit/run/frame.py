"""The frame of one call: what a core is handed beside its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from chainkit.run.io.protocol import Io, Job, Landed
    from chainkit.run.limits import Limit
    from chainkit.run.run import Run
    from chainkit.run.watch import Watcher

    Emit = Callable[[Any], Awaitable[None]]


class Frame:
    """Where a core stands in a run. Never changed after it was made: `child` gives a changed copy.

    `emit` is None when nobody listens; then models are asked unstreamed. `every` says that the listener
    wants the events of all steps, not only the pieces of the chain's own output. `restart` says that
    shown text may be taken back (`Restarted`) when an attempt breaks. `until` is an absolute time of
    `io.now()`. `draw` numbers the samples that were asked for on purpose, `prefix` the way to here where
    the chain alone does not tell it (item and turn numbers). `attempts` overrides the models' own number,
    `limits` are queues that each attempt inside stands in.
    """

    __slots__ = ("attempts", "draw", "emit", "every", "io", "limits", "prefix", "restart", "run", "until", "watch")

    def __init__(
        self, io: Io, run: Run, emit: Emit | None = None, *, every: bool = False, restart: bool = True
    ) -> None:
        self.io = io
        self.run = run
        self.emit = emit
        self.every = every
        self.restart = restart
        self.until: float | None = run.until
        self.watch: Watcher | None = run.watch
        self.draw: tuple[int, ...] = ()
        self.prefix = ""
        self.attempts: int | None = None
        self.limits: tuple[Limit, ...] = ()

    def child(self, **changes: Any) -> Frame:
        """A copy with some of its fields changed."""
        new = Frame.__new__(Frame)
        new.io, new.run, new.emit, new.every = self.io, self.run, self.emit, self.every
        new.restart, new.until, new.watch = self.restart, self.until, self.watch
        new.draw, new.prefix, new.attempts, new.limits = self.draw, self.prefix, self.attempts, self.limits
        for name, value in changes.items():
            setattr(new, name, value)
        return new

    def at(self, place: str) -> Frame:
        """The frame of a numbered place: an item, a turn, a member."""
        return self.child(prefix=f"{self.prefix}{place} > ")

    def crossed(self, io: Io, emit: Emit | None) -> Frame:
        """This frame on another io."""
        return self.child(io=io, emit=emit)

    def sooner(self, until: float) -> Frame:
        """This frame with a deadline that is not later."""
        return self.child(until=until if self.until is None else min(self.until, until))

    def quiet(self) -> Frame:
        """This frame with nobody listening."""
        return self if self.emit is None else self.child(emit=None)

    async def gather(
        self, jobs: Sequence[Job], *, landed: Landed | None = None, concurrency: int | None = None
    ) -> list[Any]:
        """Do all jobs side by side and give their values in order; each gets a frame that can wait.

        The first error cancels the rest and is raised - or, with `landed(frame, index, value, error)`,
        each ending is told as it comes and True stops the rest; a stopped or failed job's value is None.
        """
        return await self.io.gather(self, jobs, landed, concurrency)

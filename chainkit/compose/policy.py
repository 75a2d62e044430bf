"""Policies around a chain: a name, a deadline, a queue, attempts. Each changes the frame, or waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainkit.chain import Chain
from chainkit.errors import ChainkitError, CompositionError, DeadlineExceeded

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.limits import Limit


@dataclass(frozen=True, repr=False)
class Around(Chain[Any, Any]):
    """A chain around one other, of the same types."""

    chain: Chain[Any, Any]

    @property
    def in_type(self) -> Any:
        return self.chain.in_type

    @property
    def out_type(self) -> Any:
        return self.chain.out_type

    @property
    def label(self) -> str:
        return ""

    @property
    def instant(self) -> bool:
        return self.chain.instant

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return ((self.chain.label, self.chain),)


@dataclass(frozen=True, repr=False)
class Named(Around):
    """A chain under a name."""

    name: str = ""

    def __post_init__(self) -> None:
        if not self.name or ">" in self.name:
            msg = f"a chain's name is not empty and holds no '>': {self.name!r}"
            raise CompositionError(msg)

    @property
    def label(self) -> str:
        return self.name

    def compile(self, place: Place) -> Core:
        return self.chain.compile(place)


@dataclass(frozen=True, repr=False)
class TimeLimited(Around):
    """A chain with a deadline of its own: seconds from when it begins."""

    seconds: float = 0.0

    @property
    def note(self) -> str:
        return f"timeout {self.seconds:g} s"

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            msg = f"a timeout is more than 0 seconds, not {self.seconds}"
            raise CompositionError(msg)

    def compile(self, place: Place) -> Core:
        core, seconds = place.compile(self.chain, tail=True), self.seconds

        async def run(frame: Frame, value: Any) -> Any:
            until = frame.io.now() + seconds
            if frame.until is not None and frame.until <= until:
                return await core(frame, value)
            # A run of its own, so that what user functions start inside ends with it too.
            run = frame.run.child()
            run.until = until
            try:
                return await frame.io.within(until, core(frame.sooner(until).child(run=run), value))
            except DeadlineExceeded as error:
                if error.cure is not None:
                    error.message = f"not done within {seconds:g} s"
                    error.cure = f"allow more than .timeout({seconds:g})"
                raise

        return run


@dataclass(frozen=True, repr=False)
class Limited(Around):
    """A chain whose attempts all stand in one queue."""

    queue: Limit = field(kw_only=True)

    @property
    def note(self) -> str:
        each = [str(self.queue.concurrency)] if self.queue.concurrency else []
        each += [f"{self.queue.per_minute} a minute"] if self.queue.per_minute else []
        return f"limit {', '.join(each)}"

    def compile(self, place: Place) -> Core:
        core, queue = place.compile(self.chain, tail=True), self.queue

        async def run(frame: Frame, value: Any) -> Any:
            return await core(frame.child(limits=(*frame.limits, queue)), value)

        return run


@dataclass(frozen=True, repr=False)
class Retrying(Around):
    """A chain whose model calls have `attempts` attempts, and which is repeated for its steps' own errors.

    What came out of a gate has used up its attempts, and is repeated only where `on` names its class.
    """

    attempts: int = 3
    on: tuple[type[Exception], ...] | None = None
    backoff: float = 0.5

    @property
    def note(self) -> str:
        return f"retry {self.attempts}"

    def __post_init__(self) -> None:
        if self.attempts < 1:
            msg = f"retry() needs at least 1 attempt, not {self.attempts}"
            raise CompositionError(msg)

    def compile(self, place: Place) -> Core:
        core = place.compile(self.chain, tail=True)

        async def run(frame: Frame, value: Any) -> Any:
            from chainkit.run.shown import Shown

            failed = 0
            while True:
                shown = Shown(frame)
                inner = shown.frame.child(attempts=self.attempts, draw=(*frame.draw, failed) if failed else frame.draw)
                try:
                    return await core(inner, value)
                except Exception as error:
                    failed += 1
                    if failed >= self.attempts or not self.repeats(error):
                        raise
                    await shown.restart(place.path, error)
                    await self._wait(frame, failed)

        return run

    def repeats(self, error: Exception) -> bool:
        """Whether this error is one to begin anew for."""
        if self.on is not None:
            return isinstance(error, self.on)
        if isinstance(error, DeadlineExceeded | CompositionError):
            return False
        return not (isinstance(error, ChainkitError) and error.spent)

    async def _wait(self, frame: Frame, failed: int) -> None:
        from chainkit.run.io.blocking import too_late
        from chainkit.run.layers.retry import backoff

        wait = backoff(self.backoff, 30.0, min(0.5, self.backoff))(failed)
        if frame.until is not None and frame.io.now() + wait >= frame.until:
            raise too_late()
        await frame.io.sleep(wait)

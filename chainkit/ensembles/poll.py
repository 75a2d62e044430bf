"""One asking of an ensemble's members: they start, land, and are stopped once the outcome is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chainkit.ensembles.verdict import Ballot
from chainkit.errors import DeadlineExceeded, EnsembleError
from chainkit.run.events import BallotCast

if TYPE_CHECKING:
    from chainkit.ensembles.combine import Combining, Sorter
    from chainkit.ensembles.pace import Pace
    from chainkit.ensembles.policy import Policy
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job, Ticket
    from chainkit.run.run import Run


@dataclass(frozen=True, slots=True)
class Panel:
    """The members as compiled: their cores, names and draws, and how they are asked."""

    path: str
    cores: Sequence[Core]
    names: Sequence[str]
    draws: Sequence[int]
    combiner: Combining
    policy: Policy
    pace: Pace
    concurrency: int | None = None
    deadline: float | None = None
    sort: Sorter | None = None
    empty: tuple[Ballot[Any], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "empty", tuple(Ballot[Any](n, cancelled=True, asked=False) for n in self.names))


class Poll:
    """The state of one asking."""

    def __init__(self, panel: Panel, value: Any) -> None:
        self._panel = panel
        self._value = value
        self._ballots = list(panel.empty)
        self._left = list(range(len(panel.cores)))
        self._runs: list[Run | None] = [None] * len(panel.cores)
        self._started: list[float | None] = [None] * len(panel.cores)
        self._counted = self._failed = self._open = 0
        self._begun = 0.0
        self._gates: dict[int, Ticket] = {}

    async def take(self, frame: Frame) -> tuple[Ballot[Any], ...]:
        """All ballots, in member order. Raises EnsembleError where no verdict can come of them."""
        self._begun = frame.io.now()
        self._let_in()
        jobs = [self._job(i) for i in range(len(self._ballots))]
        await frame.gather(jobs, landed=self._landed, concurrency=self._panel.concurrency)
        now = frame.io.now()
        ballots = tuple(b if b.asked else self._unheard(i, now) for i, b in enumerate(self._ballots))
        why = self._panel.policy.hopeless(self._counted, self._failed, len(self._left))
        if why is not None:
            raise without_verdict(why, ballots, frame)
        return ballots

    def _job(self, index: int) -> Job:
        async def job(frame: Frame) -> Any:
            if index >= self._open:
                await self._turn(frame, index)
            self._started[index] = frame.io.now()
            run = self._runs[index] = frame.run.child()
            prefix = f"{frame.prefix}{self._panel.path}[{index}] > "
            inside = frame.child(run=run, prefix=prefix, draw=(*frame.draw, self._panel.draws[index]))
            return await self._timed(inside, index)

        return job

    async def _turn(self, frame: Frame, index: int) -> None:
        """Wait until it is this member's turn: by what landed, or by time."""
        gate = self._gates[index] = frame.io.ticket()
        delay = self._panel.pace.delay(index)
        if not await frame.io.wait(gate, None if delay is None else self._begun + delay):
            if not self._panel.pace.may_start(index):
                await frame.io.wait(gate, None)
            self._open = max(self._open, index + 1)

    def _let_in(self) -> None:
        """Open the gates of those members that are wanted now."""
        waiting = len(self._ballots) - self._open
        flying = len(self._left) - waiting
        # Somebody is always under way, whatever a combiner thinks that it needs.
        wanted = max(self._panel.pace.wanted(self._needed, flying, waiting), 0 if flying else 1)
        self._open += min(waiting, wanted)
        for index in [i for i in self._gates if i < self._open]:
            self._gates.pop(index).wake()

    def _needed(self) -> int:
        """The fewest further ballots that could settle it."""
        panel = self._panel
        return max(panel.policy.quorum - self._counted, panel.combiner.needed(self._ballots, self._left))

    async def _timed(self, frame: Frame, index: int) -> Any:
        core, seconds = self._panel.cores[index], self._panel.deadline
        if seconds is None:
            return await core(frame, self._value)
        until = frame.io.now() + seconds
        return await frame.io.within(until, core(frame.sooner(until), self._value))

    async def _landed(self, frame: Frame, index: int, value: Any, error: BaseException | None) -> bool:
        if error is not None and (not isinstance(error, Exception) or over(error, frame)):
            raise error
        panel, policy = self._panel, self._panel.policy
        seconds = frame.io.now() - (self._started[index] or self._begun)
        ballot = cast(panel.combiner, panel.names[index], index, value, error, seconds, self._runs[index])
        self._ballots[index] = ballot
        self._left.remove(index)
        self._failed += ballot.failed
        if not ballot.failed:
            self._counted += 1
            panel.pace.told(index, seconds)
            if panel.sort is not None:
                key = await panel.sort(frame.quiet(), self._value, self._ballots, index)
                ballot = self._ballots[index] = replace(ballot, key=key)
        if frame.emit is not None and frame.every:
            await frame.emit(BallotCast(path=f"{frame.prefix}{panel.path}[{index}]", ballot=ballot))
        if policy.hopeless(self._counted, self._failed, len(self._left)) or policy.enough(self._counted):
            return True
        # What the combiner thinks counts only once there are ballots enough.
        if self._counted >= policy.quorum and panel.combiner.settled(self._ballots, self._left):
            return True
        if self._open < len(self._ballots):
            self._let_in()
        return False

    def _unheard(self, index: int, now: float) -> Ballot[Any]:
        """The ballot of one that was stopped, or whose turn never came."""
        began = self._started[index]
        seconds = None if began is None else now - began
        if seconds is not None:
            self._panel.pace.told(index, seconds)
        return Ballot(
            self._panel.names[index],
            cancelled=True,
            asked=began is not None,
            weight=self._panel.combiner.weight(index),
            seconds=seconds,
            run=self._runs[index],
        )


def cast(
    combiner: Combining,
    member: str,
    index: int,
    value: Any,
    error: BaseException | None,
    seconds: float | None,
    run: Run | None,
) -> Ballot[Any]:
    """The ballot of a member that gave a value, or failed."""
    weight = combiner.weight(index)
    if error is not None:
        return Ballot(member, error=error, weight=weight, seconds=seconds, run=run)
    value = bare(value)
    refusal = getattr(value, "refusal", None)
    abstained = f"refused: {refusal}" if refusal else combiner.abstains(value)
    key = None if abstained else combiner.key(value)
    return Ballot(member, value, abstained=abstained, weight=weight, key=key, seconds=seconds, run=run)


def bare(value: Any) -> Any:
    """A member's verdict counts as its value, and so does an agent's result."""
    return value.value if getattr(value, "counts_as_value", False) is True else value


def over(error: Exception, frame: Frame) -> bool:
    """Whether it is the whole run whose time is over, not only this member's."""
    return isinstance(error, DeadlineExceeded) and frame.until is not None and frame.io.now() >= frame.until


def without_verdict(why: str, ballots: tuple[Ballot[Any], ...], frame: Frame) -> Exception:
    """The error of an ensemble that comes to nothing, with what each member said."""
    if frame.until is not None and frame.io.now() >= frame.until:
        from chainkit.run.io.blocking import too_late

        return too_late()
    said = "\n".join(f"    {b}" for b in ballots)
    error = EnsembleError(f"{why}:\n{said}", cure="see each member's error above")
    error.ballots = ballots
    error.spent = all(_final(b.error) for b in ballots if b.error is not None)
    error.__cause__ = next((b.error for b in ballots if b.error is not None), None)
    return error


def _final(error: BaseException) -> bool:
    return getattr(error, "spent", False) or isinstance(error, DeadlineExceeded)

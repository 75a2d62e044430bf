"""The driver: members in parallel, ballots as they land, a verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.meet import common, spelled
from chainkit.ensembles.combine import Combiner, Combining, Picks
from chainkit.ensembles.verdict import Ballot, Verdict
from chainkit.ensembles.vote import Vote
from chainkit.errors import CompositionError, DeadlineExceeded, EnsembleError
from chainkit.place import Place
from chainkit.run.events import BallotCast

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from chainkit.messages import Message, Promptable
    from chainkit.models.reply import Reply
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job

A = TypeVar("A")
T = TypeVar("T")
R = TypeVar("R")
PT = TypeVar("PT", bound="str | Message | Sequence[Message]")


@dataclass(frozen=True, repr=False)
class Ensemble(Chain[Any, Any]):
    """Members on one input, and a combiner of what they say. A member that fails is a ballot with an error."""

    members: tuple[Chain[Any, Any], ...]
    combiner: Combining
    quorum: int = 1
    concurrency: int | None = None
    deadline: float | None = None

    @property
    def in_type(self) -> Any:
        return common([m.in_type for m in self.members])

    @property
    def out_type(self) -> Any:
        return Verdict

    @property
    def label(self) -> str:
        return self.combiner.word

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return (*((str(i), m) for i, m in enumerate(self.members)), *self.combiner.parts())

    def compile(self, place: Place) -> Core:
        cores = [place.numbered(m) for m in self.members]
        names = [m.label or f"member {i}" for i, m in enumerate(self.members)]
        draws = [self.members[:i].count(m) for i, m in enumerate(self.members)]
        combine = self.combiner.compile(Place(place.path, tail=place.tail and place.bare))

        async def run(frame: Frame, value: Any) -> Any:
            whole = frame.run.child()
            frame = frame.child(run=whole)
            poll = _Poll(self, place.path, cores, names, draws, value)
            ballots = await poll.take(frame)
            decision = await combine(frame, value, ballots)
            return Verdict(
                decision.value, decision.agreement, decision.entropy, ballots, decision.groups, decision.reason, whole
            )

        return run


class _Poll:
    """One asking of all members."""

    def __init__(
        self,
        ensemble: Ensemble,
        path: str,
        cores: Sequence[Core],
        names: Sequence[str],
        draws: Sequence[int],
        value: Any,
    ) -> None:
        self._ensemble = ensemble
        self._path = path
        self._cores = cores
        self._names = names
        self._draws = draws
        self._value = value
        self._ballots = [Ballot[Any](name, cancelled=True) for name in names]
        self._left = set(range(len(cores)))
        self._took = [0.0] * len(cores)

    async def take(self, frame: Frame) -> tuple[Ballot[Any], ...]:
        """All ballots, in member order. Raises EnsembleError where too few count."""
        runs = [frame.run.child() for _ in self._cores]
        self._ballots = [replace(b, run=run) for b, run in zip(self._ballots, runs, strict=True)]
        jobs = [self._job(i, run) for i, run in enumerate(runs)]
        await frame.gather(jobs, landed=self._landed, concurrency=self._ensemble.concurrency)
        ballots = tuple(self._ballots)
        if sum(b.valid for b in ballots) < self._ensemble.quorum:
            raise self._too_few(ballots, frame)
        return ballots

    def _job(self, index: int, run: Any) -> Job:
        async def job(frame: Frame) -> Any:
            start = time.monotonic()
            inside = frame.at(f"{self._path}[{index}]").child(run=run, draw=(*frame.draw, self._draws[index]))
            try:
                return await self._timed(inside, index)
            finally:
                self._took[index] = time.monotonic() - start

        return job

    async def _timed(self, frame: Frame, index: int) -> Any:
        core, seconds = self._cores[index], self._ensemble.deadline
        if seconds is None:
            return await core(frame, self._value)
        until = frame.io.now() + seconds
        return await frame.io.within(until, core(frame.sooner(until), self._value))

    async def _landed(self, frame: Frame, index: int, value: Any, error: BaseException | None) -> bool:
        if error is not None and (not isinstance(error, Exception) or _over(error, frame)):
            raise error
        ballot = self._ballots[index] = self._cast(index, value, error)
        self._left.discard(index)
        if frame.emit is not None and frame.every:
            await frame.emit(BallotCast(path=f"{frame.prefix}{self._path}[{index}]", ballot=ballot))
        counted = sum(b.valid for b in self._ballots)
        if counted < self._ensemble.quorum:
            # Too few may be left for the quorum: then nothing is won by waiting for them.
            return counted + len(self._left) < self._ensemble.quorum
        return self._ensemble.combiner.settled(self._ballots, sorted(self._left))

    def _cast(self, index: int, value: Any, error: BaseException | None) -> Ballot[Any]:
        empty = replace(self._ballots[index], cancelled=False, seconds=self._took[index])
        if error is not None:
            return replace(empty, error=error)
        value = bare(value)
        refusal = getattr(value, "refusal", None)
        if refusal:
            return replace(empty, value=value, abstained=f"refused: {refusal}")
        combiner = self._ensemble.combiner
        weight = combiner.weight(index) if isinstance(combiner, Vote) else 1.0
        return replace(empty, value=value, key=combiner.key(value), weight=weight)

    def _too_few(self, ballots: tuple[Ballot[Any], ...], frame: Frame) -> Exception:
        if frame.until is not None and frame.io.now() >= frame.until:
            from chainkit.run.io.blocking import too_late

            return too_late()
        counted = sum(b.valid for b in ballots)
        said = "\n".join(f"    {b}" for b in ballots)
        quorum = self._ensemble.quorum
        error = EnsembleError(
            f"{counted} of {len(ballots)} members gave a usable answer, and {quorum} are needed:\n{said}",
            cure="see each member's error above",
        )
        error.ballots = ballots
        error.spent = all(_final(b.error) for b in ballots if b.error is not None)
        error.__cause__ = next((b.error for b in ballots if b.error is not None), None)
        return error


def bare(value: Any) -> Any:
    """A member's verdict counts as its value, and so does an agent's result."""
    return value.value if hasattr(value, "ballots") or hasattr(value, "pending") else value


def _over(error: Exception, frame: Frame) -> bool:
    """Whether it is the whole run whose time is over, not only this member's."""
    return isinstance(error, DeadlineExceeded) and frame.until is not None and frame.io.now() >= frame.until


def _final(error: BaseException) -> bool:
    return getattr(error, "spent", False) or isinstance(error, DeadlineExceeded)


class Rules(TypedDict, total=False):
    """How an ensemble is asked: see `ensemble`."""

    quorum: int
    concurrency: int | None
    deadline: float | None


@overload
def ensemble(*members: str, combine: Picks[Reply], **rules: Unpack[Rules]) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def ensemble(*members: str, combine: Combiner[Reply, R], **rules: Unpack[Rules]) -> Chain[Promptable, Verdict[R]]: ...
@overload
def ensemble(
    *members: str, output: TypeForm[T], combine: Picks[T], **rules: Unpack[Rules]
) -> Chain[Promptable, Verdict[T]]: ...
@overload
def ensemble(
    *members: str, output: TypeForm[T], combine: Combiner[T, R], **rules: Unpack[Rules]
) -> Chain[Promptable, Verdict[R]]: ...
@overload
def ensemble(*members: Chain[A, T], combine: Picks[T], **rules: Unpack[Rules]) -> Chain[A, Verdict[T]]: ...
@overload
def ensemble(*members: Chain[A, T], combine: Combiner[T, R], **rules: Unpack[Rules]) -> Chain[A, Verdict[R]]: ...
@overload
def ensemble(
    *members: str | Chain[PT, T], combine: Picks[T | Reply], **rules: Unpack[Rules]
) -> Chain[PT, Verdict[T | Reply]]: ...
@overload
def ensemble(
    *members: str | Chain[PT, T], combine: Combiner[T | Reply, R], **rules: Unpack[Rules]
) -> Chain[PT, Verdict[R]]: ...
def ensemble(
    *members: Any,
    combine: Combining,
    output: Any = None,
    quorum: int = 1,
    concurrency: int | None = None,
    deadline: float | None = None,
) -> Chain[Any, Any]:
    """Ask several members the same and combine what they say into a `Verdict`.

    A member is a model string or any chain; with `output` strings become models of that output. A member
    that fails, refuses or is late is a ballot with that reason; fewer than `quorum` usable ones raise
    EnsembleError. `deadline` is seconds for each member, `concurrency` how many are asked at once.
    Members that can no longer change the outcome are cancelled, and billed as AtLeast.
    """
    if not members:
        msg = "an ensemble needs at least one member"
        raise CompositionError(msg)
    if not 1 <= quorum <= len(members):
        msg = f"quorum={quorum} with {len(members)} members: it must be from 1 to {len(members)}"
        raise CompositionError(msg)
    chains = tuple(_member(m, output) for m in members)
    if common([c.in_type for c in chains]) is None:
        kinds = ", ".join(f"`{c.label}` takes {spelled(c.in_type)}" for c in chains)
        msg = f"no value can be the input of all members: {kinds}"
        raise CompositionError(msg, cure="put a step before a member that turns the common input into its own")
    _weighed(combine, len(chains))
    return Ensemble(chains, combine, quorum, concurrency, deadline)


def _member(member: Any, output: Any) -> Chain[Any, Any]:
    if isinstance(member, str) and output is not None:
        from chainkit.models.chat import model

        return model(member, output=output)
    return as_chain(member)


def _weighed(combiner: Any, members: int) -> None:
    weights = getattr(combiner, "weights", None)
    if weights is not None and len(weights) != members:
        msg = f"vote(weights=...) has {len(weights)} weights for {members} members"
        raise CompositionError(msg)

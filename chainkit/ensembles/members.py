"""The driver: members in parallel, ballots as they land, a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.meet import common, spelled
from chainkit.ensembles.combine import Combiner, Combining, Decision, Picks
from chainkit.ensembles.pace import ALL_AT_ONCE, AsNeeded, Pace
from chainkit.ensembles.policy import ANY, Policy
from chainkit.ensembles.poll import Panel, Poll, bare
from chainkit.ensembles.using import as_combiner
from chainkit.ensembles.verdict import Ballot, Verdict
from chainkit.errors import CompositionError, EnsembleError
from chainkit.place import Place

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from chainkit.messages import Message, Promptable
    from chainkit.models.reply import Reply
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.run import Run

A = TypeVar("A")
T = TypeVar("T")
R = TypeVar("R")
PT = TypeVar("PT", bound="str | Message | Sequence[Message]")


@dataclass(frozen=True, repr=False)
class Ensemble(Chain[Any, Any]):
    """Members on one input, and a combiner of what they say. A member that fails is a ballot with an error."""

    members: tuple[Chain[Any, Any], ...]
    combiner: Combining
    policy: Policy = ANY
    concurrency: int | None = None
    deadline: float | None = None
    pace: Pace = ALL_AT_ONCE
    otherwise: Chain[Any, Any] | None = None

    @property
    def in_type(self) -> Any:
        return common([m.in_type for m in self._asked])

    @property
    def out_type(self) -> Any:
        return Verdict

    @property
    def label(self) -> str:
        return self.combiner.word

    @property
    def _asked(self) -> tuple[Chain[Any, Any], ...]:
        return self.members if self.otherwise is None else (*self.members, self.otherwise)

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        rest = () if self.otherwise is None else (("otherwise", self.otherwise),)
        return (*((str(i), m) for i, m in enumerate(self.members)), *self.combiner.parts(), *rest)

    def groups(self) -> tuple[int, ...]:
        sizes = (len(self.members), len(self.combiner.parts()), int(self.otherwise is not None))
        return tuple(s for s in sizes if s)

    def compile(self, place: Place) -> Core:
        around = Place(place.path, tail=place.tail and place.bare)
        panel = Panel(
            place.path,
            [place.numbered(m) for m in self.members],
            [m.label or f"member {i}" for i, m in enumerate(self.members)],
            [self.members[:i].count(m) for i, m in enumerate(self.members)],
            self.combiner,
            self.policy,
            self.pace,
            self.concurrency,
            self.deadline,
            self.combiner.sorter(around),
        )
        combine = self.combiner.compile(around)
        rescue = None if self.otherwise is None else Rescue(self.otherwise, place)

        async def run(frame: Frame, value: Any) -> Any:
            whole = frame.run.child()
            frame = frame.child(run=whole)
            try:
                ballots = await Poll(panel, value).take(frame)
                return verdict(await combine(frame, value, ballots), ballots, whole)
            except EnsembleError as error:
                if rescue is None or not error.ballots:
                    raise
                return await rescue.verdict(frame, value, error)

        return run


class Rescue:
    """What is asked where the members came to nothing."""

    def __init__(self, chain: Chain[Any, Any], place: Place) -> None:
        self._name = chain.label or "otherwise"
        self._core = place.compile(chain, f"otherwise > {chain.label}" if chain.label else "otherwise")

    async def verdict(self, frame: Frame, value: Any, error: EnsembleError) -> Verdict[Any]:
        """Its answer, beside the ballots of those that failed. It has no agreement."""
        run, start = frame.run.child(), frame.io.now()
        found = bare(await self._core(frame.child(run=run), value))
        ballot = Ballot(self._name, found, seconds=frame.io.now() - start, run=run)
        reason = f"{error.message.splitlines()[0].rstrip(':')}: `{self._name}` was asked instead"
        return Verdict(found, 0.0, 0.0, (*error.ballots, ballot), (), reason, run=frame.run)


def verdict(decision: Decision, ballots: tuple[Ballot[Any], ...], run: Run) -> Verdict[Any]:
    """What a decision over those ballots comes to."""
    said = ballots if decision.ballots is None else decision.ballots
    groups = decision.groups
    value, reason, sure = decision.value, decision.reason, decision.confidence
    return Verdict(value, decision.agreement, decision.entropy, said, groups, reason, sure, run, decision.fields)


class Rules(TypedDict, total=False):
    """How an ensemble is asked: see `ensemble`."""

    quorum: int
    at_most: int | None
    tolerate: int | None
    concurrency: int | None
    deadline: float | None
    frugal: bool
    otherwise: Any


@overload
def ensemble(*members: str, combine: Picks[Reply], **rules: Unpack[Rules]) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def ensemble(
    *members: str, combine: Combiner[Reply, R] | Callable[[list[Reply]], R], **rules: Unpack[Rules]
) -> Chain[Promptable, Verdict[R]]: ...
@overload
def ensemble(
    *members: str, output: TypeForm[T], combine: Picks[T], **rules: Unpack[Rules]
) -> Chain[Promptable, Verdict[T]]: ...
@overload
def ensemble(
    *members: str, output: TypeForm[T], combine: Combiner[T, R] | Callable[[list[T]], R], **rules: Unpack[Rules]
) -> Chain[Promptable, Verdict[R]]: ...
@overload
def ensemble(*members: Chain[A, T], combine: Picks[T], **rules: Unpack[Rules]) -> Chain[A, Verdict[T]]: ...
@overload
def ensemble(
    *members: Chain[A, T], combine: Combiner[T, R] | Callable[[list[T]], R], **rules: Unpack[Rules]
) -> Chain[A, Verdict[R]]: ...
@overload
def ensemble(
    *members: str | Chain[PT, T], combine: Picks[T | Reply], **rules: Unpack[Rules]
) -> Chain[PT, Verdict[T | Reply]]: ...
@overload
def ensemble(
    *members: str | Chain[PT, T],
    combine: Combiner[T | Reply, R] | Callable[[list[T | Reply]], R],
    **rules: Unpack[Rules],
) -> Chain[PT, Verdict[R]]: ...
def ensemble(*members: Any, combine: Any, output: Any = None, **rules: Any) -> Chain[Any, Any]:
    """Ask several members the same and combine what they say into a `Verdict`.

    A member is a model string or any chain; with `output` strings become models of that output. `combine` is a
    combiner, or a function of the list of values. A member that fails, refuses, gives what cannot be read, or is
    late is a ballot with that reason. Members that can no longer change the outcome are cancelled, and billed as
    AtLeast.

    The rules: fewer than `quorum` usable ballots (1), or more failures than `tolerate` (0 fails fast), raise
    EnsembleError, which holds all ballots - or `otherwise`, a model or chain, is asked instead. `at_most` usable
    ballots are enough. `deadline` is seconds for each member, `concurrency` how many are asked at once; `frugal`
    never has more members under way than could settle the outcome: the fewest calls, for a longer wait.
    """
    chains = tuple(_member(m, output) for m in members)
    return asked(chains, as_combiner(combine), output=output, **rules)


def asked(
    members: Sequence[Chain[Any, Any]],
    combiner: Combining,
    *,
    quorum: int = 1,
    at_most: int | None = None,
    tolerate: int | None = None,
    concurrency: int | None = None,
    deadline: float | None = None,
    frugal: bool = False,
    otherwise: Any = None,
    output: Any = None,
    pace: Pace | None = None,
) -> Ensemble:
    """The ensemble of those chains, under those rules. Raises CompositionError for what cannot be asked together."""
    if not members:
        msg = "an ensemble needs at least one member"
        raise CompositionError(msg)
    chains, rest = tuple(members), None if otherwise is None else _member(otherwise, output)
    meeting = chains if rest is None else (*chains, rest)
    if common([c.in_type for c in meeting]) is None:
        kinds = ", ".join(f"`{c.label}` takes {spelled(c.in_type)}" for c in meeting)
        msg = f"no value can be the input of all members: {kinds}"
        raise CompositionError(msg, cure="put a step before a member that turns the common input into its own")
    policy = Policy(quorum, at_most, tolerate).checked(len(chains))
    pace = pace or (AsNeeded() if frugal else ALL_AT_ONCE)
    return Ensemble(chains, combiner.bound(chains), policy, concurrency, deadline, pace, rest)


def _member(member: Any, output: Any) -> Chain[Any, Any]:
    if isinstance(member, str) and output is not None:
        from chainkit.models.chat import model

        return model(member, output=output)
    if isinstance(member, list | tuple):
        msg = "a list of members is no member"
        raise CompositionError(msg, cure="write ensemble(*members, combine=...)")
    return as_chain(member)

"""A cascade: the cheap one first, the next one only where its answer is not good enough.

Chen, Zaharia and Zou, "FrugalGPT" (2023). `fallback` reacts to errors, a cascade to values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.meet import common, spelled
from chainkit.ensembles.accept import Accept, as_accept
from chainkit.ensembles.combine import Combining, Decision, by_weight
from chainkit.ensembles.members import verdict
from chainkit.ensembles.poll import cast, over, without_verdict
from chainkit.ensembles.verdict import Ballot, Verdict
from chainkit.errors import CompositionError
from chainkit.place import Place
from chainkit.run.events import BallotCast

if TYPE_CHECKING:
    from chainkit.ensembles.accept import Test
    from chainkit.messages import Promptable
    from chainkit.models.reply import Reply
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

A = TypeVar("A")
T = TypeVar("T")

Acceptance: TypeAlias = "Accept | Chain[Any, Any] | Callable[[Any], object]"
_BY_VALUE = Combining()


@dataclass(frozen=True, repr=False)
class Cascade(Chain[Any, Any]):
    """Stages one after another. Each but the last has a test; a stage that fails is not taken."""

    stages: tuple[Chain[Any, Any], ...]
    accept: tuple[Accept, ...]
    deadline: float | None = None

    @property
    def in_type(self) -> Any:
        return common([s.in_type for s in self.stages])

    @property
    def out_type(self) -> Any:
        return Verdict

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        found: list[tuple[str, Chain[Any, Any]]] = []
        for number, stage in enumerate(self.stages):
            found.append((str(number), stage))
            found += [(f"accept {number}", c) for a in self.accept[number : number + 1] for c in a.asks()]
        return tuple(found)

    def groups(self) -> tuple[int, ...]:
        return (1,) * len(self.parts())

    def compile(self, place: Place) -> Core:
        last = len(self.stages) - 1
        # Only the last stage's answer is the cascade's own as it is written: the others are tested when whole.
        whole = Place("", tail=place.tail and place.bare and len(self.accept) == last, bare=True)
        cores = [place.numbered(s) for s in self.stages[:-1]] + [whole.compile(self.stages[-1], tail=True)]
        tests = [a.compile(Place(f"{place.path} > accept {i}", tail=False)) for i, a in enumerate(self.accept)]
        stages = _Stages(self, place.path, cores, tests)

        async def run(frame: Frame, value: Any) -> Any:
            return await stages.climb(frame.child(run=frame.run.child()), value)

        return run


class _Stages:
    """The stages as compiled."""

    def __init__(self, cascade: Cascade, path: str, cores: Sequence[Core], tests: Sequence[Test]) -> None:
        self._path = path
        self._cores = cores
        self._tests = tests
        self._deadline = cascade.deadline
        self._names = [s.label or f"stage {i}" for i, s in enumerate(cascade.stages)]
        self._draws = [cascade.stages[:i].count(s) for i, s in enumerate(cascade.stages)]

    async def climb(self, frame: Frame, value: Any) -> Verdict[Any]:
        """From stage to stage until an answer is taken. Raises EnsembleError where none is."""
        ballots: list[Ballot[Any]] = []
        for index in range(len(self._cores)):
            given, ballot = await self._asked(frame, index, value)
            if ballot.valid and index < len(self._tests):
                why = await self._tests[index](frame.quiet(), value, given)
                ballot = ballot if why is None else replace(ballot, abstained=f"not accepted: {why}")
            ballots.append(ballot)
            if frame.emit is not None and frame.every:
                await frame.emit(BallotCast(path=f"{frame.prefix}{self._path}[{index}]", ballot=ballot))
            if ballot.valid:
                return self._taken(frame, given, ballots)
        raise without_verdict("no stage gave an answer that was accepted", tuple(ballots), frame)

    async def _asked(self, frame: Frame, index: int, value: Any) -> tuple[Any, Ballot[Any]]:
        """What a stage gave, as it is and as a ballot."""
        run, start = frame.run.child(), frame.io.now()
        prefix = f"{frame.prefix}{self._path}[{index}] > "
        inside = frame.child(run=run, prefix=prefix, draw=(*frame.draw, self._draws[index]))
        given, error = None, None
        try:
            given = await self._timed(inside, index, value)
        except Exception as failed:
            if over(failed, frame):
                raise
            error = failed
        seconds = frame.io.now() - start
        return given, cast(_BY_VALUE, self._names[index], index, given, error, seconds, run)

    async def _timed(self, frame: Frame, index: int, value: Any) -> Any:
        if self._deadline is None:
            return await self._cores[index](frame, value)
        until = frame.io.now() + self._deadline
        return await frame.io.within(until, self._cores[index](frame.sooner(until), value))

    def _taken(self, frame: Frame, given: Any, ballots: Sequence[Ballot[Any]]) -> Verdict[Any]:
        rest = [Ballot[Any](name, cancelled=True, asked=False) for name in self._names[len(ballots) :]]
        reason = f"stage {len(ballots) - 1} of {len(self._names)} was accepted: `{ballots[-1].member}`"
        all_of_them = (*ballots, *rest)
        if hasattr(given, "ballots") and getattr(given, "counts_as_value", False):
            # A verdict knows better how sure it is than one ballot does.
            return replace(given, ballots=all_of_them, reason=reason, run=frame.run)
        return verdict(Decision(ballots[-1].value, by_weight([ballots[-1]]), reason), all_of_them, frame.run)


@overload
def cascade(
    *stages: str, accept: Acceptance | Sequence[Acceptance], deadline: float | None = ...
) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def cascade(
    *stages: Chain[A, Verdict[T]], accept: Acceptance | Sequence[Acceptance], deadline: float | None = ...
) -> Chain[A, Verdict[T]]: ...
@overload
def cascade(
    *stages: Chain[A, T] | Chain[A, Verdict[T]],
    accept: Acceptance | Sequence[Acceptance],
    deadline: float | None = ...,
) -> Chain[A, Verdict[T]]: ...
@overload
def cascade(
    *stages: str | Chain[Any, Any], accept: Acceptance | Sequence[Acceptance], deadline: float | None = ...
) -> Chain[Any, Verdict[Any]]: ...
def cascade(*stages: Any, accept: Any, deadline: float | None = None) -> Chain[Any, Any]:
    """Ask the first stage, and the next one only where its answer is not accepted: cheap first, strong when unsure.

    `accept` is `agreed(0.8)` for a stage that is an ensemble, `confident(0.9)`, `likely(0.8)`, `approved(model)`, or
    a function of what the stage gives; one for all stages but the last, or a sequence with one for each (with as
    many as there are stages, the last one's answer is tested too). A stage that fails, refuses or is late
    (`deadline`, seconds each) is not accepted. Raises EnsembleError, with all ballots, where none is.
    """
    chains = tuple(as_chain(s) for s in stages)
    if len(chains) < 2:
        msg = "cascade() needs at least two stages: a cheap one and a better one"
        raise CompositionError(msg)
    if common([c.in_type for c in chains]) is None:
        kinds = ", ".join(f"`{c.label}` takes {spelled(c.in_type)}" for c in chains)
        msg = f"no value can be the input of all stages: {kinds}"
        raise CompositionError(msg, cure="put a step before a stage that turns the common input into its own")
    tests = _tests(chains, accept)
    suited = [t.suited(c, i) for i, (t, c) in enumerate(zip(tests, chains, strict=False))]
    return Cascade((*suited, *chains[len(suited) :]), tests, deadline)


def _tests(chains: Sequence[Chain[Any, Any]], accept: Any) -> tuple[Accept, ...]:
    """One test for each stage but the last, at least."""
    last = len(chains) - 1
    given: list[Any] = list(accept) if isinstance(accept, list | tuple) else [accept] * last  # pyright: ignore[reportUnknownArgumentType]
    if len(given) not in (last, last + 1):
        msg = f"accept= has {len(given)} tests for {len(chains)} stages"
        raise CompositionError(msg, cure=f"give one, or {last} (the last stage's answer is then taken as it is)")
    return tuple(as_accept(a) for a in given)

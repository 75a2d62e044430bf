"""The best answer by a score: a function, a reward model, a reranker, or a classifier gives each answer a number."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, SupportsFloat, TypeAlias, TypeVar, overload

from chainkit.chain import Chain
from chainkit.compose.step import is_async, name_of
from chainkit.ensembles.asking import at_once, spelled, within
from chainkit.ensembles.calling import spread, takes
from chainkit.ensembles.combine import Combine, Combiner, Decision, Picks, Sorter, by_weight
from chainkit.errors import CompositionError, OutputError
from chainkit.messages import Promptable, counted_text

if TYPE_CHECKING:
    from chainkit.ensembles.verdict import Ballot
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job

T = TypeVar("T")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)

Number: TypeAlias = "SupportsFloat | Awaitable[SupportsFloat]"
Score: TypeAlias = "Callable[[T], Number] | Callable[[Any, T], Number] | Chain[Any, Any]"
"""What gives an answer a number: a function of it, or of the question and it, or a chain."""


@dataclass(frozen=True)
class Scored:
    """A ballot's key with the score that it was given as it landed."""

    form: Any
    score: float = field(compare=False)


@dataclass(frozen=True)
class Best(Picks[T_contra]):
    """Picks the value with the highest score; ties go to the earliest member."""

    score: Any = field(kw_only=True)
    label: str | None = None
    enough: float | None = None
    word = "best"

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        score: Any = self.score
        return (("score", score),) if isinstance(score, Chain) else ()  # pyright: ignore[reportUnknownVariableType]

    def settled(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> bool:
        return not left or (self.enough is not None and any(self._good(b) for b in ballots))

    def needed(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> int:
        if self.settled(ballots, left):
            return 0
        return len(left) if self.enough is None else 1

    def _good(self, ballot: Ballot[Any]) -> bool:
        key, enough = ballot.key, self.enough
        return ballot.valid and isinstance(key, Scored) and enough is not None and key.score >= enough

    def sorter(self, place: Place) -> Sorter | None:
        """Only who stops at a score needs it as answers land."""
        if self.enough is None:
            return None
        scorer = _Scorer(self, place)

        async def sort(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]], index: int) -> Scored:
            return Scored(ballots[index].key, await scorer.one(frame, question, ballots[index], index))

        return sort

    def compile(self, place: Place) -> Combine:
        scorer = _Scorer(self, place)

        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            return _picked(ballots, await scorer.all(frame, question, ballots))

        return combine


def _picked(ballots: Sequence[Ballot[Any]], scores: dict[int, float]) -> Decision:
    marked = tuple(replace(b, score=scores[i]) if i in scores else b for i, b in enumerate(ballots))
    first = max(scores, key=lambda i: (scores[i], -i))
    best = ballots[first]
    reached: dict[Any, float] = {}
    for i, score in scores.items():
        reached[ballots[i].key] = max(score, reached.get(ballots[i].key, -math.inf))
    groups = sorted(by_weight(ballots), key=lambda g: -reached[_key(ballots, g.value)])
    own = next(g for g in groups if _key(ballots, g.value) == best.key)
    rest = tuple(g for g in groups if g is not own)
    reason = f"{best.member} has the highest score of {len(scores)}: {scores[first]:.3g}"
    return Decision(best.value, (replace(own, value=best.value), *rest), reason, ballots=marked)


def _key(ballots: Sequence[Ballot[Any]], value: Any) -> Any:
    return next(b.key for b in ballots if b.valid and b.value is value)


class _Scorer:
    """The score as compiled: of one answer, or of all that have none yet."""

    def __init__(self, best: Best[Any], place: Place) -> None:
        self._place = place
        self._label = best.label
        self._ranks = reranks(best.score)
        told: Any = best.score
        self._told = told
        self._pair = not isinstance(told, Chain) and _arguments(told) == 2
        self._reads = isinstance(told, Chain) and told.in_type in (str, Promptable)  # pyright: ignore[reportUnknownMemberType]
        self._side_by_side = isinstance(told, Chain) or is_async(told)
        self._core: Core = (
            place.numbered(told) if isinstance(told, Chain) else spread(told, place)  # pyright: ignore[reportUnknownArgumentType]
        )

    async def one(self, frame: Frame, question: Any, ballot: Ballot[Any], index: int) -> float:
        """The score of one answer. Raises OutputError, naming its member, where that is no finite number."""
        inside = within(frame, self._place, f"score {index}")
        if not isinstance(self._told, Chain):
            return _number(
                await self._core(inside, (question, ballot.value) if self._pair else (ballot.value,)), ballot
            )
        text = counted_text(ballot.value) if self._reads else None
        found = await self._core(inside, ballot.value if text is None else text)
        return _number(_of_label(found, self._label, ballot), ballot)

    async def all(self, frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> dict[int, float]:
        """The score of each valid ballot, by its number."""
        known = {i: b.key.score for i, b in enumerate(ballots) if b.valid and isinstance(b.key, Scored)}
        open_ = {i: b for i, b in enumerate(ballots) if b.valid and i not in known}
        if open_:
            known |= await (self._ranked(frame, question, open_) if self._ranks else self._each(frame, question, open_))
        return dict(sorted(known.items()))

    async def _each(self, frame: Frame, question: Any, ballots: dict[int, Ballot[Any]]) -> dict[int, float]:
        if not self._side_by_side:
            return {i: await self.one(frame, question, b, i) for i, b in ballots.items()}
        said = await at_once(frame, [self._job(question, b, i) for i, b in ballots.items()])
        # An answer without its score may be the best one: the first error in member order is the outcome.
        for error in said:
            if isinstance(error, Exception):
                raise error
        return dict(zip(ballots, said, strict=True))

    def _job(self, question: Any, ballot: Ballot[Any], index: int) -> Job:
        async def job(frame: Frame) -> float:
            return await self.one(frame, question, ballot, index)

        return job

    async def _ranked(self, frame: Frame, question: Any, ballots: dict[int, Ballot[Any]]) -> dict[int, float]:
        numbers: list[int] = list(ballots)
        texts = [spelled(getattr(b.value, "text", b.value)) for b in ballots.values()]
        found = await self._core(within(frame, self._place, "score"), {"query": spelled(question), "documents": texts})
        scores: dict[int, float] = {numbers[r.index]: _number(r.score, ballots[numbers[r.index]]) for r in found}
        if len(scores) < len(numbers):
            msg = f"the reranker scored {len(scores)} of {len(numbers)} answers"
            raise OutputError(msg, cure="leave its top_n out")
        return scores


def _arguments(function: Any) -> int:
    return takes(function, (1, 2), "score(value) or score(question, value)")


def reranks(score: Any) -> bool:
    """Whether it is a reranker, which is given the question and all answers at once."""
    from chainkit.models.rerank import Reranked

    return isinstance(score, Chain) and score.out_type is Reranked  # pyright: ignore[reportUnknownMemberType]


def _of_label(found: Any, label: str | None, ballot: Ballot[Any]) -> Any:
    """A classification's score of that label; anything else is the score itself."""
    scores = getattr(found, "scores", None)
    if scores is None:
        return found
    if label in scores:
        return scores[label]
    told = "no label= says which score counts" if label is None else f"there is no label {label!r}"
    msg = f"{ballot.member} was classified, and {told}: {', '.join(scores)}"
    raise OutputError(msg, cure=f"write label={next(iter(scores), '...')!r}")


def _number(found: Any, ballot: Ballot[Any]) -> float:
    number = float(found) if isinstance(found, SupportsFloat) else math.nan
    if math.isfinite(number):
        return number
    msg = f"the score of {ballot.member} is no finite number: {found!r:.80}"
    raise OutputError(msg, cure="give a score that is a number (or a bool) for every answer")


@overload
def best(score: Picks[T], *, label: None = ..., enough: None = ...) -> Picks[T]: ...
@overload
def best(score: Combiner[T, R], *, label: None = ..., enough: None = ...) -> Combiner[T, R]: ...
@overload
def best(score: Score[T], *, label: str | None = ..., enough: float | None = ...) -> Best[T]: ...
def best(score: Any, *, label: str | None = None, enough: float | None = None) -> Any:
    """The answer with the highest score; the value is that member's own.

    `score` is a function of the value, or of the question and the value, to a number (a bool counts 1 or 0; it may be
    async); a chain from the value to a number; a `reranker`, which is given the question and all answers in one call;
    or a `classifier`, of which the score of `label` counts. A combiner that picks (`judge`, `pairwise`, `rank`) may
    stand there too, and is the combiner then. Ballots carry their `score`. Ties go to the earliest member.

    `enough` is a score at which asking stops: answers are scored as they land, and the rest is cancelled, or with
    `frugal=True` not asked. Raises OutputError for a score that is no finite number, naming the member; an error of
    the score itself is raised as it is, for an answer without a score might be the best.
    """
    from chainkit.ensembles.combine import Combining

    whole = isinstance(score, Combining) or reranks(score)
    if whole and enough is not None:
        msg = "best(enough=): this score needs all answers at once, so no single one can stop the asking"
        raise CompositionError(msg, cure="leave enough= out, or score by a function or a chain")
    if isinstance(score, Combining):
        return score
    given: Any = score
    home = str(getattr(given, "__module__", ""))
    if isinstance(given, str) or not (callable(given) or isinstance(given, Chain)):
        msg = f"best({given!r:.60}) gives no number"
        raise CompositionError(msg, cure='give a function, a chain to a number, or judge("...", way="one at a time")')
    if home.startswith("chainkit.ensembles.") and not isinstance(given, Chain):
        msg = f"best({name_of(given)}) is not called"
        raise CompositionError(msg, cure=f"write best({name_of(given)}(...))")
    if not isinstance(given, Chain):
        _arguments(given)
    found: Best[Any] = Best(score=given, label=label, enough=enough)
    return found

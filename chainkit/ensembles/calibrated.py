"""A vote that knows what its members are worth: weights, and how sure it may be, learned from labelled cases.

What was learned is plain data, `Learned`; `chainkit.evaluate.calibrate` learns it, and nothing of it is needed here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from chainkit.compose.coerce import as_chain
from chainkit.ensembles.combine import Combine, Decision
from chainkit.ensembles.members import asked
from chainkit.ensembles.vote import Vote
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Ballot
    from chainkit.place import Place
    from chainkit.run.frame import Frame

T_contra = TypeVar("T_contra", contravariant=True)
VERSION = 1


@dataclass(frozen=True)
class Learned:
    """What a calibration found: the members it chose, by their labels and cheapest first, and what each is worth.

    `weights` are in log-odds. `slope` and `offset` turn the margin between the two leading answers into the probability
    that the leading one is right. `cases` is how many it was learned from, `day` when.
    """

    members: tuple[str, ...]
    weights: tuple[float, ...]
    slope: float
    offset: float
    cases: int = 0
    day: str = ""

    def confidence(self, margin: float) -> float:
        """The probability that an answer is right which leads by so much."""
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, self.slope * margin + self.offset))))

    def save(self, path: str | Path) -> None:
        """Write it as a small JSON file."""
        data = {"chainkit_calibration": VERSION, **asdict(self)}
        Path(path).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_calibration(path: str | Path) -> Learned:
    """What `save` wrote. Raises CompositionError for another file."""
    try:
        data: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        if data.pop("chainkit_calibration") != VERSION:
            raise KeyError
        data |= {"members": tuple(data["members"]), "weights": tuple(map(float, data["weights"]))}
        learned = Learned(**data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} holds no calibration: {type(error).__name__}"
        raise CompositionError(msg, cure="write it with calibration.save(path)") from error
    return learned


@dataclass(frozen=True)
class Calibrated(Vote[T_contra]):
    """A weighted vote that tells how sure it is, and stops once that is enough."""

    learned: Learned = field(default=Learned((), (), 0.0, 0.0), kw_only=True)
    sure: float | None = field(default=None, kw_only=True)
    word = "calibrated"

    def settled(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> bool:
        if super().settled(ballots, left):
            return True
        return self.sure is not None and self.confidence_of(ballots) >= self.sure

    def confidence_of(self, ballots: Sequence[Ballot[Any]]) -> float:
        """The probability that the leading answer is right, as far as has been heard."""
        return self.learned.confidence(margin(ballots))

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Self:
        labels = tuple(m.label for m in members)
        if labels != self.learned.members:
            msg = f"it was calibrated for the members {', '.join(self.learned.members)}, and these are {', '.join(labels)}"
            raise CompositionError(msg, cure="give the same members in the same order, or calibrate anew")
        return super().bound(members)

    def compile(self, place: Place) -> Combine:
        combine = super().compile(place)

        async def calibrated(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            decision = await combine(frame, question, ballots)
            return replace(decision, confidence=self.confidence_of(decision.ballots or ballots))

        return calibrated


def margin(ballots: Sequence[Ballot[Any]]) -> float:
    """How far the leading answer's weight lies above the next one's."""
    sums: dict[Any, float] = {}
    for ballot in ballots:
        if ballot.valid:
            sums[ballot.key] = sums.get(ballot.key, 0.0) + ballot.weight
    first, second, *_ = [*sorted(sums.values(), reverse=True), 0.0, 0.0]
    return first - second


def calibrated(
    members: Sequence[str | Chain[Any, Any]],
    learned: Learned | str | Path,
    *,
    confidence: float | None = None,
    frugal: bool = True,
    **rules: Any,
) -> Chain[Any, Any]:
    """The ensemble that a calibration found: a weighted vote whose verdicts carry a `confidence`.

    `learned` is a calibration's, or the file that it was saved to; of `members` those that it chose are taken, by their
    labels. With `confidence` asking stops once the leading answer is right with that probability, the cheapest members
    first. The rules are those of `ensemble`. Raises CompositionError where a member is missing.
    """
    known = learned if isinstance(learned, Learned) else load_calibration(learned)
    if confidence is not None and not 0.0 < confidence < 1.0:
        msg = f"calibrated(confidence={confidence}): it lies between 0 and 1"
        raise CompositionError(msg)
    chains = {c.label: c for c in map(as_chain, members)}
    missing = [label for label in known.members if label not in chains]
    if missing:
        msg = f"the calibration chose `{missing[0]}`, and the members given are {', '.join(chains) or 'none'}"
        raise CompositionError(msg, cure="give the members that were calibrated, under the same names")
    combiner = Calibrated[Any](weights=known.weights, learned=known, sure=confidence)
    return asked([chains[label] for label in known.members], combiner, frugal=frugal, **rules)

"""The first usable answer wins; the others are cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chainkit.ensembles.combine import Combine, Decision, Picks, by_weight
from chainkit.ensembles.members import Ensemble, ensemble

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Ballot, Verdict
    from chainkit.messages import Promptable
    from chainkit.models.reply import Reply
    from chainkit.place import Place
    from chainkit.run.frame import Frame

A = TypeVar("A")
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True)
class First(Picks[T_contra]):
    """Whoever lands first."""

    word = "race"

    def settled(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> bool:
        return not left or any(b.valid for b in ballots)

    def compile(self, place: Place) -> Combine:
        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            groups = by_weight(ballots)
            return Decision(groups[0].value, groups)

        return combine


@overload
def race(*members: str, deadline: float | None = ...) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def race(*members: Chain[A, T], deadline: float | None = ...) -> Chain[A, Verdict[T]]: ...
def race(*members: Any, deadline: float | None = None) -> Chain[Any, Any]:
    """Ask all members at once and take the first usable answer; the rest are cancelled, billed as AtLeast.

    Members that land together count in member order. Raises EnsembleError where all fail.
    """
    found = ensemble(*members, combine=First(), deadline=deadline)
    assert isinstance(found, Ensemble)
    return found

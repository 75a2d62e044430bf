"""A plain function as a combiner: it is given the list of usable values, in member order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.ensembles.combine import Combine, Combiner, Combining, Decision, by_weight
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.ensembles.verdict import Ballot
    from chainkit.place import Place
    from chainkit.run.frame import Frame


@dataclass(frozen=True)
class Using(Combiner[Any, Any]):
    """Asks `by`, a chain from the list of values."""

    by: Chain[Any, Any] = field(kw_only=True)

    @property
    def word(self) -> str:  # type: ignore[override]
        """The function's name."""
        return self.by.label or "combine"

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return (("combine", self.by),)

    def value_type(self, members: Any) -> Any:
        return self.by.out_type

    def compile(self, place: Place) -> Combine:
        core = place.compile(self.by)

        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            value = await core(frame, [b.value for b in ballots if b.valid])
            return Decision(value, by_weight(ballots))

        return combine


def as_combiner(given: Any) -> Combining:
    """A combiner, or what may stand for one: a function (or a chain) of the list of values."""
    if isinstance(given, Combining):
        return given
    if str(getattr(given, "__module__", "")).startswith("chainkit.ensembles."):
        name = getattr(given, "__name__", "combiner")
        msg = f"combine={name} is not called"
        raise CompositionError(msg, cure=f"write combine={name}(...)")
    if isinstance(given, str) or not (callable(given) or isinstance(given, Chain)):
        msg = f"combine={given!r:.60} is no combiner"
        raise CompositionError(msg, cure="give vote(), judge(...), fuse(...), or a function of the list of values")
    return Using(by=as_chain(given))

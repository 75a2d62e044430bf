"""Combiners: how ballots become one value.

`Picks[T]` gives one of the members' own values; `Combiner[T, R]` may make a new one. A combiner is pure
data with one method to write: `compile`, the `async def combine(frame, question, ballots) -> Decision`.
What else it may say: `settled`, whether the outcome is certain before all have voted, and `needed`, how many
further ballots could make it certain; `key` and `weight`, how a ballot counts, and `abstains`, whether it does;
`sorter`, where finding the key needs a call of its own; `bound`, what it learns from the members.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar

from chainkit.ensembles.verdict import Ballot, FieldVerdict, Group, entropy, grouped

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.place import Place
    from chainkit.run.frame import Frame

T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a combiner decided: a value and the groups it saw, the deciding one first.

    `ballots` are those it was given, where it wrote something on them (a score, a key); `confidence` is the
    calibrated probability that the value is right. `share` is the agreement, where it is not the share of the
    first group; `fields` are what became of each field.
    """

    value: Any
    groups: tuple[Group[Any], ...]
    reason: str | None = None
    confidence: float | None = None
    ballots: tuple[Ballot[Any], ...] | None = None
    share: float | None = None
    fields: Mapping[str, FieldVerdict] = field(default_factory=dict[str, FieldVerdict], hash=False)

    @property
    def agreement(self) -> float:
        """The first group's share of the weight, unless the combiner measures it otherwise."""
        if self.share is not None:
            return self.share
        total = sum(g.weight for g in self.groups)
        return self.groups[0].weight / total if total else 0.0

    @property
    def entropy(self) -> float:
        """In bits."""
        return entropy([g.weight for g in self.groups])


Combine: TypeAlias = "Callable[[Frame, Any, Sequence[Ballot[Any]]], Awaitable[Decision]]"
"""(frame, question, ballots in member order) to a decision. At least one ballot is valid."""

Sorter: TypeAlias = "Callable[[Frame, Any, Sequence[Ballot[Any]], int], Awaitable[Any]]"
"""(frame, question, ballots so far, the number of the one that just landed) to its key."""


@dataclass(frozen=True)
class Combining:
    """What both kinds are."""

    word = "combine"

    def key(self, value: Any) -> Any:
        """What is compared of a value: by default its normal form."""
        return normal(value)

    def settled(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> bool:
        """Whether the outcome is certain, with the members `left` (numbers) still to come."""
        return False

    def needed(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> int:
        """The fewest of the members `left` whose ballots could make the outcome certain; 0 where it is."""
        return 0 if self.settled(ballots, left) else len(left)

    def weight(self, member: int) -> float:
        """What a member's ballot counts."""
        return 1.0

    def abstains(self, value: Any) -> str | None:
        """Why a value is no vote, or None."""
        return None

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Self:
        """Itself, for those members. Raises CompositionError where it does not fit them."""
        return self

    def sorter(self, place: Place) -> Sorter | None:
        """What finds a ballot's key as it lands, where `key` alone cannot."""
        return None

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        """The chains that it asks."""
        return ()

    def value_type(self, members: Any) -> Any:
        """The type of the value, where members give `members`."""
        return Any

    def compile(self, place: Place) -> Combine:
        """The combining itself."""
        raise NotImplementedError


@dataclass(frozen=True)
class Combiner(Combining, Generic[T_contra, R_co]):
    """Makes one value of many; it may be of another type than theirs."""


@dataclass(frozen=True)
class Picks(Combining, Generic[T_contra]):
    """Gives one of the members' own values."""

    def value_type(self, members: Any) -> Any:
        return members


def normal(value: Any) -> Any:
    """The form in which values are compared: text without case, spacing and end marks; data as canonical JSON.

    An object with `compared` (an answer from documents) or `text` (a reply) counts as that.
    """
    value = getattr(value, "compared", getattr(value, "text", value))
    if isinstance(value, str):
        return " ".join(value.split()).casefold().strip(" .!\"'`*")
    if isinstance(value, bool | int | float) or value is None:
        return value
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        value = dump(mode="json")
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def by_weight(ballots: Sequence[Ballot[Any]]) -> tuple[Group[Any], ...]:
    """The groups, heaviest first."""
    return tuple(grouped(ballots))

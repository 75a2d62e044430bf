"""The common answer: what most members say."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypedDict, TypeVar, Unpack, overload

from chainkit.ensembles.alike import THRESHOLD, Alike, likeness
from chainkit.ensembles.combine import Combine, Decision, Picks, by_weight, normal
from chainkit.ensembles.sequential import answers_of, leads
from chainkit.ensembles.verdict import Ballot, short, total
from chainkit.errors import CompositionError, EnsembleError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.combine import Sorter
    from chainkit.ensembles.verdict import Group
    from chainkit.place import Place
    from chainkit.run.frame import Frame

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

Weights: TypeAlias = "Sequence[float] | Mapping[int, float] | Mapping[str, float] | Mapping[int | str, float]"
"""One number for each member, in order; or some of them by number or by label, and the others count 1."""

_EQUAL = 1e-9


@dataclass(frozen=True)
class Vote(Picks[T_contra]):
    """Plurality of the normalised values. `named` are weights by label, until the members are known.

    `waits_for` is a share of the weight that somebody asks about afterwards: like `at_least` it must be certain
    whether the winner has it, but nothing is raised.
    """

    by: Callable[[T_contra], object] | None = None
    weights: tuple[float, ...] | None = None
    early: bool = True
    named: tuple[tuple[int | str, float], ...] = ()
    ties: Literal["first", "error"] | Picks[Any] = "first"
    at_least: float | None = None
    abstain: Callable[[Any], object] | tuple[object, ...] = ()
    alike: Alike | None = None
    confidence: float | None = None
    answers: int | None = None
    waits_for: float | None = None
    word = "vote"

    def key(self, value: Any) -> Any:
        return super().key(value if self.by is None else self.by(value))

    def weight(self, member: int) -> float:
        """What a member's vote counts."""
        return 1.0 if self.weights is None else self.weights[member]

    def abstains(self, value: Any) -> str | None:
        """Why a value is no vote: it is one of `abstain`, or `abstain(value)` says so (a text is the reason)."""
        if not self.abstain:
            return None
        said = self.abstain(value) if callable(self.abstain) else normal(value) in self.abstain
        return (said if isinstance(said, str) else f"said {short(value)!r}") if said else None

    def settled(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> bool:
        """Whether no vote still to come can change the outcome: counted exactly, ties included.

        With `confidence`, also whether the leading answer is the most likely one.
        """
        if not self.early or not left:
            return not left
        groups = _standing(ballots)
        if not groups:
            return False
        if self._certain(groups, left) or (self._share is not None and self._hopeless(groups, left)):
            return True
        return self.confidence is not None and self._leads(groups)

    def _certain(self, groups: Sequence[tuple[float, int]], left: Sequence[int]) -> bool:
        """Whether the leading group wins however the others vote."""
        lead, first = groups[0]
        coming, earliest = self._coming(left), min(left)
        by_order = self.ties == "first"
        for weight, member in (*groups[1:], (0.0, earliest)):
            best = _add(weight, coming)
            if best > lead or (best == lead and not (by_order and first < min(member, earliest))):
                return False
        return self._share is None or self._enough(lead, total([*(w for w, _ in groups), coming]))

    @property
    def _share(self) -> float | None:
        """The share of the weight about which there must be certainty before it stops."""
        return self.at_least if self.at_least is not None else self.waits_for

    def _coming(self, left: Sequence[int]) -> float:
        return float(len(left)) if self.weights is None else total([self.weights[m] for m in left])

    def _hopeless(self, groups: Sequence[tuple[float, int]], left: Sequence[int]) -> bool:
        """Whether no group can reach the share that the winner needs, also if all the others vote for it."""
        coming = self._coming(left)
        most = total([*(w for w, _ in groups), coming])
        return not any(self._enough(_add(weight, coming), most) for weight, _ in groups)

    def _leads(self, groups: Sequence[tuple[float, int]]) -> bool:
        """Whether a sequential test says that the leading answer is the most likely one."""
        unit = self.weight(0)
        counts = [round(weight / unit) for weight, _ in groups]
        enough = self._share is None or self._enough(counts[0], sum(counts))
        return enough and leads(counts, self.confidence or 1.0, self.answers)

    def _enough(self, weight: float, whole: float) -> bool:
        return weight >= (self._share or 0.0) * whole - _EQUAL

    def needed(self, ballots: Sequence[Ballot[Any]], left: Sequence[int]) -> int:
        """How many of the next members would settle it: all for the leading answer, or each for one of its own."""
        groups = _standing(ballots)
        lead = ballots[groups[0][1]].key if groups else None
        found = self._until(ballots, left, lambda _: lead)
        return found if self._share is None else min(found, self._until(ballots, left, lambda _: object()))

    def _until(self, ballots: Sequence[Ballot[Any]], left: Sequence[int], key: Callable[[int], Any]) -> int:
        standing = list(ballots)
        for count, member in enumerate(left):
            if self.settled(standing, left[count:]):
                return count
            standing[member] = Ballot(ballots[member].member, key=key(member), weight=self.weight(member))
        return len(left)

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Self:
        """With the weights of those members by number, and the number of answers that their types allow."""
        found = replace(self, weights=_resolved(self.named, members), named=()) if self.named else self
        if found.weights is not None and len(found.weights) != len(members):
            msg = f"vote(weights=...) has {len(found.weights)} weights for {len(members)} members"
            raise CompositionError(msg)
        if isinstance(found.ties, Picks):
            found = replace(found, ties=found.ties.bound(members))
        if found.confidence is None:
            return found
        if len({found.weight(i) for i in range(len(members))}) > 1 or not found.weight(0):
            msg = f"vote(confidence={found.confidence}) tests votes that count alike, and the weights differ"
            raise CompositionError(msg, cure="leave out weights= or confidence=")
        kinds = {answers_of(m.out_type) for m in members} if found.by is None and found.alike is None else {None}
        return replace(found, answers=kinds.pop() if len(kinds) == 1 else None)

    def _checked(self, frame: Frame, ballots: Sequence[Ballot[Any]], groups: Sequence[Group[Any]]) -> None:
        """Raise EnsembleError where the votes do not come to an answer."""
        lead, whole = groups[0].weight, total([g.weight for g in groups])
        tied = sum(g.weight == lead for g in groups)
        if self.at_least is not None and not self._enough(lead, whole):
            share = lead / whole if whole else 0.0
            why = f"no answer has {self.at_least:.0%} of the votes: the leading one has {share:.0%}"
            raise _undecided(why, "add members, lower vote(at_least=), or give ensemble(otherwise=)", frame, ballots)
        if self.ties == "error" and tied > 1:
            why = f"{tied} answers are tied at {lead:g} each"
            raise _undecided(why, "give ties='first' or vote(ties=judge(...)), or an odd number", frame, ballots)

    def _stopped(self, ballots: Sequence[Ballot[Any]]) -> str | None:
        """How the sequential test stopped the vote, where it did."""
        left = [i for i, b in enumerate(ballots) if b.cancelled]
        groups = _standing(ballots)
        if self.confidence is None or not left or self._certain(groups, left) or not self._leads(groups):
            return None
        saved = sum(not ballots[i].asked for i in left)
        rest = f"{saved} members were not asked, {len(left) - saved} cancelled"
        votes = f"after {len(ballots) - len(left)} of {len(ballots)} members"
        return (
            f"stopped {votes}: the leading answer is the most likely one with {self.confidence:.0%} confidence; {rest}"
        )

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        alike = () if self.alike is None else self.alike.parts()
        return (*alike, *(self.ties.parts() if isinstance(self.ties, Picks) else ()))

    def sorter(self, place: Place) -> Sorter | None:
        return self.alike.compile(place, self.key, self.by).key if self.alike is not None and self.early else None

    def compile(self, place: Place) -> Combine:
        if self == Vote(self.by, self.weights, self.early):
            return _plurality
        clusters = None if self.alike is None else self.alike.compile(place, self.key, self.by)
        between = self.ties.compile(place) if isinstance(self.ties, Picks) else None

        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            if clusters is not None:
                ballots = await clusters.keyed(frame.quiet(), question, ballots)
            groups = by_weight(ballots)
            self._checked(frame, ballots, groups)
            tied = [g for g in groups if g.weight == groups[0].weight]
            if between is None or len(tied) == 1:
                return Decision(groups[0].value, groups, self._stopped(ballots), ballots=tuple(ballots))
            between_them = await between(frame, question, _of(ballots, len(tied)))
            return _untied(between_them, ballots, groups, tied, self.ties)

        return combine


async def _plurality(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
    groups = by_weight(ballots)
    return Decision(groups[0].value, groups)


def _sums(ballots: Sequence[Ballot[Any]]) -> dict[Any, tuple[float, int]]:
    """(weight, number of its first member) of each group, by its key."""
    found: dict[Any, tuple[float, int]] = {}
    for number, ballot in enumerate(ballots):
        if ballot.valid:
            weight, first = found.get(ballot.key, (0.0, number))
            found[ballot.key] = _add(weight, ballot.weight), first
    return found


def _add(one: float, other: float) -> float:
    """Their sum in decimals; whole numbers need no such care, and most votes count 1."""
    return one + other if one.is_integer() and other.is_integer() else total([one, other])


def _standing(ballots: Sequence[Ballot[Any]]) -> list[tuple[float, int]]:
    """(weight, number of its first member) of each group, the leading one first."""
    return sorted(_sums(ballots).values(), key=lambda g: (-g[0], g[1]))


def _of(ballots: Sequence[Ballot[Any]], groups: int) -> tuple[Ballot[Any], ...]:
    """The ballots of so many of the leading groups."""
    sums = _sums(ballots)
    keys = sorted(sums, key=lambda k: (-sums[k][0], sums[k][1]))[:groups]
    return tuple(b for b in ballots if b.valid and b.key in keys)


def _untied(
    found: Decision, ballots: Sequence[Ballot[Any]], groups: Sequence[Group[Any]], tied: Sequence[Group[Any]], by: Any
) -> Decision:
    """The decision among the tied groups, before all the others; what was written on their ballots is kept."""
    marked = {(b.member, id(b.value)): b for b in found.ballots or ()}
    told = tuple(marked.get((b.member, id(b.value)), b) if b.valid else b for b in ballots)
    rest = [g for g in groups if not any(g is t for t in tied)]
    reason = f"a tie of {len(tied)} answers at {tied[0].weight:g} each, decided by {by.word}"
    reason += f": {found.reason}" if found.reason else ""
    return Decision(found.value, (*found.groups, *rest), reason, ballots=told)


def _undecided(why: str, cure: str, frame: Frame, ballots: Sequence[Ballot[Any]]) -> EnsembleError:
    said = "\n".join(f"    {b}" for b in ballots)
    error = EnsembleError(f"{why}:\n{said}", cure=cure)
    error.ballots = tuple(ballots)
    error.spent = True  # asking again would ask the same members the same
    return error


def _resolved(named: Sequence[tuple[int | str, float]], members: Sequence[Chain[Any, Any]]) -> tuple[float, ...]:
    """Weights by number. Raises CompositionError for a name that no member has."""
    found = [1.0] * len(members)
    for name, weight in named:
        numbers = [i for i, m in enumerate(members) if name == i or name in (m.label, m.label.removeprefix("model "))]
        if not numbers:
            known = ", ".join(f"{i} `{m.label}`" for i, m in enumerate(members))
            msg = f"vote(weights=...) names {name!r}, and the members are {known}"
            raise CompositionError(msg, cure="use a member's number, its label, or the name given with .named(...)")
        for number in numbers:
            found[number] = weight
    return tuple(found)


class Counting(TypedDict, total=False):
    """How votes are counted: see `vote`."""

    early: bool
    ties: Literal["first", "error"] | Picks[Any]
    at_least: float | None
    abstain: Callable[[Any], object] | Collection[object]
    alike: str | Chain[Any, Any] | Callable[[Any, Any], object] | None
    threshold: float
    confidence: float | None


@overload
def vote(*, weights: Weights | None = ..., **counting: Unpack[Counting]) -> Vote[object]: ...
@overload
def vote(*, key: Callable[[T], object], weights: Weights | None = ..., **counting: Unpack[Counting]) -> Vote[T]: ...
def vote(
    *,
    key: Any = None,
    weights: Any = None,
    early: bool = True,
    ties: Any = "first",
    at_least: float | None = None,
    abstain: Any = (),
    alike: Any = None,
    threshold: float = THRESHOLD,
    confidence: float | None = None,
) -> Vote[Any]:
    """The answer that most members give, compared by equality of their normal form (or of `key(value)`).

    Text is compared without case, spacing and end marks; data as canonical JSON. With `early`, members that can no
    longer change the outcome are cancelled.

    `weights`: one number for each member, in order, or a mapping by number or by label ("openai:gpt-5", or the name
    given with `.named`); members that it does not name count 1.
    `ties`: "first" (the group with the earliest member), "error" (EnsembleError), or a combiner such as `judge(...)`
    that decides among the tied answers only.
    `at_least`: the share of the counted weight that the winner needs, above 0 to 1; else EnsembleError with the ballots.
    `abstain`: values, or a function of a value, that are no vote; a text that the function gives is the reason.
    `alike`: what tells that two answers mean the same: an embedder (a cosine of `threshold` or more), a model that is
    asked yes or no, or a function of two answers. `Verdict.entropy` is then the semantic entropy in bits (Kuhn, Gal and
    Farquhar, 2023). With `early`, each answer is compared as it lands with the first of each cluster, else in member
    order, so that who is quicker changes nothing.
    `confidence`: stop also once the leading answer is the members' most likely one with that confidence (PPR-1v1, Jain
    and others, 2022), though later votes could still change the winner; for members that count alike.

    Raises ValueError for a weight that is none, CompositionError for what does not fit.
    """
    listed, named = _weighed(weights)
    _fits(early, ties, at_least, confidence)
    skipped = abstain if callable(abstain) else tuple(normal(v) for v in abstain)
    near = likeness(alike, threshold)
    return Vote(key, listed, early, named, ties, at_least, skipped, near, confidence)


def _weighed(weights: Any) -> tuple[tuple[float, ...] | None, tuple[tuple[int | str, float], ...]]:
    """Weights in order, and those by name."""
    by_name = isinstance(weights, Mapping)
    found = () if weights is None else tuple(float(w) for w in (weights.values() if by_name else weights))  # pyright: ignore
    if not all(0 <= w < math.inf for w in found):
        msg = f"a weight is finite and not negative: {found}"
        raise ValueError(msg)
    if by_name:
        return None, tuple(zip(weights, found, strict=True))  # pyright: ignore
    return (None if weights is None else found), ()


def _fits(early: bool, ties: Any, at_least: float | None, confidence: float | None) -> None:
    """Raise CompositionError for what cannot be counted so."""
    if ties not in ("first", "error") and not isinstance(ties, Picks):
        msg = f"vote(ties={ties!r:.60}): it must be 'first', 'error', or a combiner that picks, such as judge(...)"
        raise CompositionError(msg)
    if at_least is not None and not 0 < at_least <= 1:
        msg = f"vote(at_least={at_least}): a share of the votes is above 0 and at most 1"
        raise CompositionError(msg)
    if confidence is not None and not 0 < confidence < 1:
        msg = f"vote(confidence={confidence}): it must be between 0 and 1"
        raise CompositionError(msg)
    if confidence is not None and not early:
        msg = "vote(confidence=...) stops early, and early=False waits for all members"
        raise CompositionError(msg, cure="leave out one of them")


@overload
def weighted(weights: Weights, **counting: Unpack[Counting]) -> Vote[object]: ...
@overload
def weighted(weights: Weights, *, key: Callable[[T], object], **counting: Unpack[Counting]) -> Vote[T]: ...
def weighted(weights: Weights, *, key: Any = None, **counting: Any) -> Vote[Any]:
    """`vote(weights=weights)`: the answer with the most weight behind it."""
    return vote(key=key, weights=weights, **counting)

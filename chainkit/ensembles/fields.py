"""Structured values voted field by field, and put together again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, get_type_hints

from chainkit.ensembles.canonical import canonical
from chainkit.ensembles.combine import Combine, Combining, Decision, Picks, by_weight
from chainkit.ensembles.field_walk import Rule, Voice, Walk, built
from chainkit.ensembles.taken_apart import parts_of
from chainkit.ensembles.using import as_combiner
from chainkit.ensembles.verdict import Group, short, total
from chainkit.errors import CompositionError, did_you_mean
from chainkit.place import Place

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Ballot
    from chainkit.run.frame import Frame

T_contra = TypeVar("T_contra", contravariant=True)
Nones = Literal["vote", "abstain"]


@dataclass(frozen=True)
class Fields(Picks[T_contra]):
    """Each field by its own rule. Ties are broken by the values, never by the order of members."""

    rules: tuple[tuple[str, Combining], ...] = ()
    default: Combining | None = None
    rows: tuple[tuple[str, str], ...] = ()
    none: Nones = "vote"
    exact: bool = False
    weights: tuple[float, ...] | None = None
    word = "fields"

    def key(self, value: Any) -> Any:
        return canonical(value, exact=self.exact)

    def weight(self, member: int) -> float:
        return 1.0 if self.weights is None else self.weights[member]

    def abstains(self, value: Any) -> str | None:
        return None if parts_of(value) is not None else f"no fields: {short(value)!r:.60}"

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return tuple((f"{path} {name}", chain) for path, rule in self._all for name, chain in rule.parts())

    @property
    def _all(self) -> tuple[tuple[str, Combining], ...]:
        return self.rules if self.default is None else (*self.rules, ("default", self.default))

    def bound(self, members: Sequence[Chain[Any, Any]]) -> Self:
        if self.weights is not None and len(self.weights) != len(members):
            msg = f"fields(weights=...) has {len(self.weights)} weights for {len(members)} members"
            raise CompositionError(msg)
        for _, rule in self._all:
            rule.bound(members)
        for member in members:
            _checked(member, [*(p for p, _ in self.rules), *(p for p, _ in self.rows)])
        return self

    def compile(self, place: Place) -> Combine:
        # Each field has an address of its own: calls for two fields are two calls, in ledger, cache and journal.
        apart = Place("", tail=False)
        rules = {path: Rule(rule, rule.compile(apart), rule.sorter(apart)) for path, rule in self._all}

        async def combine(frame: Frame, question: Any, ballots: Sequence[Ballot[Any]]) -> Decision:
            voices = [Voice(i, b.member, b.value, b.weight) for i, b in enumerate(ballots) if b.valid]
            walk = Walk(rules, dict(self.rows), self.none, self.exact, frame, question, place.path)
            tree = await walk.top(voices)
            return _decided(walk, tree, ballots, voices)

        return combine


def _checked(member: Chain[Any, Any], paths: Sequence[str]) -> None:
    """Raise where a member gives no fields, or has none of that name."""
    from chainkit.models.reply import Reply

    kind = member.out_type
    if kind in (Reply, str, int, float, bool):
        msg = f"`{member.label}` gives {kind.__name__}, which has no fields to vote on"
        raise CompositionError(msg, cure="ask for a structured value: model(..., output=Invoice)")
    names = _names(kind)
    for path in paths:
        first = path.split(".")[0]
        if names and first not in names:
            msg = f"fields() has a rule for {path!r}, and {kind.__name__} has no field {first!r}"
            raise CompositionError(msg, cure=did_you_mean(first, names) or f"its fields: {', '.join(names)}")


def _names(kind: Any) -> list[str]:
    if not isinstance(kind, type) or getattr(kind, "model_config", {}).get("extra") == "allow":
        return []
    known = getattr(kind, "model_fields", None)
    if known is not None:
        return list(known)
    structured = hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__total__")
    return list(get_type_hints(kind)) if structured else []


def _decided(walk: Walk, tree: Any, ballots: Sequence[Ballot[Any]], voices: Sequence[Voice]) -> Decision:
    reason = None
    try:
        value = built(tree)
    except Exception as error:
        # The type's own validator may raise anything.
        best = walk.most_like(voices)
        value, said = best.value, (str(error).splitlines() or [""])[0]
        kind = type(value).__name__
        reason = f"voted field by field it is no valid {kind} ({said}): the whole answer of {best.member} was taken"
    found = walk.found
    share = math.fsum(f.agreement for f in found.values()) / len(found) if found else 1.0
    groups = _groups(value, canonical(value, exact=walk.exact), ballots)
    return Decision(value, groups, reason, share=share, fields=found)


def _groups(value: Any, key: Any, ballots: Sequence[Ballot[Any]]) -> tuple[Group[Any], ...]:
    same = [b for b in ballots if b.valid and b.key == key]
    first = Group(value, tuple(b.member for b in same), total([b.weight for b in same]))
    return (first, *by_weight([b for b in ballots if b.key != key]))


def fields(
    rules: Mapping[str, Any] | None = None,
    *,
    default: Any = None,
    rows: Mapping[str, str] | None = None,
    none: Nones = "vote",
    exact: bool = False,
    weights: Sequence[float] | None = None,
) -> Fields[object]:
    """Vote on pydantic models, dataclasses, TypedDicts or dicts field by field; the value is of the members' type.

    `rules` says by what a field is decided, by dotted path ("address.city"; "lines.price" in a list of objects):
    any combiner, or a function of the list of values. The others go by `default`, else by a vote, sets by majority
    of each element, objects field by field. A list of objects is taken row by row among those of the commonest
    length; `rows={"lines": "sku"}` says by which field its rows belong together, and keeps those that more than
    half name. `none`: whether None is a vote, or abstains. `exact`: text is compared as it is.

    Neither order of members nor of fields changes the value: a tie goes to what is first in the alphabet of the
    canonical forms. Agreement is the mean of the fields'; `verdict.fields` has each with its dissent. Where the
    fields together break the type's own validation, the whole answer that has the most of them is taken, and the
    reason says so.
    """
    if none not in ("vote", "abstain"):
        msg = f'fields(none={none!r}) is "vote" or "abstain"'
        raise CompositionError(msg)
    ruled = tuple(sorted(((path, as_combiner(rule)) for path, rule in (rules or {}).items()), key=lambda r: r[0]))
    found = None if weights is None else tuple(float(w) for w in weights)
    if found is not None and not all(0 <= w < math.inf for w in found):
        msg = f"a weight is finite and not negative: {found}"
        raise ValueError(msg)
    otherwise = None if default is None else as_combiner(default)
    return Fields(ruled, otherwise, tuple(sorted((rows or {}).items())), none, exact, found)

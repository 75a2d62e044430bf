"""The way through a structured value: down to each field, a decision there, and the whole again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from chainkit.ensembles.canonical import canonical, ordering, spelling
from chainkit.ensembles.combine import Combine, Combining, Decision, Sorter
from chainkit.ensembles.lists import Union
from chainkit.ensembles.taken_apart import parts_of, put_together
from chainkit.ensembles.verdict import Ballot, FieldVerdict, Group, total
from chainkit.ensembles.vote import Vote
from chainkit.place import Place

if TYPE_CHECKING:
    from chainkit.run.frame import Frame


@dataclass(frozen=True)
class Rule:
    """A combiner as compiled."""

    by: Combining
    combine: Combine
    sort: Sorter | None = None


def _plain(by: Combining) -> Rule:
    return Rule(by, by.compile(Place()))


_VOTE = _plain(Vote[Any]())
_SET = _plain(Union("half"))


@dataclass(frozen=True)
class Voice:
    """What one member says at a place."""

    index: int
    member: str
    value: Any
    weight: float


@dataclass(frozen=True)
class Made:
    """An object to be put together: its type, its fields, and the members' own objects."""

    kind: type[Any]
    parts: Mapping[str, Any]
    sources: Sequence[Any]


@dataclass
class Walk:
    """One way through the values of all members. `found` is what became of each field."""

    rules: Mapping[str, Rule]
    rows: Mapping[str, str]
    none: str
    exact: bool
    frame: Frame
    question: Any
    place: str = ""
    found: dict[str, FieldVerdict] = field(default_factory=dict[str, FieldVerdict])
    like: Counter[int] = field(default_factory=Counter[int])

    async def top(self, voices: Sequence[Voice]) -> Any:
        """What is decided of the whole."""
        return await self._object("", "", self._sorted(voices))

    def most_like(self, voices: Sequence[Voice]) -> Voice:
        """The member whose fields are most often those that were decided."""
        return max(self._sorted(voices), key=lambda v: self.like[v.index])

    async def _at(self, path: str, name: str, voices: Sequence[Voice]) -> Any:
        """What is decided at a path; `name` is the path without the numbers of rows."""
        given = [v for v in voices if v.value is not None]
        ruled = name in self.rules
        if not given or (self.none == "vote" and _weight(given) * 2 < _weight(voices) and self._deep(name, given)):
            return self._nothing(path, voices)
        if not ruled and all(parts_of(v.value) is not None for v in given):
            made = await self._object(path, name, given)
            self._left_out(path, made, given, voices)
            return made
        if not ruled and _are_rows([v.value for v in given]):
            made = await self._rows(path, name, given)
            self._left_out(path, made, given, voices)
            return made
        return await self._leaf(path, self._rule(name, given), voices)

    def _deep(self, name: str, given: Sequence[Voice]) -> bool:
        """Whether None is decided before the rest: everywhere but where it is one of the values voted on."""
        return not _votes(self._rule(name, given).by) or any(
            parts_of(v.value) is not None or _are_rows([v.value]) for v in given
        )

    def _rule(self, name: str, given: Sequence[Voice]) -> Rule:
        if name in self.rules:
            return self.rules[name]
        if given and all(isinstance(v.value, AbstractSet) for v in given):
            return _SET
        return self.rules.get("default", _VOTE)

    def _nothing(self, path: str, voices: Sequence[Voice]) -> None:
        # Those that said None, and those that said something else.
        silent = [v for v in voices if v.value is None]
        others = [v for v in voices if v.value is not None]
        groups = (_group(None, silent), *(_group(v.value, [v]) for v in others))
        self._note(path, FieldVerdict(None, _share(silent, voices), groups), voices)

    def _left_out(self, path: str, made: Any, given: Sequence[Voice], voices: Sequence[Voice]) -> None:
        if self.none == "vote" and len(given) < len(voices):
            silent = [v for v in voices if v.value is None]
            groups = (_group("given", given), _group(None, silent))
            self.found[path] = FieldVerdict("given", _share(given, voices), groups)

    async def _object(self, path: str, name: str, voices: Sequence[Voice]) -> Made:
        taken = [(v, parts_of(v.value) or {}) for v in voices]
        parts: dict[str, Any] = {}
        for part in sorted({n for _, p in taken for n in p}):
            under = [replace(v, value=p.get(part)) for v, p in taken]
            value = await self._at(_join(path, part), _join(name, part), self._sorted(under))
            if value is not None or any(part in p and p[part] is None for _, p in taken):
                parts[part] = value
        return Made(_kind([v.value for v in voices]), parts, [v.value for v in voices])

    async def _rows(self, path: str, name: str, voices: Sequence[Voice]) -> Any:
        if name in self.rows:
            return await self._matched(path, name, voices, self.rows[name])
        sizes = {len(v.value) for v in voices}
        size = max(sizes, key=lambda n: (_weight([v for v in voices if len(v.value) == n]), -n))
        inside = [v for v in voices if len(v.value) == size]
        if len(sizes) > 1:
            others = [_group(v.value, [v]) for v in voices if v not in inside]
            groups = (_group(f"{size} rows", inside), *others)
            self.found[path] = FieldVerdict(f"{size} rows", _share(inside, voices), groups)
        under = [self._sorted([replace(v, value=v.value[i]) for v in inside]) for i in range(size)]
        return [await self._at(_join(path, str(i)), name, row) for i, row in enumerate(under)]

    async def _matched(self, path: str, name: str, voices: Sequence[Voice], by: str) -> list[Any]:
        """Rows that belong together by a field of theirs: those that more than half of the weight names."""
        rows: dict[Any, list[tuple[int, Voice]]] = {}
        for voice in voices:
            seen: set[Any] = set()
            for at, row in enumerate(voice.value):
                key = canonical((parts_of(row) or {}).get(by), exact=self.exact)
                if key not in seen:
                    seen.add(key)
                    rows.setdefault(key, []).append((at, replace(voice, value=row)))
        ranked = sorted(rows, key=lambda k: (Fraction(sum(at for at, _ in rows[k]), len(rows[k])), ordering(k)))
        made: list[Any] = []
        for key in ranked:
            said = self._sorted([v for _, v in rows[key]])
            one = (parts_of(said[0].value) or {}).get(by)
            kept = _weight(said) * 2 > _weight(voices)
            if len(said) < len(voices):
                rest = [v for v in voices if v.index not in {s.index for s in said}]
                self._row(_join(path, str(one)), kept, said, rest)
            if kept:
                made.append(await self._at(_join(path, str(one)), name, said))
        return made

    def _row(self, path: str, kept: bool, named: Sequence[Voice], rest: Sequence[Voice]) -> None:
        sides = (_group("a row", named), _group("no row", rest))
        first, second = sides if kept else sides[::-1]
        whole = first.weight + second.weight
        self.found[path] = FieldVerdict(first.value, first.weight / whole if whole else 0.0, (first, second))

    async def _leaf(self, path: str, rule: Rule, voices: Sequence[Voice]) -> Any:
        ballots = [self._ballot(v, rule.by) for v in voices]
        note = None
        if not any(b.valid for b in ballots):
            note = f"decided by a vote, as for `{rule.by.word}` there was {ballots[0].abstained}"
            rule = _VOTE
            ballots = [self._ballot(v, rule.by) for v in voices]
        frame = self._frame(path)
        if rule.sort is not None:
            for i, ballot in enumerate(ballots):
                if ballot.valid:
                    landed = [b if j <= i else replace(b, cancelled=True) for j, b in enumerate(ballots)]
                    ballots[i] = replace(ballot, key=await rule.sort(frame, self.question, landed, i))
        decision: Decision = await rule.combine(frame, self.question, ballots)
        reason = note or decision.reason
        self._note(path, FieldVerdict(decision.value, decision.agreement, decision.groups, reason), voices)
        return decision.value

    def _frame(self, path: str) -> Frame:
        where = " > ".join(p for p in (self.place, path) if p)
        return self.frame.quiet().child(prefix=f"{self.frame.prefix}{where} > ")

    def _ballot(self, voice: Voice, by: Combining) -> Ballot[Any]:
        weight = voice.weight * by.weight(voice.index)
        nothing = voice.value is None and (self.none == "abstain" or not _votes(by))
        why = "nothing" if nothing else by.abstains(voice.value)
        if why is not None:
            return Ballot(voice.member, voice.value, abstained=why, weight=weight)
        return Ballot(voice.member, voice.value, weight=weight, key=self._key(voice.value, by))

    def _key(self, value: Any, by: Combining) -> Any:
        if not _votes(by):
            return by.key(value)
        apply: Any = getattr(by, "by", None)
        return canonical(value if apply is None else apply(value), exact=self.exact)

    def _note(self, path: str, verdict: FieldVerdict, voices: Sequence[Voice]) -> None:
        self.found[path] = verdict
        key = canonical(verdict.value, exact=self.exact)
        self.like.update(v.index for v in voices if canonical(v.value, exact=self.exact) == key)

    def _sorted(self, voices: Sequence[Voice]) -> list[Voice]:
        """In an order that the members' own does not change: by meaning, then the spelling that most use."""
        keyed = [(ordering(canonical(v.value)), spelling(v.value), v) for v in voices]
        often = Counter(spelled for _, spelled, _ in keyed)
        return [v for *_, v in sorted(keyed, key=lambda k: (k[0], -often[k[1]], k[1]))]


def built(tree: Any) -> Any:
    """The value of what was decided. Raises what a type's own validation raises."""
    if isinstance(tree, list):
        return [built(t) for t in tree]  # pyright: ignore
    if not isinstance(tree, Made):
        return tree
    parts = {name: built(part) for name, part in tree.parts.items()}
    # Where it is one member's whole answer, that is taken as it is, and nothing is validated twice.
    same = next((s for s in tree.sources if type(s) is tree.kind and parts_of(s) == parts), None)
    return put_together(tree.kind, parts) if same is None else same


def _votes(by: Combining) -> bool:
    return isinstance(by, Vote)


def _kind(values: Sequence[Any]) -> type[Any]:
    types: list[type[Any]] = [type(v) for v in values]
    kinds = Counter(types)
    return min(kinds, key=lambda k: (-kinds[k], k.__qualname__))


def _are_rows(values: Sequence[Any]) -> bool:
    lists = all(isinstance(v, list) for v in values)
    return lists and any(values) and all(parts_of(row) is not None for v in values for row in v)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _weight(voices: Sequence[Voice]) -> float:
    return total([v.weight for v in voices])


def _share(some: Sequence[Voice], of: Sequence[Voice]) -> float:
    whole = _weight(of)
    return _weight(some) / whole if whole else 0.0


def _group(value: Any, voices: Sequence[Voice]) -> Group[Any]:
    return Group(value, tuple(v.member for v in voices), _weight(voices))

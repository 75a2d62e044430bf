"""Which chunks a search may find: a filter on metadata, read into a condition that every store understands.

    {"language": "de", "year": {"$gte": 2020}, "$or": [{"kind": "faq"}, {"tags": "urgent"}]}

The names of the operators are those that vector stores share: `$eq $ne $gt $gte $lt $lte $in $nin $exists $and $or $not`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from chainkit.errors import CompositionError, did_you_mean

Where: TypeAlias = Mapping[str, Any]
"""A filter as users write it."""


@dataclass(frozen=True, slots=True)
class Test:
    """One field against one value. `op` is eq, gt, gte, lt, lte, in (the value is a tuple) or exists.

    A field that holds a list passes `eq` and `in` where one of its items does. A field that is missing, or of another
    type than the value, passes nothing. Numbers compare with numbers, texts with texts; True is no 1.
    """

    __test__ = False

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class All:
    """Every part must pass."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One part must pass."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part must not pass."""

    part: Condition


Condition: TypeAlias = Test | All | Either | Not
"""A filter as stores read it."""

_OPS = ("$eq", "$gt", "$gte", "$lt", "$lte", "$in", "$exists")
_DENIED = {"$ne": "eq", "$nin": "in"}
_KNOWN = [*_OPS, *_DENIED, "$and", "$or", "$not"]


def condition(where: Where | None) -> Condition | None:
    """A filter, read. Raises CompositionError for an unknown operator, or a value that cannot be compared."""
    if not where:
        return None
    return _all([_pair(name, value) for name, value in where.items()])


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _pair(name: str, value: Any) -> Condition:
    if name in ("$and", "$or"):
        parts = tuple(_inner(name, v) for v in _listed(name, value))
        return All(parts) if name == "$and" else Either(parts)
    if name == "$not":
        return Not(_inner(name, value))
    if name.startswith("$"):
        raise _unknown(name)
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        if not held:
            raise CompositionError(f"the filter on {name!r} is empty", cure="give a value, or an operator with one")
        return _all([_operator(name, op, v) for op, v in held.items()])
    return Test(name, "eq", _plain(name, value))


def _inner(name: str, value: Any) -> Condition:
    found = condition(cast("Where", value)) if isinstance(value, Mapping) else None
    if found is None:
        raise CompositionError(f"{name} holds filters, and got {value!r:.60}")
    return found


def _operator(name: str, op: str, value: Any) -> Condition:
    if op == "$not":
        return Not(_pair(name, value))
    if op in _DENIED:
        return Not(_operator(name, f"${_DENIED[op]}", value))
    if op not in _OPS:
        raise _unknown(op)
    if op == "$in":
        return Test(name, "in", tuple(_plain(name, v) for v in _listed(op, value)))
    return Test(name, op[1:], bool(value) if op == "$exists" else _plain(name, value))


def _listed(name: str, value: Any) -> list[Any]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence | set | frozenset) or not value:
        raise CompositionError(f"{name} takes a list that is not empty, and got {value!r:.60}")
    return list(cast("Sequence[Any]", value))


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    msg = f"the filter on {name!r} compares with {type(value).__name__}: {value!r:.60}"
    raise CompositionError(msg, cure="texts, numbers, True and False, and dates can be compared")


def _unknown(op: str) -> CompositionError:
    return CompositionError(f"a filter has no operator {op!r}", cure=did_you_mean(op, _KNOWN) or ", ".join(_KNOWN))


def matches(wanted: Condition | None, metadata: Mapping[str, Any]) -> bool:
    """Whether metadata passes: what stores without filters of their own go by."""
    match wanted:
        case None:
            return True
        case All(parts):
            return all(matches(p, metadata) for p in parts)
        case Either(parts):
            return any(matches(p, metadata) for p in parts)
        case Not(part):
            return not matches(part, metadata)
        case Test(field, op, value):
            return _passes(metadata.get(field), op, value)


def _passes(held: Any, op: str, value: Any) -> bool:
    if op == "exists":
        return (held is not None) is value
    if op in ("eq", "in"):
        wanted = value if op == "in" else (value,)
        items = cast("Sequence[Any]", held) if isinstance(held, list | tuple) else (held,)
        return any(_alike(i, w) and i == w for i in items for w in wanted)
    return _alike(held, value) and _COMPARE[op](held, value)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def _alike(held: Any, value: Any) -> bool:
    """Whether the two can be compared: both texts, both truths, or both numbers."""
    if isinstance(held, bool) or isinstance(value, bool):
        return isinstance(held, bool) and isinstance(value, bool)
    if isinstance(held, str) or isinstance(value, str):
        return isinstance(held, str) and isinstance(value, str)
    return isinstance(held, int | float) and isinstance(value, int | float)

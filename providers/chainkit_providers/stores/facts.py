"""Metadata as words, for engines whose own filters mean something else by types, lists and what is missing.

Every value becomes a fact: a short text that says the field, the type and the value. A filter is then a question which
facts a row has, and any engine that finds exact words can answer it. What compares (`$gt`) is decided by looking at the
facts that exist, of which there are as many as the field has different values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias, cast

from chainkit.retrieval.filters import All, Condition, Either, Not, Test, matches

_LONGEST = 200
"""Characters of a text that stand in its fact; a longer one ends with a sum of the whole."""


@dataclass(frozen=True, slots=True)
class Holds:
    """One of these facts must be there; of none, nothing passes."""

    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """All of these must pass."""

    parts: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of these must pass."""

    parts: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """This must not pass."""

    part: Asked


Asked: TypeAlias = Holds | Every | Some | Without
"""A filter as a question about facts."""

Known: TypeAlias = Callable[[str], Iterable[str]]
"""The facts of a store that begin so (it may give others too)."""


def facts(metadata: Mapping[str, Any]) -> list[str]:
    """What is known, each as a word of its own."""
    return list(dict.fromkeys(_facts(metadata)))


def _facts(metadata: Mapping[str, Any]) -> Iterator[str]:
    for field, value in metadata.items():
        if value is None:
            continue
        yield _fact("there", field)
        if isinstance(value, list | tuple):
            for item in cast("list[Any]", value):
                yield from _valued("item", field, item)
        else:
            yield from _valued("is", field, value)


def _valued(how: str, field: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield _fact(how, field, "b", str(value))
    elif isinstance(value, str):
        yield _fact(how, field, "s", _short(value))
    elif isinstance(value, int | float) and not math.isnan(value):
        yield _fact(how, field, "n", _number(value))


def _fact(how: str, field: str, kind: str = "", value: str = "") -> str:
    # The length in front: no field's name can look like another's name and value.
    made = f"{how}:{len(field)}:{field}:{kind}{value}"
    return made if made.isascii() else made.encode("utf-8", "backslashreplace").decode()


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return text[:_LONGEST] + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _number(value: float) -> str:
    """One text for equal numbers: 2024 and 2024.0 are the same."""
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)


def asked(where: Condition, known: Known) -> Asked:
    """A filter as a question about facts."""
    match where:
        case All(parts):
            return Every(tuple(asked(p, known) for p in parts))
        case Either(parts):
            return Some(tuple(asked(p, known) for p in parts))
        case Not(part):
            return Without(asked(part, known))
        case Test(field, "exists", value):
            there = Holds((_fact("there", field),))
            return there if value else Without(there)
        case Test(field, "eq" | "in" as op, value):
            wanted = value if op == "in" else (value,)
            return Holds(tuple(f for w in wanted for how in ("is", "item") for f in _valued(how, field, w)))
        case Test(field):
            return Holds(tuple(_comparing(where, field, known)))


def _comparing(test: Test, field: str, known: Known) -> Iterator[str]:
    kind = "s" if isinstance(test.value, str) else "b" if isinstance(test.value, bool) else "n"
    start = _fact("is", field, kind)
    for fact in known(start):
        if fact.startswith(start) and matches(test, {field: _read(kind, fact[len(start) :])}):
            yield fact


def _read(kind: str, value: str) -> Any:
    if kind == "n":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return value == "True" if kind == "b" else value

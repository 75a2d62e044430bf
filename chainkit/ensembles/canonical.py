"""Canonical forms: in which two values are the same if they mean the same. Hashable, and ordered by `ordering`."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

from chainkit.ensembles.combine import normal
from chainkit.ensembles.taken_apart import parts_of


def canonical(value: Any, *, exact: bool = False) -> Any:
    """The form in which values of fields are compared.

    Text without case, spacing and end marks, accents kept (with `exact` as it is); numbers by their value, whatever
    their type; times in UTC; an enum by its value; sets and mappings without order; objects by their fields.
    """
    value = getattr(value, "compared", value)
    parts = parts_of(value)
    value = getattr(value, "text", value) if parts is None else parts
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return ("text", value if exact else normal(unicodedata.normalize("NFC", value)))
    if value is None or isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, dt.date | dt.time):
        return ("time", _moment(value))
    return _whole(value, exact)


def _number(value: float | Decimal) -> Any:
    try:
        return ("number", Fraction(str(value)))
    except ValueError:  # nan and infinities
        return ("number", str(value).lower())


def _moment(value: dt.date | dt.time) -> str:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    return value.isoformat()


def _whole(value: Any, exact: bool) -> Any:
    if isinstance(value, Mapping):
        # A field that is None says the same as one that is left out.
        items = [(str(k), canonical(v, exact=exact)) for k, v in value.items() if v is not None]  # pyright: ignore
        return ("object", tuple(sorted(items, key=ordering)))
    if isinstance(value, AbstractSet):
        return ("set", tuple(sorted({canonical(v, exact=exact) for v in value}, key=ordering)))  # pyright: ignore
    if isinstance(value, list | tuple):
        return ("list", tuple(canonical(v, exact=exact) for v in value))  # pyright: ignore
    return ("other", normal(value))


def spelling(value: Any) -> str:
    """A value as it is written, with the types of all that is in it: tells 1 from 1.0, and "Paris" from "paris"."""
    parts = parts_of(value)
    held: Any = value if parts is None else list(parts.items())
    kind = type(value).__name__
    if isinstance(held, AbstractSet | list | tuple):
        items = [spelling(v) for v in held]  # pyright: ignore[reportUnknownVariableType]
        return f"{kind}{sorted(items) if parts is not None or isinstance(held, AbstractSet) else items}"
    plain = isinstance(value, str | int | float | Decimal | dt.date | dt.time | None)
    return f"{kind} {value!r}" if plain else f"{kind} {ordering(canonical(value, exact=True))}"


def ordering(key: Any) -> str:
    """What sorts canonical forms of any kinds."""
    return repr(key)

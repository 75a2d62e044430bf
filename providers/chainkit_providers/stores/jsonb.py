"""A condition on metadata as SQL over a column of jsonb."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, LiteralString

from chainkit.retrieval.filters import All, Condition, Either, Not, Test

_COMPARE: dict[str, LiteralString] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def sql(wanted: Condition | None) -> tuple[LiteralString, list[Any]]:
    """(expression over `c.metadata`, its values)."""
    match wanted:
        case None:
            return "true", []
        case All(parts):
            return _joined(parts, " and ")
        case Either(parts):
            return _joined(parts, " or ")
        case Not(part):
            inner, values = sql(part)
            return "not (" + inner + ")", values
        case Test(field, "exists", value):
            there: LiteralString = "(coalesce(jsonb_typeof(c.metadata -> %s), 'null') <> 'null')"
            return (there if value else "not " + there), [field]
        case Test(field, op, value) if op in _COMPARE:
            return _SCALARS[_kind(value)] + _COMPARE[op] + " %s else false end)", [field, field, value]
        case Test(field, op, value):
            return _among(field, value if op == "in" else (value,))


def _joined(parts: Sequence[Condition], word: LiteralString) -> tuple[LiteralString, list[Any]]:
    made = [sql(p) for p in parts]
    return "(" + word.join(text for text, _ in made) + ")", [v for _, values in made for v in values]


def _among(field: str, values: Sequence[Any]) -> tuple[LiteralString, list[Any]]:
    """Whether the field is one of the values, or is a list that holds one. A list holds what stands in it by `@>`."""
    one: LiteralString = "coalesce(c.metadata -> %s @> %s::jsonb and jsonb_typeof(c.metadata -> %s) <> 'object', false)"
    return "(" + " or ".join(one for _ in values) + ")", [
        x for v in values for x in (field, json.dumps(v, ensure_ascii=False), field)
    ]


# `case` looks first: what is of another type cannot be cast.
_SCALARS: dict[str, LiteralString] = {
    "boolean": "(case when jsonb_typeof(c.metadata -> %s) = 'boolean' then (c.metadata ->> %s)::boolean ",
    "string": "(case when jsonb_typeof(c.metadata -> %s) = 'string' then (c.metadata ->> %s) collate \"C\" ",
    "number": "(case when jsonb_typeof(c.metadata -> %s) = 'number' then (c.metadata ->> %s)::numeric ",
}


def _kind(value: Any) -> str:
    return "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"

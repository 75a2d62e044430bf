"""A condition on metadata as SQL over a column of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainkit.errors import CompositionError
from chainkit.retrieval.filters import All, Condition, Either, Not, Test

_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_NUMBER = "('integer', 'real')"


def sql(wanted: Condition | None, column: str) -> tuple[str, list[Any]]:
    """(expression, its values): true where the JSON of the column passes."""
    match wanted:
        case None:
            return "1", []
        case All(parts):
            return _joined(parts, " and ", column)
        case Either(parts):
            return _joined(parts, " or ", column)
        case Not(part):
            inner, values = sql(part, column)
            return f"not ({inner})", values
        case Test(field, "exists", value):
            there = f"coalesce(json_type({column}, ?), 'null') <> 'null'"
            return there if value else f"not ({there})", [_path(field)]
        case Test(field, op, value) if op in _COMPARE:
            kept = f"coalesce(json_type({column}, ?) in {_types(value)}, 0)"
            return f"({kept} and json_extract({column}, ?) {_COMPARE[op]} ?)", [_path(field), _path(field), value]
        case Test(field, op, value):
            return _among(field, value if op == "in" else (value,), column)


def _joined(parts: Sequence[Condition], word: str, column: str) -> tuple[str, list[Any]]:
    made = [sql(p, column) for p in parts]
    return "(" + word.join(text for text, _ in made) + ")", [v for _, values in made for v in values]


def _among(field: str, values: Sequence[Any], column: str) -> tuple[str, list[Any]]:
    """Whether the field, or an item of its list, is one of the values."""
    alike = " or ".join(f"(e.type in {_types(v)} and e.value = ?)" for v in values)
    found = f"exists (select 1 from json_each({column}, ?) e where {alike})"
    single = f"coalesce(json_type({column}, ?), 'null') not in ('object', 'null')"
    return f"({single} and {found})", [_path(field), _path(field), *values]


def _types(value: Any) -> str:
    if isinstance(value, bool):
        return "('true', 'false')"
    return "('text')" if isinstance(value, str) else _NUMBER


def _path(field: str) -> str:
    if '"' in field:
        raise CompositionError(f"a filter's field cannot hold a quotation mark: {field!r}")
    return f'$."{field}"'

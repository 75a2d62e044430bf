"""Writes front matter as TOML. The standard library reads TOML and does not write it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from chainkit.errors import CompositionError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml(table: Mapping[str, Any]) -> str:
    """The entries, then each mapping as a table and each list of mappings as an array of tables."""
    lines = [f"{_key(k)} = {_value(v)}\n" for k, v in table.items() if not _is_table(v) and not _is_tables(v)]
    for key, value in table.items():
        if _is_table(value):
            lines.append(f"\n[{_key(key)}]\n" + _entries(value))
        elif _is_tables(value):
            lines.extend(f"\n[[{_key(key)}]]\n" + _entries(row) for row in value)
    return "".join(lines)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(map(_is_table, value))  # pyright: ignore[reportUnknownArgumentType]


def _entries(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key(k)} = {_value(v)}\n" for k, v in table.items())


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_value(v)}" for k, v in value.items()) + " }"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    msg = f"a prompt file cannot hold {value!r:.60}"
    raise CompositionError(msg, cure="texts, numbers, true, false, lists and tables")


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

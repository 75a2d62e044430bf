"""A chain's fingerprint: what tells the results of one chain from those of another."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

from chainkit.chain import Chain
from chainkit.compose.kinds import kind_of
from chainkit.errors import CompositionError
from chainkit.evaluate.plain import digest
from chainkit.retrieval.indexing import Index

_APART = frozenset({"account", "client", "api_key"})
"""Fields that hold who calls, not what is asked."""


def fingerprint(chain: Chain[Any, Any]) -> str:
    """A short name of what a chain does: its parts, models, options, prompts, documents, and the code of its functions.

    It is the same in every process with one version of Python. What a function reads from elsewhere is not in it.
    """
    return digest(_facts(chain))


def _facts(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, tuple | list):
        return [_facts(v) for v in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return {str(k): _facts(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, set | frozenset):
        return sorted((_facts(v) for v in cast("set[Any]", value)), key=repr)
    if isinstance(value, functools.partial):
        return ["partial", _facts(value.func), _facts(value.args), _facts(value.keywords)]
    if isinstance(value, types.FunctionType | types.MethodType):
        return _function(value)
    return _node(value)


def _node(value: Any) -> Any:
    name = f"{type(value).__module__}:{type(value).__qualname__}"
    kind = kind_of(value) if hasattr(value, "account") else None
    if isinstance(value, Index):
        return [name, getattr(value, "_size", None), sorted([d.id, digest(d.text)] for d in value)]
    if kind is not None and kind.to_data is not None:
        try:
            return [kind.name, kind.to_data(value)]
        except CompositionError:
            """It holds what has no name: its fields tell it as well."""
    if is_dataclass(value) and not isinstance(value, type):
        return [name, {f.name: _facts(getattr(value, f.name)) for f in fields(value) if f.name not in _APART}]
    if isinstance(value, type):
        return _type(value)
    shown = repr(value)
    return [name, "" if " at 0x" in shown else shown]


def _type(value: Any) -> Any:
    schema = getattr(value, "model_json_schema", None)
    return [value.__module__, value.__qualname__, schema() if schema is not None else None]


def _function(value: Any, around: tuple[Any, ...] = ()) -> Any:
    """A function's name, its code, and what it holds that does not change: a cache that it fills tells nothing."""
    held: list[Any] = []
    for cell in getattr(value, "__closure__", None) or ():
        found = _content(cell)
        if isinstance(found, str | int | float | tuple):
            held.append(_facts(cast("Any", found)))
        elif isinstance(found, types.FunctionType) and found is not value and found not in around:
            held.append(_function(found, (*around, value)))
    return [value.__module__, value.__qualname__, _code(getattr(value, "__code__", None)), held]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _code(code: Any) -> Any:
    if code is None:
        return None
    return [code.co_code.hex(), list(code.co_names), [_constant(c) for c in code.co_consts]]


def _constant(value: Any) -> Any:
    if isinstance(value, types.CodeType):
        return _code(value)
    # The order of a set's members differs from process to process.
    return sorted(map(repr, cast("frozenset[Any]", value))) if isinstance(value, frozenset) else repr(value)

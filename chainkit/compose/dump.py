"""A chain as plain data: JSON or YAML, without code and without secrets.

A node is `{"kind": ..., fields}`. Functions and classes are names, "module:qualname"; the loader supplies
what they mean. A lambda, a closure, a client or an unnamed object cannot be dumped: CompositionError says which.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from chainkit.chain import Chain
from chainkit.compose.kinds import KINDS, SCALARS, Kind, kind_of
from chainkit.errors import CompositionError
from chainkit.run.limits import Limit

VERSION = 1


def dump(chain: Chain[Any, Any]) -> dict[str, Any]:
    """The chain as data. Raises CompositionError naming what has no name."""
    return {"chainkit": VERSION, "chain": dumped(chain, chain.label)}


def dumped(chain: Any, where: str) -> dict[str, Any]:
    """One node (a chain or a combiner) as data."""
    kind = kind_of(chain)
    if kind is None:
        msg = f"`{where}` ({type(chain).__name__}) has no form as data"
        raise CompositionError(msg, cure="register it with chainkit.compose.kinds.register(...)")
    if kind.to_data is not None:
        return {"kind": kind.name, **kind.to_data(chain)}
    return {"kind": kind.name, **_fields(kind, chain, where)}


def _fields(kind: Kind, chain: Any, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(chain):
        value = getattr(chain, field.name)
        if field.name in kind.derived or (value == field.default and not isinstance(value, Chain)):
            continue
        found[field.name] = plain(value, f"{where}.{field.name}")
    return found


def plain(value: Any, where: str) -> Any:
    """A field's value as data."""
    if value is None or isinstance(value, str | bool | int | float):
        return value.value if isinstance(value, Enum) else value
    if kind_of(value) is not None:
        return dumped(value, getattr(value, "label", where) or where)
    if isinstance(value, tuple | list):
        items = [plain(v, f"{where}[{i}]") for i, v in enumerate(value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return {"list": items} if isinstance(value, list) else items  # what a chain holds itself is tuples
    if isinstance(value, Mapping):
        return {"mapping": {_key(k, where): plain(v, f"{where}.{k}") for k, v in value.items()}}  # pyright: ignore
    if isinstance(value, Limit):
        return {"limit": {"concurrency": value.concurrency, "per_minute": value.per_minute}}
    return spelled_type(value, where)


def _key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return key
    msg = f"`{where}` has the key {key!r:.60}, and data has only texts for keys"
    raise CompositionError(msg, cure="write the keys as strings")


def spelled_type(value: Any, where: str) -> Any:
    """A type or a function as data."""
    origin, args = get_origin(value), get_args(value)
    if origin is Literal:
        return {"literal": list(args)}
    if origin in (Union, types.UnionType):
        return {"union": [spelled_type(a, where) for a in args]}
    if origin in (list, dict, tuple, set):
        return {"generic": origin.__name__, "of": [spelled_type(a, where) for a in args]}
    if value in SCALARS.values():
        return {"type": next(n for n, t in SCALARS.items() if t is value)}
    if value is type(None):
        return {"type": "None"}
    if isinstance(value, type) or callable(value):
        return {"name": name_of(value, where)}
    msg = f"`{where}` is a {type(value).__name__}, which has no form as data"
    raise CompositionError(msg, cure="use plain values, named functions and classes")


def name_of(value: Callable[..., Any] | type, where: str) -> str:
    """The import path of a function or class: a name only, never code."""
    module, qualname = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not module or not qualname or "<" in qualname:
        msg = f"`{where}` is a lambda, a closure or an object without a name, and cannot be dumped"
        raise CompositionError(msg, cure="make it a function of a module, under a name")
    return f"{module}:{qualname}"


__all__ = ["KINDS", "dump", "dumped", "plain"]

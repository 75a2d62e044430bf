"""Can a value of one type ever be a value of another? Only a certain no is a no.

Silent on Any, object, type variables, protocols, hints that cannot be resolved, and on narrowing. No on
concrete classes without relation, disjoint Literals and Unions, and text where a mapping is wanted.
"""

from __future__ import annotations

import enum
import functools
import inspect
import types
import typing
from collections import abc
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_UNSAID = (Any, object, inspect.Parameter.empty)
_UNIONS = (Union, types.UnionType)
_CONCRETE = (str, bytes, int, float, bool, type(None), enum.Enum, list, dict, tuple, set, frozenset)
_CALLABLE: Any = abc.Callable
_TEXT = (str, bytes, bytearray)


def can_meet(given: Any, wanted: Any) -> bool:
    """False only where no value given could ever be one that is wanted."""
    try:
        if _text_of_reply(_plain(given), _plain(wanted)):
            return True
        return _judged(given, wanted)
    except Exception:
        return True


def common(wanted: list[Any]) -> Any:
    """The most telling of the types that one value must all have; None where no value can."""
    for i, a in enumerate(wanted):
        for b in wanted[i + 1 :]:
            if not (can_meet(a, b) or can_meet(b, a)):
                return None
    known = [w for w in wanted if not _unsaid(_plain(w))]
    if not known:
        return Any
    concrete = [w for w in known if get_origin(_plain(w)) not in _UNIONS]
    return (concrete or known)[0]


def spelled(kind: Any) -> str:
    """A type as a reader writes it."""
    if kind is None or kind is type(None):
        return "None"
    if get_origin(kind) in _UNIONS:
        return " | ".join(spelled(k) for k in get_args(kind))
    if isinstance(kind, type) and not get_args(kind):
        return kind.__name__
    return str(kind).replace("typing.", "").replace("collections.abc.", "").replace("chainkit.messages.", "")


def _judged(given: Any, wanted: Any) -> bool:
    try:
        return _cached(given, wanted)
    except TypeError:  # an unhashable form
        return _meet(given, wanted)


def _meet(given: Any, wanted: Any) -> bool:
    a, b = _plain(given), _plain(wanted)
    if _unsaid(a) or _unsaid(b) or a is b:
        return True
    for rule in (_unions, _literals, _typed_dicts):
        verdict = rule(a, b)
        if verdict is not None:
            return verdict
    return _classes(a, b)


_cached = functools.lru_cache(maxsize=4096)(_meet)


def _plain(kind: Any) -> Any:
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif isinstance(kind, NewType):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        else:
            return type(None) if kind is None else kind


def _unsaid(kind: Any) -> bool:
    return kind in _UNSAID or isinstance(kind, TypeVar | str | typing.ForwardRef)


def _text_of_reply(a: Any, b: Any) -> bool:
    """The one coercion at a join: a reply, or an answer like it, counts as its text where text is declared."""
    if b is not str:
        return False
    named = getattr(a, "__name__", "") == "Reply" and a.__module__ == "chainkit.models.reply"
    return named or getattr(a, "counts_as_text", False) is True


def _unions(a: Any, b: Any) -> bool | None:
    if get_origin(a) in _UNIONS:
        return any(can_meet(x, b) for x in get_args(a))
    if get_origin(b) in _UNIONS:
        # A reply becomes its text where `str` alone is declared; where more is declared it stays a reply.
        return any(can_meet(a, x) for x in get_args(b) if not _text_of_reply(a, x))
    return None


def _literals(a: Any, b: Any) -> bool | None:
    la, lb = get_origin(a) is Literal, get_origin(b) is Literal
    if la and lb:
        return bool(set(get_args(a)) & set(get_args(b)))
    if la:
        return any(can_meet(type(v), b) for v in get_args(a))
    if lb:
        return any(can_meet(a, type(v)) for v in get_args(b))
    return None


def _typed_dicts(a: Any, b: Any) -> bool | None:
    ta, tb = typing.is_typeddict(a), typing.is_typeddict(b)
    if ta and tb:
        ha, hb = get_type_hints(a), get_type_hints(b)
        return all(can_meet(ha[k], hb[k]) for k in ha.keys() & hb.keys())
    if ta:
        return can_meet(dict[str, Any], b)
    if tb:
        return can_meet(a, dict[str, Any])
    return None


def _classes(a: Any, b: Any) -> bool:
    ca, cb = get_origin(a) or a, get_origin(b) or b
    if not _both_classes(ca, cb) or _CALLABLE in (ca, cb):
        return True
    if getattr(ca, "_is_protocol", False) or getattr(cb, "_is_protocol", False):
        return True
    return _related(ca, cb) and _arguments(ca, cb, get_args(a), get_args(b))


def _both_classes(a: object, b: object) -> bool:
    return isinstance(a, type) and isinstance(b, type)


def _related(ca: Any, cb: Any) -> bool:
    if issubclass(ca, cb) or issubclass(cb, ca):
        return True
    if ca in (int, bool) and cb in (float, complex):
        return True  # the numeric tower of PEP 484
    if ca in _TEXT and cb in (abc.Sequence, abc.Iterable, abc.Collection):
        return True
    if issubclass(ca, _CONCRETE) or issubclass(cb, _CONCRETE):
        return False
    # Two classes could share a subclass. A user's own abstract class may be mixed in; plain data is not.
    own_abstract = any(inspect.isabstract(c) and c.__module__ != "collections.abc" for c in (ca, cb))
    return own_abstract or (inspect.isabstract(ca) and inspect.isabstract(cb))


def _arguments(ca: Any, cb: Any, xa: tuple[Any, ...], xb: tuple[Any, ...]) -> bool:
    if not xa or not xb:
        return True
    if ca is tuple and cb is tuple:
        if Ellipsis in xa or Ellipsis in xb:
            return can_meet(xa[0], xb[0])
        return len(xa) == len(xb) and all(map(can_meet, xa, xb))
    # An empty list belongs to list[int] and to list[str]; joining those is still never what was meant.
    alike = ca is cb or (issubclass(ca, abc.Collection) and issubclass(cb, abc.Collection))
    return not alike or len(xa) != len(xb) or all(map(can_meet, xa, xb))


def hints_of(function: Any) -> tuple[Any, Any]:
    """(input, output) of a function; Any for what is not written or cannot be resolved."""
    if inspect.isclass(function):
        return Any, function
    if isinstance(function, functools.partial):
        return Any, Any
    kind = cast("Any", type(function))
    call = function if inspect.isroutine(function) else getattr(kind, "__call__", function)  # noqa: B004
    try:
        hints = get_type_hints(call, include_extras=True)
        first = next(iter(inspect.signature(function).parameters), None)
    except Exception:
        return Any, Any
    gives = hints.get("return", Any)
    if get_origin(gives) in (abc.Awaitable, abc.Coroutine):
        gives = get_args(gives)[-1]
    return (hints.get(first, Any) if first else Any), gives

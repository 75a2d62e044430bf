"""What a type says of its values' fields, without pydantic unless the type is pydantic's own."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from chainkit.errors import PromptError


class _Unknown:
    """Nothing is known of the type: never a reason for an error."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()
_WRAPPERS = ("Required", "NotRequired", "ReadOnly")
_SCALARS = (str, int, float, bool)


def is_model(kind: Any) -> bool:
    """Whether it is a pydantic model class."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_fields")


def is_typed_dict(kind: Any) -> bool:
    """Whether it is a TypedDict, the standard library's or typing_extensions'."""
    return hasattr(kind, "__required_keys__") and dict in getattr(kind, "__mro__", ())


def fields_of(kind: Any) -> dict[str, Any] | None:
    """Each field's type, for a pydantic model, a dataclass, a TypedDict or a NamedTuple; else None."""
    if is_model(kind):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return {f.name: hints.get(f.name, Any) for f in dataclasses.fields(kind)}
    if is_typed_dict(kind) or _is_named_tuple(kind):
        return {name: _unwrapped(hint) for name, hint in _hints(kind).items()}
    return None


def _is_named_tuple(kind: Any) -> bool:
    return hasattr(kind, "_fields") and tuple in getattr(kind, "__mro__", ())


def _hints(kind: Any) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError as error:
        msg = f"the types of {kind.__name__}'s fields cannot be read: {error}"
        raise PromptError(
            msg,
            cure="define the types it names at the top of a module",
        ) from error


def optional_keys(kind: Any) -> set[str]:
    """The keys that a TypedDict may leave out; its own account is wrong where annotations are strings."""
    wrappers = {name: getattr(get_origin(hint), "_name", None) for name, hint in _hints(kind).items()}
    marked = {name for name, wrapper in wrappers.items() if wrapper == "NotRequired"}
    return marked | {n for n in kind.__optional_keys__ if wrappers.get(n) != "Required"}


def _unwrapped(hint: Any) -> Any:
    while getattr(get_origin(hint), "_name", None) in _WRAPPERS:
        hint = get_args(hint)[0]
    return hint


def plain_type(kind: Any) -> Any:
    """The type behind Annotated, NewType, a type alias and Optional; UNKNOWN for a wider union."""
    while True:
        if get_origin(kind) is typing.Annotated:
            kind = get_args(kind)[0]
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        elif get_origin(kind) in (Union, types.UnionType):
            some = [a for a in get_args(kind) if a is not type(None)]
            if len(some) != 1:
                return UNKNOWN
            kind = some[0]
        else:
            return kind


def element_of(kind: Any) -> Any:
    """The type of what iterating gives, where it is known."""
    kind = plain_type(kind)
    origin, args = get_origin(kind), get_args(kind)
    if not isinstance(origin, type) or not args or not issubclass(origin, Iterable):
        return UNKNOWN
    if origin is tuple:
        return args[0] if args[1:] == (Ellipsis,) else UNKNOWN
    return args[0]


def attribute_of(kind: Any, name: str) -> Any:
    """The type of `{{ value.name }}`, UNKNOWN, or None where such values have no such attribute."""
    kind = plain_type(kind)
    fields = fields_of(kind)
    if fields is not None:
        return fields[name] if name in fields else _other(kind, name)
    origin = get_origin(kind) or kind
    if not isinstance(origin, type):
        return UNKNOWN
    if issubclass(origin, Mapping):
        held = get_args(kind)[1:]
        return held[0] if held and not hasattr(origin, name) else UNKNOWN  # pyright: ignore[reportUnknownArgumentType]
    return None if origin in (*_SCALARS, list, tuple, set) and not hasattr(origin, name) else UNKNOWN


def _other(kind: type, name: str) -> Any:
    """A property, a method, or something that only exists at run time."""
    is_open = kind.model_config.get("extra") == "allow" if is_model(kind) else hasattr(kind, "__getattr__")  # type: ignore[attr-defined]
    return UNKNOWN if is_open or hasattr(kind, name) else None


def known_attributes(kind: Any) -> list[str]:
    """The names worth suggesting for a misspelt attribute."""
    kind = plain_type(kind)
    fields = fields_of(kind)
    return list(fields) if fields else [n for n in dir(get_origin(kind) or kind) if not n.startswith("_")]

"""Does a value fit its declared type? Scalars are compared here; pydantic is asked for everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias, get_args

from chainkit.errors import PromptError
from chainkit.messages import counted_text
from chainkit.prompts.words import shown

Fit: TypeAlias = Callable[[Any], Any]
"""Gives the value as its declared type, or raises ValueError that says why not."""

_ALWAYS = (Any, object)


def fit_for(name: str, kind: Any) -> Fit:
    """The check for a variable of that type; raises PromptError where values of it cannot be checked."""
    if kind is str:
        return _text
    if kind in _ALWAYS:
        return plain
    return _Adapted(name, kind)


def _text(value: Any) -> str:
    """Plain text: a subclass loses what it adds, a reply or a transcript counts as its text."""
    if isinstance(value, str):
        return str.__str__(value)
    text = counted_text(value)
    if text is None:
        raise ValueError
    return text


def plain(value: Any) -> Any:
    """A text without what its class adds to it; everything else as it is."""
    is_odd = isinstance(value, str) and type(value) is not str and not isinstance(value, Enum)
    return str.__str__(value) if is_odd else value


class _Adapted:
    """A pydantic TypeAdapter, made when the prompt is made and asked at each call."""

    __slots__ = ("_takes_text", "_validate")

    def __init__(self, name: str, kind: Any) -> None:
        self._validate = _validator(name, kind)
        self._takes_text = mentions_text(kind)

    def __call__(self, value: Any) -> Any:
        try:
            return self._validate(value)
        except ValueError:
            softer = with_texts(value) if self._takes_text else value
            if softer is value:
                raise
        return self._validate(softer)


def _validator(name: str, kind: Any) -> Fit:
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    try:
        return TypeAdapter(kind).validator.validate_python
    except PydanticSchemaGenerationError:
        pass
    except (PydanticUserError, NameError, TypeError) as error:
        raise _no_type(name, kind, error) from error
    try:
        return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True)).validator.validate_python
    except (PydanticSchemaGenerationError, PydanticUserError, NameError, TypeError) as error:
        raise _no_type(name, kind, error) from error


def _no_type(name: str, kind: Any, error: Exception) -> PromptError:
    return PromptError(
        f"variable {name!r}: values of {kind!r} cannot be checked: {str(error).splitlines()[0]}",
        cure=f"give a type such as {name}=str, or typing.Any",
    )


def mentions_text(kind: Any) -> bool:
    """Whether `str` stands anywhere in the type: then a reply inside a value counts as its text."""
    return kind is str or any(mentions_text(a) for a in get_args(kind))


def with_texts(value: Any) -> Any:
    """The value with replies replaced by their texts; the same object where there are none."""
    text = counted_text(value)
    if text is not None:
        return text
    if isinstance(value, (list, tuple)):
        items: list[Any] = [with_texts(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, Mapping):
        entries = {k: with_texts(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
        return entries if any(entries[k] is not v for k, v in value.items()) else value  # pyright: ignore[reportUnknownVariableType]
    return value


def misfit(name: str, kind: Any, value: Any, error: ValueError) -> PromptError:
    """The error for a value that does not fit: the variable, the wanted type, what came, and where inside."""
    inside = "".join(f"\n  {line}" for line in _details(error, name))
    return PromptError(f"variable {name!r} must be {shown(kind)}, got {came(value)}{inside}", cure=_cure(kind, value))


def _details(error: ValueError, name: str) -> list[str]:
    """What pydantic says beside "wrong type", which the error says itself."""
    errors = getattr(error, "errors", None)
    found: Any = errors(include_url=False, include_context=False, include_input=False) if callable(errors) else []
    said = ((_path(e["loc"], name), e) for e in found[:4])
    return [f"{path}: {e['msg']}" for path, e in said if path != name or not e["type"].endswith(("_type", "_parsing"))]


def _path(loc: tuple[str | int, ...], name: str) -> str:
    steps = loc[1:] if loc[:1] == (name,) else loc
    return name + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in steps)


def came(value: Any) -> str:
    """What a value is, in a few characters."""
    if value is None or isinstance(value, Enum):
        return repr(value)
    text = repr(value) if isinstance(value, (str, int, float, bool)) and len(str(value)) <= 60 else ""
    return f"{type(value).__name__} {text}".strip()


def _cure(kind: Any, value: Any) -> str | None:
    if kind is str and isinstance(value, (int, float)):
        return "str(value)"
    if kind is str and isinstance(value, (bytes, bytearray)):
        return "value.decode()"
    return "declare it as `... | None` where it may be missing" if value is None else None

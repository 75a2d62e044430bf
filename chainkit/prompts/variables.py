"""The variables of a prompt, as they are declared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainkit.errors import PromptError
from chainkit.prompts.fields import fields_of, is_model, is_typed_dict, optional_keys

_VALUES = (str, bytes, int, float, list, dict, tuple, set)


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared variable. `default` is MISSING where a call must give it; `optional`: it may stay unset."""

    name: str
    type: Any = str
    default: Any = MISSING
    description: str | None = None
    optional: bool = False


def declared_by(vars: Any) -> dict[str, Variable]:
    """The variables that a pydantic model, a dataclass or a TypedDict declares."""
    fields = fields_of(vars)
    if fields is None:
        msg = f"vars= takes a pydantic model, a dataclass or a TypedDict, got {came_type(vars)}"
        raise PromptError(msg, cure="for single variables give keywords: prompt(..., genre=str)")
    given = _given_by_itself(vars)
    return {name: Variable(name, kind, optional=name in given) for name, kind in fields.items()}


def came_type(value: Any) -> str:
    """A class by its name, anything else as it is written."""
    return value.__name__ if isinstance(value, type) else repr(value)


def _given_by_itself(vars: Any) -> set[str]:
    """The names that need not be given."""
    if is_model(vars):
        return {n for n, f in vars.model_fields.items() if not f.is_required()}
    if is_typed_dict(vars):
        return optional_keys(vars)
    default = dataclasses.MISSING
    fields = dataclasses.fields(vars)
    return {f.name for f in fields if not f.init or f.default is not default or f.default_factory is not default}


def declared_as(types: Mapping[str, Any]) -> tuple[Variable, ...]:
    """Variables from names and types; a value in a type's place is told apart."""
    for name, kind in types.items():
        if kind is None or issubclass(type(kind), _VALUES):
            word = "str" if kind is None else type(kind).__name__
            raise PromptError(
                f"variable {name!r} is declared by its type, got {kind!r:.80}",
                cure=f"{name}={word} here, and the value at the call",
            )
    return tuple(Variable(name, kind) for name, kind in types.items())

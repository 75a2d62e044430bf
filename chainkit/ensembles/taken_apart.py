"""A structured value as its fields, and fields as a value of the same type again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


def parts_of(value: Any) -> dict[str, Any] | None:
    """The fields of a pydantic model, a dataclass or a mapping by name; None where a value has none."""
    from chainkit.models.reply import Reply

    if isinstance(value, type | Reply):
        return None
    if isinstance(value, Mapping):
        return {str(k): v for k, v in value.items()}  # pyright: ignore
    kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
    model_fields = getattr(kind, "model_fields", None)
    if model_fields is not None:
        return {n: getattr(value, n) for n in model_fields} | (getattr(value, "model_extra", None) or {})
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    return None


def put_together(kind: type[Any], parts: Mapping[str, Any]) -> Any:
    """A value of that type with those fields. Raises what the type's own validation raises."""
    model_fields = getattr(kind, "model_fields", None)
    if model_fields is not None:
        named = {(_alias(model_fields[n]) or n) if n in model_fields else n: v for n, v in parts.items()}
        return kind.model_validate(named)
    return dict(parts) if issubclass(kind, Mapping) else kind(**parts)


def _alias(info: Any) -> str | None:
    for alias in (info.validation_alias, info.alias):
        if isinstance(alias, str):
            return alias
        choices = getattr(alias, "choices", None)
        if choices and isinstance(choices[0], str):
            return choices[0]
    return None

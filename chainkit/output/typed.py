"""Types through pydantic: an adapter that reads JSON, and the JSON schema that asks for it.

Imported only where an output type is compiled; it is what loads pydantic.
"""

from __future__ import annotations

import json
import re
import sys
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import typing_extensions
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import SchemaError, to_json

from chainkit.errors import CompositionError
from chainkit.output.problems import Misfit, from_pydantic, without_nulls

if TYPE_CHECKING:
    from collections.abc import Callable


_typed_dict: Any = typing_extensions.TypedDict
"""Called with fields that are only known at run time."""

USABLE = "a pydantic model, dataclass, TypedDict, Enum, Literal, list, dict, scalar or a union of these"


class _Schema(GenerateJsonSchema):
    """Pydantic's schema without the titles it makes from field names: every ask would pay for them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Typed:
    """A compiled type: `schema` asks for it, `read` and `read_wrapped` make it from JSON text."""

    def __init__(self, form: Any) -> None:
        self._adapter = _adapter(form)
        try:
            self.schema: dict[str, Any] = self._adapter.json_schema(schema_generator=_Schema)
        except PydanticUserError as e:
            raise not_an_output(form, e) from None
        self._form = form
        self._read: Callable[[str | bytes], Any] = self._adapter.validator.validate_json
        self._wrapper: TypeAdapter[Any] | None = None

    def read(self, text: str | bytes) -> Any:
        """The value that the JSON text holds. Raises Misfit."""
        try:
            return self._read(text)
        except ValidationError as e:
            return _second_look(e, text, self._read)

    def read_wrapped(self, text: str | bytes) -> Any:
        """The value under the one key `value`. Raises Misfit."""
        wrapper = self._wrapper or self._wrap()
        try:
            return wrapper.validator.validate_json(text)["value"]
        except ValidationError as e:
            return _second_look(e, text, wrapper.validator.validate_json)["value"]

    def _wrap(self) -> TypeAdapter[Any]:
        wrapped = _typed_dict("Wrapped", {"value": modern(self._form, {})})
        wrapped.__pydantic_config__ = ConfigDict(extra="forbid")
        self._wrapper = TypeAdapter(wrapped)
        return self._wrapper


def _second_look(error: ValidationError, text: str | bytes, read: Callable[[str | bytes], Any]) -> Any:
    """Why it failed; or the value after all, where a null only stood for a field left out."""
    if error.errors(include_url=False)[0]["type"] == "json_invalid":
        raise Misfit([], syntax=_syntax(error)) from None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as e:  # pydantic reads some text that json does not, as half a surrogate
        raise Misfit([], syntax=str(e)) from None
    problems = from_pydantic(error, document)
    lighter = without_nulls(document, problems)
    if lighter is not None:
        try:
            return read(to_json(lighter))
        except ValidationError:
            pass
    raise Misfit(problems) from None


def _syntax(error: ValidationError) -> str:
    return error.errors(include_url=False)[0]["msg"].removeprefix("Invalid JSON: ")


def _adapter(form: Any) -> TypeAdapter[Any]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(modern(form, {}))
    except (PydanticUserError, SchemaError, NameError, TypeError, KeyError) as e:
        raise not_an_output(form, e) from None
    return adapter


def not_an_output(form: Any, reason: Exception) -> CompositionError:
    """The error for something that no answer can be read into."""
    said = re.split(r"[.;]\s", str(reason), maxsplit=1)[0]
    return CompositionError(f"output={_named(form)} cannot be asked for: {said}", cure=_cure(form))


def _named(form: Any) -> str:
    text = form.__qualname__ if isinstance(form, type) else repr(form)
    return text if len(text) <= 80 else text[:80] + "…"


def _cure(form: object) -> str:
    if isinstance(form, list):
        return "write list[Item] for a list of items"
    if isinstance(form, str):
        return "give the type itself, not its name"
    if not isinstance(form, type) and hasattr(form, "__pydantic_validator__"):
        return f"give the class {type(form).__name__}, not an instance of it"
    return f"use {USABLE}, all names defined"


def modern(form: Any, seen: dict[Any, Any]) -> Any:
    """The form with each typing.TypedDict as one that pydantic reads; before Python 3.12 it refuses them."""
    if sys.version_info >= (3, 12):
        return form
    if typing.is_typeddict(form) and type(form).__module__ == "typing":
        return seen.get(form) or _modern_dict(form, seen)
    args = get_args(form)
    if not args or get_origin(form) is Literal or isinstance(form, type):
        return form
    fresh = tuple(modern(a, seen) for a in args)
    return form if all(a is b for a, b in zip(args, fresh, strict=True)) else _with_args(form, fresh)


def _with_args(form: Any, args: tuple[Any, ...]) -> Any:
    origin: Any = get_origin(form)
    if origin is Annotated:
        return cast("Any", Annotated)[(args[0], *form.__metadata__)]
    if origin is Union or origin is types.UnionType:
        return Union[args]  # noqa: UP007 - made at run time
    return origin[args]


def _modern_dict(form: Any, seen: dict[Any, Any]) -> Any:
    fresh = _typed_dict(form.__name__, {})
    seen[form] = fresh  # before its fields are looked at: it may hold itself
    for name in ("__doc__", "__module__", "__qualname__", "__pydantic_config__"):
        if hasattr(form, name):
            setattr(fresh, name, getattr(form, name))
    fields = {k: _field(k, v, form, seen) for k, v in get_type_hints(form, include_extras=True).items()}
    fresh.__annotations__ = fields
    optional = {k for k, v in fields.items() if get_origin(v) is typing.NotRequired}
    fresh.__required_keys__ = frozenset(fields.keys() - optional)
    fresh.__optional_keys__ = frozenset(optional)
    return fresh


def _field(key: str, hint: Any, form: Any, seen: dict[Any, Any]) -> Any:
    """A field's type, marked Required or NotRequired; a mark in the hint counts before the class's."""
    mark = get_origin(hint)
    inner = get_args(hint)[0] if mark in {typing.Required, typing.NotRequired} else hint
    if mark not in {typing.Required, typing.NotRequired}:
        mark = typing.Required if key in form.__required_keys__ else typing.NotRequired
    return cast("Any", mark)[modern(inner, seen)]

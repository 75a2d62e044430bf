"""What a function takes, as a model is told of it: a JSON schema from its annotations, words from its docstring."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, cast, get_origin, get_type_hints

from chainkit.errors import CompositionError
from chainkit.output.schema import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Signature:
    """A function's parameters: `shape` reads them out of JSON, `context` is the parameter that is injected.

    `first` are those that may only be given by their place.
    """

    name: str
    description: str
    shape: Shape[Any]
    first: tuple[str, ...] = ()
    context: str | None = None

    def called(self, function: Callable[..., Any], arguments: Mapping[str, Any], context: Any) -> partial[Any]:
        """The call that those arguments make, not done yet. Raises OutputError with every place that does not fit."""
        # What was not given is left to the function's own default, which need not be JSON.
        given = dict(self.shape.validate(dict(arguments)))
        if self.context is not None:
            given[self.context] = context
        first = [given.pop(n) for n in self.first if n in given]
        return partial(function, *first, **given)


def signature_of(function: Callable[..., Any], context_type: type, name: str | None, about: str | None) -> Signature:
    """A function as a tool is told of. Raises CompositionError for parameters that JSON cannot fill."""
    named = name or getattr(function, "__name__", None) or type(function).__name__
    told, words = _words(function)
    hints = _hints(function, named)
    fields: dict[str, Any] = {}
    first: list[str] = []
    context: str | None = None
    for at, parameter in enumerate(inspect.signature(function).parameters.values()):
        hint = hints.get(parameter.name, Any)
        if _is(hint, context_type):
            context = parameter.name
            continue
        fields[parameter.name] = _field(parameter, hint, words.get(parameter.name), named, at)
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            first.append(parameter.name)
    shape = _shape(named, fields)
    return Signature(named, about or told, shape, tuple(first), context)


def _is(hint: Any, context_type: type) -> bool:
    origin = get_origin(hint) or hint
    return isinstance(origin, type) and issubclass(origin, context_type)


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return get_type_hints(target, include_extras=True)
    except (NameError, TypeError) as error:
        msg = f"the annotations of tool {name!r} cannot be read: {error}"
        raise CompositionError(
            msg, cure="import the types where the function stands, not only for type checkers"
        ) from None


def _field(parameter: inspect.Parameter, hint: Any, words: str | None, tool: str, at: int) -> Any:
    """The field of the arguments' TypedDict that stands for a parameter."""
    from pydantic import Field

    from chainkit.output.typed import modern

    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        msg = f"tool {tool!r}: a model cannot fill {parameter}"
        raise CompositionError(msg, cure="name each parameter, or take one dict")
    if parameter.annotation is inspect.Parameter.empty:
        msg = f"tool {tool!r}: parameter {parameter.name!r} (number {at + 1}) has no type"
        raise CompositionError(msg, cure=f"annotate it: {parameter.name}: str")
    needed = parameter.default is inspect.Parameter.empty
    extra: dict[str, Any] = {} if needed or not _is_json(parameter.default) else {"default": parameter.default}
    said = None if _described(hint) else words
    hint = modern(hint, {})
    told = Annotated[hint, Field(description=said, json_schema_extra=extra or None)] if said or extra else hint
    return told if needed else cast("Any", NotRequired)[told]


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _described(hint: Any) -> bool:
    return any(getattr(m, "description", None) for m in getattr(hint, "__metadata__", ()))


def _shape(name: str, fields: dict[str, Any]) -> Shape[Any]:
    import typing_extensions
    from pydantic import ConfigDict

    # A TypedDict, and no model: its keys may have any name, `_x` and `copy` too.
    made: Any = cast("Any", typing_extensions.TypedDict)(name, fields)
    made.__pydantic_config__ = ConfigDict(extra="forbid")
    try:
        return shape_of(made)
    except CompositionError as error:
        msg = f"tool {name!r}: its parameters cannot be asked for: {error.message}"
        cure = "use types that JSON can hold, or ToolContext for what the model must not see"
        raise CompositionError(msg, cure=cure) from None


def _words(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The docstring's own words, and those for each parameter, in any of the usual forms."""
    text = inspect.getdoc(function) if inspect.isroutine(function) else inspect.getdoc(type(function).__call__)
    if not text:
        return "", {}
    from docstring_parser import parse

    read = parse(text)
    about = "\n\n".join(p for p in (read.short_description, read.long_description) if p)
    return about, {p.arg_name: p.description for p in read.params if p.description}

"""A type as something to ask a model for: its JSON schema, and the way back from JSON to a typed value."""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    overload,
)

from chainkit.output.problems import Misfit, output_error, unfit
from chainkit.output.references import hoisted
from chainkit.output.words import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeForm

    from chainkit.errors import OutputError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

KEPT = 1024
"""How many compiled types are kept; a program that makes types as it runs stays bounded."""

_shapes: dict[Any, Shape[Any]] = {}


class _Compiled(Protocol):
    """What `Typed` and `Plain` both are."""

    schema: dict[str, Any]

    def read(self, text: str | bytes) -> Any: ...

    def read_wrapped(self, text: str | bytes) -> Any: ...


class Shape(Generic[T_co]):
    """An output type, compiled: what to ask for, and how to read what comes. Made by `shape_of`.

    `json_schema` always asks for an object, as vendors want one at the root: a type that is none is
    `wrapped` as `{"value": ...}` and unwrapped when read. `bare_schema` is the type's own schema.
    `name` is fit for the wire: letters, digits, `_` and `-`, at most 64.
    """

    __slots__ = ("_compiled", "_read_bare", "_vocabulary", "bare_schema", "json_schema", "name", "output", "wrapped")

    def __init__(self, output: Any, compiled: _Compiled, name: str) -> None:
        self.output = output
        self.name = name
        self.bare_schema = hoisted(compiled.schema)
        self.wrapped = not _is_object(self.bare_schema)
        self.json_schema = _wrapped(self.bare_schema) if self.wrapped else self.bare_schema
        self._vocabulary: Vocabulary | None = None
        self._compiled = compiled
        self._read_bare: Callable[[str | bytes], Any] = compiled.read

    def validate_json(self, text: str | bytes, *, bare: bool = False) -> T_co:
        """The value in a text that is JSON and nothing else: in the form of `json_schema`, or of `bare_schema`.

        Raises OutputError with every place that does not fit.
        """
        try:
            return self.read(text, bare=bare)
        except Misfit as misfit:
            raise self.error(misfit, text) from None

    def validate(self, value: Any, *, bare: bool = False) -> T_co:
        """The value in JSON data as `json.loads` gives it. Raises OutputError."""
        try:
            text = json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError) as e:
            raise output_error(f"the answer is not JSON data: {e}", repr(value)) from None
        return self.validate_json(text, bare=bare)

    @property
    def vocabulary(self) -> Vocabulary:
        """What a bare word may be, in answers without JSON."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self.bare_schema)
        return self._vocabulary

    def read(self, text: str | bytes, *, bare: bool) -> T_co:
        """`validate_json` for this package: raises Misfit, which still knows bad JSON from the wrong JSON."""
        if bare or not self.wrapped:
            return cast("T_co", self._read_bare(text))
        return cast("T_co", self._compiled.read_wrapped(text))

    def error(self, misfit: Misfit, text: str | bytes) -> OutputError:
        """A Misfit as the error that users see."""
        raw = text if isinstance(text, str) else text.decode("utf-8", "replace")
        if misfit.syntax is not None:
            return output_error(f"the answer is not valid JSON: {misfit.syntax}", raw)
        return unfit(self.name, misfit.problems, raw)

    def __repr__(self) -> str:
        return f"Shape({self.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return shape_of, (self.output,)


@overload
def shape_of(output: type[T]) -> Shape[T]: ...
@overload
def shape_of(output: TypeForm[T]) -> Shape[T]: ...
@overload
def shape_of(output: Mapping[str, Any]) -> Shape[Any]: ...
def shape_of(output: Any) -> Shape[Any]:
    """The compiled form of an output type, built once for each type.

    Takes a pydantic model, dataclass, TypedDict, Enum, Literal, list, dict, scalar, a union or an Annotated form
    of these, or a mapping that is a JSON schema. Raises CompositionError for what no model can be asked for.
    """
    key = _key(output)
    found = _shapes.get(key)
    if found is None:
        if len(_shapes) >= KEPT:
            _shapes.clear()
        # No lock: it could be held when the process forks. Of two that compile at once, one is kept.
        found = _shapes.setdefault(key, _compiled(output))
    return found


def _compiled(output: Any) -> Shape[Any]:
    if isinstance(output, Mapping):
        from chainkit.output.plain import Plain

        schema = cast("Mapping[str, Any]", output)
        return Shape(output, Plain(schema), _wire_name(str(schema.get("title", "output"))))
    from chainkit.output.typed import Typed

    return Shape(output, Typed(output), _wire_name(type_name(output)))


def _key(output: Any) -> Any:
    """Types that are equal may differ in what is asked: `int | str == str | int`, but the schemas are not."""
    if isinstance(output, Mapping):
        return json.dumps(output, default=repr)
    if isinstance(output, type):
        return output
    if inspect.isroutine(output):  # pydantic would take it for a schema, and call it with the fields
        return _refused(output)
    try:
        hash(output)
    except TypeError:  # an Annotated form with an unhashable mark
        return (repr(output), id(output)) if get_origin(output) is not None else _refused(output)
    return (output, repr(output))


def _refused(output: Any) -> Any:
    from chainkit.output.typed import not_an_output

    raise not_an_output(output, TypeError("it is no type")) from None


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" and not {"anyOf", "oneOf", "allOf", "enum", "const", "not"} & schema.keys()


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {k: v for k, v in schema.items() if k != "$defs"}
    outer: dict[str, Any] = {"type": "object", "properties": {"value": inner}, "required": ["value"]}
    outer["additionalProperties"] = False
    return outer | ({"$defs": schema["$defs"]} if "$defs" in schema else {})


def type_name(form: Any) -> str:
    """A short name for a type: `Book`, `list_Book`, `Book_or_Film`, `choice` for a Literal."""
    origin, args = get_origin(form), get_args(form)
    if origin is None or isinstance(form, type):
        return "none" if form is type(None) or form is None else getattr(form, "__name__", "output")
    if origin is Annotated:
        return type_name(args[0])
    if origin is Literal:
        return "choice"
    names = [type_name(a) for a in args if a is not Ellipsis]
    if origin is Union or origin is types.UnionType:
        return "_or_".join(names)
    return "_".join([getattr(origin, "__name__", "output"), *names])


def _wire_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "_", text).strip("_")[:64] or "output"

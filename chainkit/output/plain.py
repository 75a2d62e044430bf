"""JSON-schema mappings as output: the answer stays plain JSON and is checked here.

A check of the keywords of draft 2020-12 that such schemas use, `format` being an annotation as it is there.
What is not checked is refused when the schema is compiled, never passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from chainkit.errors import CompositionError, did_you_mean
from chainkit.output.keywords import CHECKS, TYPES, check, listed
from chainkit.output.problems import Misfit, Path, Problem, is_wrapper, without_nulls
from chainkit.output.references import Definitions, localised

ANNOTATIONS = frozenset({
    "$comment", "$defs", "$id", "$schema", "contentEncoding", "contentMediaType", "contentSchema", "default",
    "deprecated", "description", "discriminator", "examples", "format", "readOnly", "title", "writeOnly",
})  # fmt: skip

ONE = frozenset({"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"})
MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED = frozenset({"$defs", "patternProperties", "properties"})
NUMBERS = frozenset(k for k in CHECKS if k.startswith(("min", "max", "exclusive", "multiple")))
LISTS = MANY | {"enum", "required"}


class Plain:
    """A compiled JSON schema; the same doors as `Typed`, values as `json.loads` gives them."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = localised(_as_json(schema))
        self._definitions = Definitions(self.schema)
        _Survey(self._definitions).walk(self.schema)

    def read(self, text: str | bytes) -> Any:
        """The value that the JSON text holds. Raises Misfit."""
        document = _loaded(text)
        problems = self._problems(document, ())
        return document if not problems else self._second_look(document, problems, ())

    def read_wrapped(self, text: str | bytes) -> Any:
        """The value under the one key `value`. Raises Misfit."""
        document = _loaded(text)
        if not is_wrapper(document):
            raise Misfit([Problem((), "should be an object with the one key 'value'", document)])
        problems = self._problems(document["value"], ("value",))
        if problems:
            document = self._second_look(document, problems, ("value",))
        return document["value"]

    def _problems(self, value: Any, path: Path) -> list[Problem]:
        return list(check(self.schema, value, path, self._definitions))

    def _second_look(self, document: Any, problems: list[Problem], at: Path) -> Any:
        lighter = without_nulls(document, problems)
        if lighter is not None and not self._problems(lighter[at[0]] if at else lighter, at):
            return lighter
        raise Misfit(problems)


def _loaded(text: str | bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as e:
        raise Misfit([], syntax=f"{e.msg} at line {e.lineno} column {e.colno}") from None
    except ValueError as e:
        raise Misfit([], syntax=str(e)) from None
    except RecursionError:
        raise Misfit([], syntax="nested too deeply") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _as_json(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy in plain dicts and lists, so that nobody changes it afterwards."""
    try:
        return cast("dict[str, Any]", json.loads(json.dumps(schema, default=_mapping)))
    except (TypeError, ValueError) as e:
        cure = "a mapping is a JSON schema; for field types write a TypedDict or a pydantic model"
        raise CompositionError(f"output={{...}} is no JSON schema: {e}", cure=cure) from None


def _mapping(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(f"{value!r} is not JSON")


class _Survey:
    """Looks at each subschema once when it is compiled: errors before money."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def walk(self, schema: Any, path: Path = ()) -> None:
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            raise _no_schema(path, f"{schema!r} is not a schema")
        node = cast("dict[str, Any]", schema)
        self._look(node, path)
        for keyword in ONE.intersection(node):
            self.walk(node[keyword], (*path, keyword))
        for keyword in MANY.intersection(node):
            for n, part in enumerate(node[keyword]):
                self.walk(part, (*path, keyword, n))
        for keyword in NAMED.intersection(node):
            for name, part in node[keyword].items():
                self.walk(part, (*path, keyword, name))

    def _look(self, node: dict[str, Any], path: Path) -> None:
        for keyword, value in node.items():
            wrong = _wrong(keyword, value)
            if wrong:
                raise _no_schema(path, *wrong)
        if "$ref" in node:
            self._follow(node["$ref"], path)

    def _follow(self, ref: Any, path: Path) -> None:
        if not self._definitions.has(ref):
            raise _no_schema(path, f"$ref {ref!r} leads nowhere", "refer to a schema under $defs")
        target = self._definitions.resolved({"$ref": ref})
        if isinstance(target, dict) and "$ref" in target:
            raise _no_schema(path, f"$ref {ref!r} leads back to itself")


def _wrong(keyword: str, value: Any) -> tuple[str, str | None] | None:
    """What is wrong with one keyword, and the cure; None where nothing is."""
    if keyword not in CHECKS and keyword not in ANNOTATIONS and not keyword.startswith("x-"):
        return f"the keyword {keyword!r} is not known here", _meant(keyword, value)
    if keyword == "type":
        return next((_unknown_type(kind) for kind in listed(value) if kind not in TYPES), None)
    if keyword in LISTS and not (isinstance(value, list) and (value or keyword not in {"anyOf", "oneOf", "enum"})):
        return f"{keyword!r} should hold a list, and one that is not empty", None
    if keyword in NAMED and not isinstance(value, dict):
        return f"{keyword!r} should hold an object of schemas", None
    if keyword in NUMBERS and not TYPES["number"](value):
        return f"{keyword!r} should hold a number", None
    return _unreadable(keyword, value)


def _unknown_type(kind: Any) -> tuple[str, str | None]:
    return f"the type {kind!r} is none of JSON's", did_you_mean(str(kind), list(TYPES))


def _unreadable(keyword: str, value: Any) -> tuple[str, None] | None:
    patterns = {"pattern": [value], "patternProperties": value}.get(keyword, ())
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as e:
            return f"the pattern {pattern!r} cannot be read: {e}", None
    return None


def _meant(keyword: str, value: Any) -> str | None:
    if keyword in {"name", "schema", "strict"}:
        return "give the JSON schema itself, without the name or `strict` around it"
    return did_you_mean(keyword, [*CHECKS, *ANNOTATIONS]) if not isinstance(value, dict) else None


def _no_schema(path: Path, reason: str, cure: str | None = None) -> CompositionError:
    where = "/".join(map(str, path)) or "the root"
    return CompositionError(f"output={{...}} is no JSON schema: at {where}, {reason}", cure=cure)

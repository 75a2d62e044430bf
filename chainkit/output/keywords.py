"""What each keyword of JSON schema asks of a value: one generator of problems for each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chainkit.output.problems import Path, Problem

if TYPE_CHECKING:
    from chainkit.output.references import Definitions

Found: TypeAlias = Iterator[Problem]

TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer()),
}
WORDS = {
    "object": "an object", "array": "a list", "string": "a string", "boolean": "true or false", "null": "null",
    "number": "a number", "integer": "a whole number",
}  # fmt: skip


def listed(value: Any) -> list[Any]:
    """A list, or the one thing as a list."""
    return cast("list[Any]", value) if isinstance(value, list) else [value]


@lru_cache(maxsize=256)
def regex(pattern: str) -> re.Pattern[str]:
    """A pattern, compiled once."""
    return re.compile(pattern)


def same(a: Any, b: Any) -> bool:
    """JSON equality: 1 is 1.0, and neither is true."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        xs, ys = cast("list[Any]", a), cast("list[Any]", b)
        return len(xs) == len(ys) and all(map(same, xs, ys))
    if isinstance(a, dict) and isinstance(b, dict):
        fs, gs = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        return fs.keys() == gs.keys() and all(same(fs[k], gs[k]) for k in fs)
    return bool(a == b)


def check(schema: Any, value: Any, path: Path, defs: Definitions) -> Found:
    """Every way in which the value does not fit the schema."""
    if isinstance(schema, bool):
        return iter(() if schema else (Problem(path, "should not be there", value),))
    return chain.from_iterable(CHECKS[k](schema, value, path, defs) for k in schema if k in CHECKS)


def _fits(schema: Any, value: Any, defs: Definitions) -> bool:
    return next(check(schema, value, (), defs), None) is None


def _type(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
    kinds = listed(s["type"])
    if not any(TYPES[k](v) for k in kinds):
        yield Problem(path, "should be " + " or ".join(WORDS[k] for k in kinds), v)


def _enum(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
    if not any(same(v, one) for one in s["enum"]):
        yield Problem(path, "should be one of " + json.dumps(s["enum"], ensure_ascii=False), v)


def _const(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
    if not same(v, s["const"]):
        yield Problem(path, "should be " + json.dumps(s["const"], ensure_ascii=False), v)


def _ref(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    return check(defs[s["$ref"]], v, path, defs)


def _any_of(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    """The misfits of the branch that comes nearest."""
    branches = [list(check(b, v, path, defs)) for b in s["anyOf"]]
    nearest = min(branches, key=_distance)
    return iter(nearest)


def _distance(problems: list[Problem]) -> tuple[int, int]:
    return (len(problems), -max((len(p.path) for p in problems), default=0))


def _one_of(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    branches = [list(check(b, v, path, defs)) for b in s["oneOf"]]
    fitting = sum(not b for b in branches)
    if fitting == 0:
        yield from min(branches, key=_distance)
    elif fitting > 1:
        yield Problem(path, f"fits {fitting} of the forms of which it should fit one", v)


def _all_of(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    return chain.from_iterable(check(b, v, path, defs) for b in s["allOf"])


def _not(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if _fits(s["not"], v, defs):
        yield Problem(path, "should not fit " + json.dumps(s["not"], ensure_ascii=False), v)


def _if(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    branch = "then" if _fits(s["if"], v, defs) else "else"
    return check(s.get(branch, True), v, path, defs)


def _required(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
    if isinstance(v, dict):
        yield from (Problem((*path, k), "missing") for k in s["required"] if k not in v)


def _properties(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if isinstance(v, dict):
        for k, sub in s["properties"].items():
            if k in v:
                yield from check(sub, v[k], (*path, k), defs)


def _pattern_properties(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if isinstance(v, dict):
        for pattern, sub in s["patternProperties"].items():
            for k, one in cast("dict[str, Any]", v).items():
                if regex(pattern).search(k):
                    yield from check(sub, one, (*path, k), defs)


def _further(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if isinstance(v, dict):
        known, patterns = s.get("properties", {}), s.get("patternProperties", {})
        for k, one in cast("dict[str, Any]", v).items():
            if k not in known and not any(regex(p).search(k) for p in patterns):
                sub = s["additionalProperties"]
                yield from (
                    check(sub, one, (*path, k), defs) if sub is not False else [Problem((*path, k), "no such field")]
                )


def _names(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if isinstance(v, dict):
        for k in cast("dict[str, Any]", v):
            yield from (Problem((*path, k), f"as a name, {p.wanted}") for p in check(s["propertyNames"], k, path, defs))


def _dependent(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
    if isinstance(v, dict):
        for k, wanted in s["dependentRequired"].items():
            if k in v:
                yield from (Problem((*path, w), f"missing, as {k!r} is there") for w in wanted if w not in v)


def _prefix(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if isinstance(v, list):
        for n, (sub, one) in enumerate(zip(s["prefixItems"], cast("list[Any]", v), strict=False)):
            yield from check(sub, one, (*path, n), defs)


def _items(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if isinstance(v, list):
        start = len(s.get("prefixItems", ()))
        for n, one in enumerate(cast("list[Any]", v)[start:], start):
            yield from check(s["items"], one, (*path, n), defs)


def _contains(s: dict[str, Any], v: Any, path: Path, defs: Definitions) -> Found:
    if isinstance(v, list):
        count = sum(_fits(s["contains"], one, defs) for one in cast("list[Any]", v))
        if not s.get("minContains", 1) <= count <= s.get("maxContains", count):
            yield Problem(path, f"holds {count} items of the form asked for")


def _unique(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
    if isinstance(v, list) and s["uniqueItems"]:
        items = cast("list[Any]", v)
        for n, one in enumerate(items):
            if any(same(one, earlier) for earlier in items[:n]):
                yield Problem((*path, n), "should not come twice", one)


def _multiple(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
    if TYPES["number"](v):  # 0.3 is a multiple of 0.1, though not in binary
        parts = v / s["multipleOf"]
        if abs(parts - round(parts)) > 1e-9:
            yield Problem(path, f"should be a multiple of {s['multipleOf']}", v)


def _bound(keyword: str, kind: str, words: str, holds: Callable[[Any, Any], bool]) -> Callable[..., Found]:
    def checked(s: dict[str, Any], v: Any, path: Path, _: Definitions) -> Found:
        if TYPES[kind](v) and not holds(v, s[keyword]):
            yield Problem(path, f"should {words.format(s[keyword])}", v)

    return checked


def _nothing(*_: Any) -> Found:
    """Read by the check of another keyword."""
    return iter(())


CHECKS: Mapping[str, Callable[[dict[str, Any], Any, Path, Definitions], Found]] = {
    "$ref": _ref, "type": _type, "enum": _enum, "const": _const,
    "anyOf": _any_of, "oneOf": _one_of, "allOf": _all_of, "not": _not, "if": _if, "then": _nothing, "else": _nothing,
    "required": _required, "properties": _properties, "patternProperties": _pattern_properties,
    "additionalProperties": _further, "propertyNames": _names, "dependentRequired": _dependent,
    "prefixItems": _prefix, "items": _items, "contains": _contains, "minContains": _nothing, "maxContains": _nothing,
    "uniqueItems": _unique, "multipleOf": _multiple,
    "minimum": _bound("minimum", "number", "be {} or more", lambda v, n: v >= n),
    "maximum": _bound("maximum", "number", "be {} or less", lambda v, n: v <= n),
    "exclusiveMinimum": _bound("exclusiveMinimum", "number", "be more than {}", lambda v, n: v > n),
    "exclusiveMaximum": _bound("exclusiveMaximum", "number", "be less than {}", lambda v, n: v < n),
    "minLength": _bound("minLength", "string", "have {} or more characters", lambda v, n: len(v) >= n),
    "maxLength": _bound("maxLength", "string", "have {} or fewer characters", lambda v, n: len(v) <= n),
    "pattern": _bound("pattern", "string", "match {}", lambda v, p: regex(p).search(v) is not None),
    "minItems": _bound("minItems", "array", "have {} or more items", lambda v, n: len(v) >= n),
    "maxItems": _bound("maxItems", "array", "have {} or fewer items", lambda v, n: len(v) <= n),
    "minProperties": _bound("minProperties", "object", "have {} or more fields", lambda v, n: len(v) >= n),
    "maxProperties": _bound("maxProperties", "object", "have {} or fewer fields", lambda v, n: len(v) <= n),
}  # fmt: skip

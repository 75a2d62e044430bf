"""The `$ref`s of a JSON schema: all brought into one form, `#/$defs/Name`, and looked up there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "#/$defs/"


class Definitions:
    """What the `$ref`s of a localised schema stand for."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._named: Mapping[str, Any] = schema.get("$defs", {})

    def __getitem__(self, ref: str) -> Any:
        return self._named[ref.removeprefix(PREFIX)]

    def has(self, ref: Any) -> bool:
        """Whether the reference leads to a definition."""
        return isinstance(ref, str) and ref.startswith(PREFIX) and ref.removeprefix(PREFIX) in self._named

    def resolved(self, node: Any) -> Any:
        """The node itself, or what it refers to where it is nothing but a reference."""
        seen: set[str] = set()
        while isinstance(node, dict) and self.has(ref := cast("dict[str, Any]", node).get("$ref")) and ref not in seen:
            seen.add(cast("str", ref))
            node = self[cast("str", ref)]
        return cast("Any", node)


def localised(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with each reference as `#/$defs/Name`; what leads nowhere is left as it is.

    Only so can a schema be wrapped, or be a part of another: `#` and `#/properties/x` count from the root.
    """
    names: dict[str, str] = {}
    found: dict[str, Any] = {}
    todo = [_bare(schema)]
    while todo:
        for ref in references(todo.pop()):
            target = _pointed(schema, ref)
            if ref not in names and target is not None:
                names[ref] = _fresh_name(ref, found)
                found[names[ref]] = target
                todo.append(_bare(target))
    rewritten = cast("dict[str, Any]", _renamed(_bare(schema), names))
    return rewritten | ({"$defs": {n: _renamed(_bare(t), names) for n, t in found.items()}} if found else {})


def hoisted(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with its root in place where the root is only a reference to a definition."""
    definitions = Definitions(schema)
    root = definitions.resolved(schema)
    if root is schema or not isinstance(root, dict):
        return schema
    beside = {k: v for k, v in schema.items() if k != "$ref"}
    return cast("dict[str, Any]", root) | beside


def references(node: Any) -> Iterator[str]:
    """Every `$ref` in a schema, also in definitions that it holds."""
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        if isinstance(ref := fields.get("$ref"), str):
            yield ref
        for value in fields.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in cast("list[Any]", node):
            yield from references(value)


def _pointed(schema: Any, ref: str) -> Any:
    from urllib.parse import unquote

    if not ref.startswith("#"):
        return None
    for step in [s.replace("~1", "/").replace("~0", "~") for s in unquote(ref).split("/")[1:]]:
        if isinstance(schema, list) and step.isdecimal() and int(step) < len(cast("list[Any]", schema)):
            schema = cast("list[Any]", schema)[int(step)]
        elif isinstance(schema, dict) and step in schema:
            schema = cast("dict[str, Any]", schema)[step]
        else:
            return None
    return schema


def _fresh_name(ref: str, taken: Mapping[str, Any]) -> str:
    last = ref.rsplit("/", 1)[-1] if "/" in ref else "root"
    name = plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", last) or "root"
    number = 2
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    return name


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        fields = {k: _renamed(v, names) for k, v in cast("dict[str, Any]", node).items()}
        ref = fields.get("$ref")
        if isinstance(ref, str) and ref in names:
            fields["$ref"] = PREFIX + names[ref]
        return fields
    return [_renamed(v, names) for v in cast("list[Any]", node)] if isinstance(node, list) else node


def _bare(target: Any) -> Any:
    """A schema without its definitions: one counts only once something refers to it."""
    if not isinstance(target, dict):
        return target
    return {k: v for k, v in cast("dict[str, Any]", target).items() if k not in {"$defs", "definitions"}}

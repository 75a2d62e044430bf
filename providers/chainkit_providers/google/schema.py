"""What `responseJsonSchema` wants besides the keywords of its dialect.

A reference back to what it stands in may only be an optional field, and only texts and numbers may be listed. What is
let through here is refused when the answer is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chainkit_providers.payload import Json

_PREFIX = "#/$defs/"


def answerable(schema: Mapping[str, Any]) -> Json:
    """The schema as the vendor takes it: a new one, where something changes."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    reach = _reach(definitions)
    made = {k: _node(v, frozenset()) for k, v in schema.items() if k != "$defs"}
    if not definitions:
        return _listed(made)
    back = {name: frozenset(n for n in reach if name in reach[n]) for name in definitions}
    return {**_listed(made), "$defs": {name: _node(node, back[name]) for name, node in definitions.items()}}


def _node(node: Any, back: frozenset[str]) -> Any:
    """A part of a schema; `back` are the definitions that lead back to the one it stands in."""
    if isinstance(node, list):
        return [_node(n, back) for n in node]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(node, dict):
        return node
    made: Json = {k: _node(v, back) for k, v in node.items()}  # pyright: ignore[reportUnknownVariableType]
    properties, required = made.get("properties"), made.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        made["required"] = [r for r in required if not back & set(_references(properties.get(r)))]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType, reportUnknownMemberType]
    return _listed(made)


def _listed(node: Json) -> Json:
    """Without a list of values that are neither texts nor numbers; their type is left."""
    values = node.get("enum")
    if not isinstance(values, list) or all(type(v) in (str, int, float) for v in values):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        return node
    return {k: v for k, v in node.items() if k != "enum"}


def _references(node: Any) -> Iterator[str]:
    """The definitions that a part of a schema names itself."""
    if isinstance(node, list):
        for item in node:  # pyright: ignore[reportUnknownVariableType]
            yield from _references(item)
    elif isinstance(node, dict):
        for name, value in node.items():  # pyright: ignore[reportUnknownVariableType]
            if name == "$ref" and isinstance(value, str):
                yield value.removeprefix(_PREFIX)
            else:
                yield from _references(value)


def _reach(definitions: Mapping[str, Any]) -> dict[str, set[str]]:
    """Which definitions each of them leads to, over any number of steps."""
    reach = {name: set(_references(node)) for name, node in definitions.items()}
    for _ in reach:
        for held in reach.values():
            held |= {far for near in tuple(held) for far in reach.get(near, ())}
    return {name: held | {name} for name, held in reach.items()}

"""Answers in words: what a one-word type accepts beside JSON, and the words that ask for an answer in a prompt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from chainkit.output.references import Definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.output.schema import Shape

_ONE_VALUE = {
    "boolean": "Answer with true or false only.",
    "integer": "Answer with one whole number only.",
    "number": "Answer with one number only.",
}


class Vocabulary:
    """What a type of one word allows: an enumeration, a scalar, or a union of these.

    `options` are its listed values by the text a model writes, and `closed` says that there are no others.
    `free` says that any text is a value: then the answer is taken as it stands. `worded` says that a bare word
    may be the answer; where it is False, the answer must be JSON.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        leaves = list(_leaves(schema, Definitions(schema), 0))
        self.options = {word(v): v for leaf in leaves for v in _values(leaf)}
        self.closed = all(_values(leaf) for leaf in leaves)
        self.free = all(_is_free(leaf) for leaf in leaves)
        # Beside other types a free string would swallow every sentence: then only JSON tells them apart.
        self.worded = self.free or all(_is_word(leaf) and not _is_free(leaf) for leaf in leaves)

    def option(self, text: str) -> Any:
        """The listed value that a word names, in another case too where only one comes near; raises KeyError."""
        if text in self.options:
            return self.options[text]
        near = [v for w, v in self.options.items() if w.casefold() == text.casefold()]
        if len(near) != 1:
            raise KeyError(text)
        return near[0]


def word(value: Any) -> str:
    """A listed value as a model writes it: strings without quotes, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def instruction(shape: Shape[Any], *, bare: bool) -> str | None:
    """What a prompt must say for the answer to be read; None where any text will do."""
    schema = shape.bare_schema if bare else shape.json_schema
    words = shape.vocabulary
    if bare and words.free and schema.keys() <= {"type", "title"}:
        return None
    if bare and words.closed and words.worded:
        return "Answer with one of these, and nothing else: " + ", ".join(words.options)
    if bare and schema.get("type") in _ONE_VALUE and schema.keys() <= {"type", "title"}:
        return _ONE_VALUE[cast("str", schema["type"])]
    what = "text" if bare and words.free else "JSON"
    said = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with {what} only, and nothing else. It must match this JSON schema:\n{said}"


def _leaves(node: Any, definitions: Definitions, depth: int) -> Iterator[dict[str, Any]]:
    """The branches of a union, references followed."""
    node = definitions.resolved(node)
    if not isinstance(node, dict) or depth > 8:
        yield {}
        return
    fields = cast("dict[str, Any]", node)
    branches = [*fields.get("anyOf", ()), *fields.get("oneOf", ())]
    if not branches:
        yield fields
    for branch in branches:
        yield from _leaves(branch, definitions, depth + 1)


def _values(leaf: dict[str, Any]) -> list[Any]:
    return [leaf["const"]] if "const" in leaf else cast("list[Any]", leaf.get("enum", []))


def _is_word(leaf: dict[str, Any]) -> bool:
    values = _values(leaf)
    if values:
        return not any(isinstance(v, list | dict) for v in values)
    return leaf.get("type") in ("boolean", "integer", "null", "number", "string")


def _is_free(leaf: dict[str, Any]) -> bool:
    return leaf.get("type") == "string" and not _values(leaf) and "format" not in leaf

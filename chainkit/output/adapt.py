"""A schema brought into a dialect, and the findings: what was moved, loosened, narrowed or cannot be asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, cast

from chainkit.output.dialect import Dialect, Finding
from chainkit.output.references import PREFIX, Definitions, references
from chainkit.output.rephrase import SILENT, Node, nullable, rephrased, said, types_of

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "default": "default: {}", "exclusiveMaximum": "less than {}", "exclusiveMinimum": "more than {}",
    "examples": "for example {}", "format": "format: {}", "maxItems": "number of items at most {}",
    "maxLength": "length at most {}", "maximum": "at most {}", "minItems": "number of items at least {}",
    "minLength": "length at least {}", "minimum": "at least {}", "multipleOf": "a multiple of {}",
    "pattern": "matching the regular expression {}", "uniqueItems": "no item twice",
}  # fmt: skip

ANY = ("object", "array", "string", "number", "boolean", "null")
"""Every type of JSON; `number` holds `integer`."""

_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ONE = frozenset({"contains", "items", "not", "propertyNames"})
_SAYS_TYPE = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties"})


def adapt(schema: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The schema in that dialect: a new dict; the schema given is not changed."""
    return adapted(schema, dialect)[0]


def lint(schema: Mapping[str, Any], dialect: Dialect) -> tuple[Finding, ...]:
    """What `adapt` would move, loosen or narrow, and what cannot be asked for in that dialect."""
    return adapted(schema, dialect)[1]


def adapted(schema: Mapping[str, Any], dialect: Dialect) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Both, in one walk."""
    adapting = _Adapting(schema, dialect)
    return adapting.run(), tuple(dict.fromkeys(adapting.findings))


class _Adapting:
    """One walk over one schema."""

    def __init__(self, schema: Mapping[str, Any], dialect: Dialect) -> None:
        self._schema = schema
        self._dialect = dialect
        self._definitions = Definitions(schema)
        self._inside: list[str] = []
        self.findings: list[Finding] = []

    def run(self) -> Node:
        root = self._node({k: v for k, v in self._schema.items() if k != "$defs"}, "")
        made: Node = {}
        todo: list[Node] = [root]
        while todo:
            for ref in references(todo.pop()):
                name = ref.removeprefix(PREFIX)
                if name not in made:
                    made[name] = self._node(self._definitions[ref], name)
                    todo.append(made[name])
        return root | ({"$defs": made} if made else {})

    def _find(self, kind: Literal["moved", "narrowed", "impossible"], place: str, message: str) -> None:
        self.findings.append(Finding(kind, place, message))

    def _node(self, node: Any, place: str) -> Node:
        if node is False:
            self._find("impossible", place, "nothing fits here")
            return {}
        fields = {} if node is True else cast("Node", node)
        fields = rephrased(fields, place, self._dialect, self._definitions, self.findings)
        if "$ref" in fields:
            return self._reference(fields, place)
        made = self._plain(fields, place)
        return made if _SAYS_TYPE & fields.keys() else self._anything(made, place)

    def _anything(self, made: Node, place: str) -> Node:
        if self._dialect.anything == "no":
            self._find("impossible", place, "any value may stand here")
        return {"type": list(ANY)} | made if self._dialect.anything == "listed" else made

    def _reference(self, node: Node, place: str) -> Node:
        name = cast("str", node["$ref"]).removeprefix(PREFIX)
        beside = {k: v for k, v in node.items() if k != "$ref" and k not in SILENT}
        target = self._definitions[node["$ref"]]
        scalar = isinstance(target, dict) and "enum" in target
        if self._dialect.inline or (beside and scalar and self._dialect.lone_refs):
            return self._inlined(name, beside, place)
        if not beside:
            return {"$ref": node["$ref"]}
        if self._dialect.lone_refs:
            return self._plain({"anyOf": [{"$ref": node["$ref"]}], **beside}, place)
        return {"$ref": node["$ref"]} | self._plain(beside, place)

    def _inlined(self, name: str, beside: Node, place: str) -> Node:
        if name in self._inside:
            self._find("impossible", place, f"{name} holds itself, and definitions cannot be referred to")
            return {}
        self._inside.append(name)
        target = self._definitions[PREFIX + name]
        made = self._node(target | beside if isinstance(target, dict) else target, place)
        self._inside.pop()
        return made

    def _plain(self, node: Node, place: str) -> Node:
        made: Node = {}
        moved: list[str] = []
        for keyword, value in node.items():
            if keyword == "properties":
                made[keyword] = {k: self._node(v, f"{place}.{k}" if place else k) for k, v in value.items()}
            elif self._dialect.takes(keyword, value):
                made[keyword] = self._kept(keyword, value, place)
            elif keyword not in SILENT:
                self._move(keyword, value, moved, place)
        if "properties" in node or node.get("type") == "object":
            self._object(node, made, place)
        if "properties" in made and not {"type", "anyOf"} & made.keys() and self._dialect.objects != "open":
            made["type"] = "object"
        if "enum" in made and "type" not in made and self._dialect.anything == "no":
            made["type"] = types_of(made["enum"])
        return said(made, "; ".join(moved)) if moved else made

    def _kept(self, keyword: str, value: Any, place: str) -> Any:
        if keyword in _MANY:
            return [self._node(v, place) for v in value]
        if keyword in _ONE and isinstance(value, dict):
            return self._node(value, f"{place}[]" if keyword == "items" else place)
        if keyword == "additionalProperties" and isinstance(value, dict):
            return self._node(value, f"{place}.*")
        return value

    def _move(self, keyword: str, value: Any, moved: list[str], place: str) -> None:
        if keyword == "default" and (value is None or self._dialect.all_required):
            return  # said beside the null that stands for it
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        moved.append(WORDS.get(keyword, keyword + ": {}").format(text))
        if keyword not in {"default", "examples"}:
            self._find("moved", place, f"{keyword} {text}")

    def _object(self, node: Node, made: Node, place: str) -> None:
        named = cast("Node", node.get("properties", {}))
        if self._dialect.objects != "open":
            self._close(node, made, place)
        required = [name for name in node.get("required", ()) if name in named or self._dialect.objects == "open"]
        if self._dialect.all_required:
            for name in named.keys() - set(required):
                made["properties"][name] = self._optional(named[name], made["properties"][name])
            required = list(named)
        if "required" in node or self._dialect.all_required:
            made["required"] = required

    def _close(self, node: Node, made: Node, place: str) -> None:
        """Says that no further fields may come, or that they may where an object is a map of any keys."""
        further = node.get("additionalProperties", "properties" not in node) is not False or "patternProperties" in node
        if further and node.get("properties"):
            self._find("narrowed", place, "no fields but those named can be answered")
        elif further and self._dialect.objects == "closed":
            self._find("impossible", place, "an object of any keys")
        elif further:
            any_name = "patternProperties" in node or "additionalProperties" not in made
            made["additionalProperties"] = True if any_name else made["additionalProperties"]
            return
        made["additionalProperties"] = False

    def _optional(self, original: Any, made: Node) -> Node:
        if self._takes_null(original):
            return made
        default = cast("Node", original).get("default")
        if default is None:
            return said(nullable(made), "null if there is none")
        return said(nullable(made), f"null for the default, {json.dumps(default, ensure_ascii=False)}")

    def _takes_null(self, node: Any) -> bool:
        node = self._definitions.resolved(node)
        if not isinstance(node, dict):
            return bool(node)
        fields = cast("Node", node)
        if not _SAYS_TYPE & fields.keys() or "null" in fields.get("type", ()) or None in fields.get("enum", ()):
            return True
        return any(self._takes_null(b) for b in [*fields.get("anyOf", ()), *fields.get("oneOf", ())])

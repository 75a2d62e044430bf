"""The same constraint in simpler words: `oneOf`, `allOf`, `const` and tuples, for dialects that lack them."""

from __future__ import annotations

import json
from typing import Any, TypeAlias, cast

from chainkit.output.dialect import Dialect, Finding
from chainkit.output.references import PREFIX, Definitions

Node: TypeAlias = dict[str, Any]

SILENT = frozenset({
    "$comment", "$id", "$schema", "contentEncoding", "contentMediaType", "contentSchema", "deprecated", "discriminator",
    "readOnly", "title", "writeOnly",
})  # fmt: skip
"""Keywords that say nothing to a model that the rest does not say; dropped without a finding."""


def rephrased(node: Node, place: str, dialect: Dialect, definitions: Definitions, findings: list[Finding]) -> Node:
    """The node without the words that the dialect lacks and others can stand for."""
    if "allOf" in node and not dialect.takes("allOf"):
        node = _all_of(node, place, definitions, findings)
    if "oneOf" in node and not dialect.takes("oneOf"):
        rest = {k: v for k, v in node.items() if k != "oneOf"}
        node = _joined(rest, {"anyOf": node["oneOf"]}, place, findings)
    if "const" in node and not dialect.takes("const"):
        node = {("enum" if k == "const" else k): ([v] if k == "const" else v) for k, v in node.items()}
    if isinstance(node.get("items"), bool) and dialect.keywords is not None:
        node = _counted(node)
    if "prefixItems" in node and not dialect.takes("prefixItems"):
        node = _tuple(node, place, findings)
    return node


def said(node: Node, words: str) -> Node:
    """The node with more words in its description."""
    return node | {"description": f"{node['description']} ({words})" if "description" in node else words}


def nullable(node: Node) -> Node:
    """The node, or null."""
    if "anyOf" in node:
        return node | {"anyOf": [*node["anyOf"], {"type": "null"}]}
    if isinstance(node.get("type"), str) and "enum" not in node and "const" not in node:
        return node | {"type": [node["type"], "null"]}
    outside = {"description": node["description"]} if "description" in node else {}
    return {"anyOf": [{k: v for k, v in node.items() if k != "description"}, {"type": "null"}]} | outside


def types_of(values: list[Any]) -> Any:
    """The `type` of an enumeration that does not say it."""
    names: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    kinds = list(dict.fromkeys(next((n for t, n in names.items() if type(v) is t), "object") for v in values))
    return kinds[0] if len(kinds) == 1 else kinds


def _all_of(node: Node, place: str, definitions: Definitions, findings: list[Finding]) -> Node:
    merged = {k: v for k, v in node.items() if k != "allOf"}
    for part in node["allOf"]:
        if not isinstance(part, dict):
            continue
        fields = cast("Node", part)
        target = definitions.resolved(fields)
        beside = {k: v for k, v in fields.items() if k != "$ref"}
        whole = cast("Node", target) | beside if isinstance(target, dict) else beside
        inner = _all_of(whole, place, definitions, findings) if "allOf" in whole else whole
        merged = _joined(merged, inner, place, findings)
    return merged


def _joined(a: Node, b: Node, place: str, findings: list[Finding]) -> Node:
    joined = b | a
    if "properties" in a and "properties" in b:
        joined["properties"] = b["properties"] | a["properties"]
    if "required" in a and "required" in b:
        joined["required"] = list(dict.fromkeys([*b["required"], *a["required"]]))
    both = (a.keys() & b.keys()) - SILENT - {"description", "properties", "required"}
    lost = sorted(k for k in both if a[k] != b[k])
    findings.extend(Finding("loosened", place, f"of two {k!r} that both hold, one is asked for") for k in lost)
    return joined


def _counted(node: Node) -> Node:
    """`items: false` as a count: after those of `prefixItems` there are no more."""
    rest = {k: v for k, v in node.items() if k != "items"}
    most = len(node.get("prefixItems", ()))
    return rest if node["items"] else rest | {"maxItems": min(most, node.get("maxItems", most))}


def _tuple(node: Node, place: str, findings: list[Finding]) -> Node:
    kinds = cast("list[Any]", node["prefixItems"])
    further = [node["items"]] if "items" in node else []
    different = list({json.dumps(k, sort_keys=True): k for k in kinds + further}.values())
    plain = {k: v for k, v in node.items() if k != "prefixItems"}
    if not further and node.get("maxItems", len(kinds) + 1) > len(kinds):
        findings.append(Finding("narrowed", place, f"no more than {len(kinds)} items can be answered"))
        plain["maxItems"] = len(kinds)
    plain["items"] = different[0] if len(different) == 1 else {"anyOf": different}
    if len(different) == 1:
        return plain
    findings.append(Finding("loosened", place, "which type stands where is said in words"))
    return said(plain, "in this order: " + ", ".join(map(_kind, kinds)))


def _kind(node: Any) -> str:
    if not isinstance(node, dict):
        return "a value"
    fields = cast("Node", node)
    return str(fields.get("type") or fields.get("$ref", "a value").removeprefix(PREFIX))

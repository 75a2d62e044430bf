"""Checks `{{ book.titel }}` against the declared type of `book`, where that type is known.

Silent wherever a name may mean something else: one that the template sets itself, a wide union, an open class.
"""

# ruff: noqa: N802 - the names are the visitor's

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import GenericAlias
from typing import Any, NamedTuple

from jinja2 import nodes
from jinja2.visitor import NodeVisitor

from chainkit.prompts.fields import UNKNOWN, attribute_of, element_of

_SAME_ELEMENTS = {"sort", "reverse", "unique", "list", "select", "reject", "selectattr", "rejectattr"}
_ONE_ELEMENT = {"first", "last"}


class WrongAttribute(NamedTuple):
    """`owner.attribute` on that line, where `owner` has a type without such an attribute."""

    line: int
    owner: str
    attribute: str
    kind: Any


def wrong_attributes(tree: nodes.Template, types: Mapping[str, Any]) -> list[WrongAttribute]:
    """Each attribute in the template that its value's declared type does not have."""
    own = assigned_names(tree)
    check = _Check({name: kind for name, kind in types.items() if name not in own}, own)
    check.visit(tree)
    return check.wrong


def assigned_names(tree: nodes.Template) -> set[str]:
    """The names that the template itself gives a meaning, loop variables left out."""
    loops = {id(n) for loop in tree.find_all(nodes.For) for n in _stored(loop.target)}
    own = {n.name for n in _stored(tree) if id(n) not in loops}
    own |= {m.name for m in tree.find_all(nodes.Macro)}
    return own | set(_imported(tree))


def loop_names(tree: nodes.Template) -> set[str]:
    """The loop variables of the template."""
    return {n.name for loop in tree.find_all(nodes.For) for n in _stored(loop.target)}


def _stored(node: nodes.Node) -> Iterator[nodes.Name]:
    if isinstance(node, nodes.Name) and node.ctx in ("store", "param"):
        yield node
    for name in node.find_all(nodes.Name):
        if name.ctx in ("store", "param"):
            yield name


def _imported(tree: nodes.Template) -> Iterator[str]:
    for module in tree.find_all(nodes.Import):
        yield module.target
    for names in tree.find_all(nodes.FromImport):
        for name in names.names:
            yield name[1] if isinstance(name, tuple) else name


class _Check(NodeVisitor):
    def __init__(self, types: dict[str, Any], own: set[str]) -> None:
        self.types = types
        self.own = own
        self.wrong: list[WrongAttribute] = []

    def visit_For(self, node: nodes.For, *_: Any) -> None:
        self.visit(node.iter)
        outer, self.types = self.types, {**self.types, **self._bound(node)}
        for inner in (node.test, *node.body):
            if inner is not None:
                self.visit(inner)
        self.types = outer
        for inner in node.else_:
            self.visit(inner)

    def visit_Getattr(self, node: nodes.Getattr, *_: Any) -> None:
        self.visit(node.node)
        kind = self.kind(node.node)
        if attribute_of(kind, node.attr) is None:
            self.wrong.append(WrongAttribute(node.lineno, written(node.node), node.attr, kind))

    def kind(self, node: nodes.Node) -> Any:
        if isinstance(node, nodes.Name):
            return self.types.get(node.name, UNKNOWN)
        if isinstance(node, nodes.Getattr):
            found = attribute_of(self.kind(node.node), node.attr)
            return UNKNOWN if found is None else found
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, int):
            return element_of(self.kind(node.node))
        if isinstance(node, nodes.Filter) and node.node is not None:
            return self._filtered(node.name, self.kind(node.node))
        return UNKNOWN

    def _bound(self, node: nodes.For) -> dict[str, Any]:
        """The loop's variables; one of them is known where nothing else gives its name a meaning."""
        bound = {name.name: UNKNOWN for name in _stored(node.target)} | {"loop": UNKNOWN}
        if isinstance(node.target, nodes.Name) and node.target.name not in self.own and not node.recursive:
            bound[node.target.name] = element_of(self.kind(node.iter))
        return bound

    def _filtered(self, name: str, kind: Any) -> Any:
        element = element_of(kind)
        if element is UNKNOWN or name not in _SAME_ELEMENTS | _ONE_ELEMENT:
            return UNKNOWN
        return element if name in _ONE_ELEMENT else GenericAlias(list, (element,))


def written(node: nodes.Node) -> str:
    """The expression as it stands in the template, for a name and its attributes."""
    if isinstance(node, nodes.Name):
        return node.name
    return f"{written(node.node)}.{node.attr}" if isinstance(node, nodes.Getattr) else "..."

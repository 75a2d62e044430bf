"""XML from anywhere, read without entities, outside references or documents of its own type."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from chainkit.retrieval.loading.options import Options, Unreadable, too_much

_DEPTH = 200


def parsed(data: bytes, limits: Options) -> Element:
    """The root; names of namespaces are left out. Raises Unreadable for entities, deep nesting, and what is no XML."""
    nodes = data.count(b"<") + data.count(b"=")
    if nodes > limits.max_nodes:
        raise too_much(f"its XML has {nodes:,} tags and attributes or more", limits, "max_nodes")
    builder = _Plain()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = builder.begin
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.said
    parser.EntityDeclHandler = _refused
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Unreadable(f"it is no XML: {error}") from error
    return builder.root()


def _refused(*_: Any) -> None:
    raise Unreadable("its XML declares entities of its own, which no such file needs; not read")


class _Plain:
    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._depth = 0

    def begin(self, name: str, given: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH:
            raise Unreadable(f"its XML is nested deeper than {_DEPTH}")
        self._tree.start(name.rpartition(" ")[2], {k.rpartition(" ")[2]: v for k, v in given.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(name.rpartition(" ")[2])

    def said(self, text: str) -> None:
        self._tree.data(text)

    def root(self) -> Element:
        return self._tree.close()

"""Types as words and back: `list[str]`, `int | None`, `'dark' | 'light'`, or a name that the reader supplies."""

from __future__ import annotations

import ast
import datetime
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from chainkit.errors import CompositionError, PromptError, did_you_mean

WORDS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "any": Any,
    "date": datetime.date,
    "datetime": datetime.datetime,
}
_CONTAINERS: dict[str, Any] = {"list": list, "dict": dict, "set": set, "tuple": tuple}
_NAMES: dict[Any, str] = {kind: word for word, kind in WORDS.items()}


def type_of(word: str, names: Mapping[str, Any] | None = None) -> Any:
    """The type that a word means; `names` supplies classes that are not built in. Nothing is evaluated or imported."""
    try:
        tree = ast.parse(word.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise PromptError(f"{word!r} is not a type", cure="str, int, list[str], 'a' | 'b', int | None") from error
    return _Reading(word, names or {}).type(tree)


def word_of(kind: Any, name_of: Callable[[Any], str] | None = None) -> str:
    """The word for a type; `name_of` names the classes that are not built in."""
    if kind is None or kind is type(None):
        return "None"
    if isinstance(kind, type) and kind in _CONTAINERS.values():
        return kind.__name__
    if _is_hashable(kind) and kind in _NAMES:
        return _NAMES[kind]
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal and all(isinstance(a, (str, int)) for a in args):
        return " | ".join(map(repr, args))
    if origin in (Union, types.UnionType):
        return " | ".join(word_of(a, name_of) for a in args)
    if isinstance(origin, type) and origin in _CONTAINERS.values():
        return f"{origin.__name__}[{', '.join('...' if a is Ellipsis else word_of(a, name_of) for a in args)}]"
    return _named(kind, name_of)


def shown(kind: Any) -> str:
    """A type as an error names it."""
    return word_of(kind, _spelled)


def _spelled(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(origin, type) and args:
        return f"{origin.__name__}[{', '.join(map(shown, args))}]"
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")


def _named(kind: Any, name_of: Callable[[Any], str] | None) -> str:
    if name_of is None:
        raise CompositionError(f"the type {kind!r} has no word", cure="give names= with a name for it")
    return name_of(kind)


def _is_hashable(kind: Any) -> bool:
    try:
        hash(kind)
    except TypeError:
        return False
    return True


def _sides(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_sides(node.left), *_sides(node.right)]
    return [node]


class _Reading:
    """Walks a parsed word; only names, `|`, subscripts and constants have a meaning."""

    def __init__(self, word: str, names: Mapping[str, Any]) -> None:
        self.word = word
        self.names = names

    def type(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._union(node)
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, int)):
            return Literal[node.value]
        if isinstance(node, ast.Subscript):
            return self._container(node)
        return self._name(ast.unparse(node))

    def _union(self, node: ast.BinOp) -> Any:
        members: list[Any] = [self.type(side) for side in _sides(node)]
        choices = tuple(a for m in members if get_origin(m) is Literal for a in get_args(m))
        others = [m for m in members if get_origin(m) is not Literal]
        held = [*others, Literal[choices]] if choices else others
        return Union[tuple(held)]  # noqa: UP007 - the members are known at run time only

    def _container(self, node: ast.Subscript) -> Any:
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        kind = _CONTAINERS.get(ast.unparse(node.value))
        if kind is None:
            raise self._error(ast.unparse(node.value))
        return kind[tuple(self._inner(i) for i in inside)]

    def _inner(self, node: ast.expr) -> Any:
        return ... if isinstance(node, ast.Constant) and node.value is Ellipsis else self.type(node)

    def _name(self, name: str) -> Any:
        known = {**WORDS, **_CONTAINERS, **self.names}
        if name not in known:
            raise self._error(name)
        return known[name]

    def _error(self, name: str) -> PromptError:
        where = f" in {self.word!r}" if name != self.word else ""
        cure = did_you_mean(name, [*WORDS, *_CONTAINERS, *self.names])
        return PromptError(f"no type is called {name!r}{where}", cure=cure)

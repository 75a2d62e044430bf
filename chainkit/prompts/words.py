"""Types as words and back: `list[str]`, `int | None`, `'dark' | 'light'`, or a name that the reader supplies."""

from __future__ import annotations

import ast
import datetime as dt
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from chainkit.errors import CompositionError, PromptError, did_you_mean
from chainkit.messages import Media, Message

WORDS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "any": Any,
    "date": dt.date,
    "datetime": dt.datetime,
}
_OURS: dict[str, Any] = {"message": Message, "media": Media}
_CONTAINERS: dict[str, Any] = {"list": list, "dict": dict, "set": set, "tuple": tuple}
_NAMES: dict[Any, str] = {kind: word for word, kind in (*WORDS.items(), *_CONTAINERS.items())}
_TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[A-Za-z_][\w.]*(?::[\w.]+)?""")


def type_of(word: str, names: Mapping[str, Any] | None = None) -> Any:
    """The type that a word means; `names` supplies classes that are not built in. Nothing is evaluated or imported.

    Raises PromptError for what is no word, CompositionError for a name (`module:Class`) that is not supplied.
    """
    imported: list[str] = []

    def stand_in(token: re.Match[str]) -> str:
        if token[0][0] in "'\"" or ":" not in token[0]:
            return token[0]
        imported.append(token[0])
        return f"_{len(imported) - 1}"

    try:
        tree = ast.parse(_TOKEN.sub(stand_in, word.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise PromptError(f"{word!r} is not a type", cure="str, int, list[str], 'a' | 'b', int | None") from error
    return _Reading(word, {} if names is None else names, imported).type(tree)


def word_of(kind: Any, name_of: Callable[[Any], str] | None = None) -> str:
    """The word for a type; `name_of` names the classes that are not built in. Raises CompositionError without one."""

    def named(kind: Any) -> str:
        if kind in _OURS.values():
            return next(word for word, known in _OURS.items() if known is kind)
        if name_of is None or not (isinstance(kind, type) or hasattr(kind, "__supertype__")):
            raise CompositionError(f"the type {kind!r} has no word", cure="use a class with a name, or a plain type")
        return name_of(kind)

    return _word(kind, named)


def _word(kind: Any, named: Callable[[Any], str]) -> str:
    if kind is None or kind is type(None):
        return "None"
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal and all(isinstance(a, str | int) for a in args):
        return " | ".join(map(repr, args))
    if origin in (Union, types.UnionType):
        return " | ".join(_word(a, named) for a in args)
    if origin in _CONTAINERS.values():
        inside = ("..." if a is Ellipsis else _word(a, named) for a in args)
        return f"{origin.__name__}[{', '.join(inside)}]"
    return (_NAMES.get(kind) if _is_hashable(kind) else None) or named(kind)


def shown(kind: Any) -> str:
    """A type as an error names it."""
    return _word(kind, _spelled)


def _spelled(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(origin, type) and args:
        return f"{origin.__name__}[{', '.join(map(shown, args))}]"
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")


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

    def __init__(self, word: str, names: Mapping[str, Any], imported: Sequence[str]) -> None:
        self.word = word
        self.names = names
        self.imported = {f"_{i}": name for i, name in enumerate(imported)}

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

    def _name(self, written: str) -> Any:
        name = self.imported.get(written, written)
        known = WORDS.get(name) or _CONTAINERS.get(name) or _OURS.get(name)
        if known is not None:
            return known
        if name not in self.names:
            raise self._error(name)
        return self.names[name]

    def _error(self, name: str) -> PromptError | CompositionError:
        where = f" in {self.word!r}" if name != self.word else ""
        cure = did_you_mean(name, [*WORDS, *_CONTAINERS, *self.names])
        if name in self.imported.values():
            return CompositionError(f"the type {name!r} is not among names=", cure=f"names={{{name!r}: ...}}")
        return PromptError(f"no type is called {name!r}{where}", cure=cure)

"""The Jinja environment: sandboxed, strict, and bounded.

The sandbox bounds what a template may touch: no private attributes, no changing of values. The meter bounds
what one rendering may do: `MAX_STEPS` turns of loops, macros and includes, and a cap on the text it makes.
Neither bounds time exactly; a template from a stranger still belongs in a process that can be killed.
"""

# ruff: noqa: N802 - the names are the visitor's

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from enum import Enum
from typing import Any, ClassVar

from jinja2 import DictLoader, StrictUndefined, nodes
from jinja2.runtime import Context
from jinja2.sandbox import MAX_RANGE, ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MAX_STEPS = 200_000
_MAX_BITS = 100_000

__all__ = ["MAX_RANGE", "MAX_STEPS", "METER", "Meter", "Refused", "Sandbox", "text_of"]


class Refused(Exception):
    """A rendering did something, or more of it, than a prompt allows."""


class Meter:
    """What one rendering may still do."""

    __slots__ = ("chars", "steps")

    def __init__(self, chars: int) -> None:
        self.chars = chars
        self.steps = MAX_STEPS

    def check(self, chars: int) -> None:
        if chars > self.chars:
            raise Refused(f"the text would have more than max_chars={self.chars:,} characters")

    def join(self, pieces: Iterable[str]) -> str:
        """The pieces as one text; stops as soon as there are too many characters."""
        held: list[str] = []
        total = 0
        for piece in pieces:
            total += len(piece)
            if total > self.chars:
                self.check(total)
            held.append(piece)
        return "".join(held)


METER: ContextVar[Meter] = ContextVar("chainkit_prompt_meter", default=Meter(8_000_000))  # noqa: B039 - replaced in each rendering


def text_of(value: Any) -> str:
    """How a value is printed: an enum member by its value; None is no text."""
    if type(value) is str:
        return value
    if value is None:
        raise Refused("None has no text: write {{ name or '' }}, or put it inside {% if name %}")
    return str(value.value if isinstance(value, Enum) else value)


def _join(pieces: Iterable[str]) -> str:
    return METER.get().join(pieces)


class Sandbox(ImmutableSandboxedEnvironment):
    """Strict, sandboxed Jinja without chance: what a template renders depends on its values only."""

    intercepted_binops: ClassVar[frozenset[str]] = frozenset({"+", "*", "**"})  # type: ignore[misc]
    concat = staticmethod(_join)

    def __init__(self, partials: Mapping[str, str] | None = None) -> None:
        super().__init__(
            undefined=StrictUndefined,
            finalize=text_of,
            autoescape=False,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            loader=DictLoader(dict(partials or {})),
        )
        del self.globals["lipsum"], self.filters["random"]
        self.filters["tojson"] = _to_json

    def _generate(self, source: nodes.Template, *rest: Any, **options: Any) -> str:
        counted = _Counting().visit(source)
        counted.set_environment(self)
        return super()._generate(counted, *rest, **options)

    @property
    def tick(self) -> bool:
        """Counts one turn of a loop, macro or include. A property: a call would pass the sandbox's checks (2.5 us)."""
        meter = METER.get()
        meter.steps -= 1
        if meter.steps < 0:
            raise Refused(f"more than {MAX_STEPS:,} turns of loops and macros")
        return True

    def joined(self, *values: Any) -> str:
        """The `~` operator."""
        return _join(map(text_of, values))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            _check_power(left, right)
        elif isinstance(left, (str, Sequence)) or isinstance(right, (str, Sequence)):
            METER.get().check(_size(operator, left, right))
        return super().call_binop(context, operator, left, right)


def _size(operator: str, left: Any, right: Any) -> int:
    if operator == "+":
        return sum(len(v) for v in (left, right) if isinstance(v, Sequence))  # pyright: ignore[reportUnknownArgumentType]
    times, held = (left, right) if isinstance(left, int) else (right, left)
    return len(held) * times if isinstance(times, int) and isinstance(held, Sequence) else 0  # pyright: ignore[reportUnknownArgumentType]


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _MAX_BITS:
        raise Refused("a number with too many digits")


def _to_json(value: Any, indent: int | None = None) -> str:
    """JSON as a model should read it: not escaped for HTML; pydantic objects, dataclasses, enums and dates too."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=_jsonable)


def _jsonable(value: Any) -> Any:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)


class _Counting(NodeTransformer):
    """Makes each turn of a loop, macro, block or include count, and `~` bounded."""

    def visit_Template(self, node: nodes.Template, *_: Any) -> nodes.Node:
        self.generic_visit(node)
        if node.find(nodes.Extends) is None:
            _count(node)
        return node

    def visit_For(self, node: nodes.For, *_: Any) -> nodes.Node:
        self.generic_visit(node)
        if node.test is None:
            _count(node)
        else:
            node.test = nodes.And(_tick(node), node.test, lineno=node.lineno)
        return node

    def visit_Macro(self, node: nodes.Macro, *_: Any) -> nodes.Node:
        return self._body(node)

    def visit_CallBlock(self, node: nodes.CallBlock, *_: Any) -> nodes.Node:
        return self._body(node)

    def visit_Block(self, node: nodes.Block, *_: Any) -> nodes.Node:
        return self._body(node)

    def _body(self, node: nodes.Macro | nodes.CallBlock | nodes.Block) -> nodes.Node:
        self.generic_visit(node)
        _count(node)
        return node

    def visit_Concat(self, node: nodes.Concat, *_: Any) -> nodes.Node:
        self.generic_visit(node)
        joined = nodes.EnvironmentAttribute("joined", lineno=node.lineno)
        return nodes.Call(joined, node.nodes, [], None, None, lineno=node.lineno)


def _count(node: nodes.Template | nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block) -> None:
    node.body.insert(0, nodes.ExprStmt(_tick(node), lineno=node.lineno))


def _tick(node: nodes.Node) -> nodes.Expr:
    return nodes.EnvironmentAttribute("tick", lineno=node.lineno)

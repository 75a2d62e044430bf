"""A tool of ours as a plain function and as one to be awaited, which is what other libraries take."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from chainkit.chain import Chain
from chainkit.compose.step import is_async, step
from chainkit.errors import CompositionError
from chainkit.interop.foreign import Foreign
from chainkit.models.request import ToolSpec
from chainkit.output.schema import shape_of
from chainkit.tools.call import as_text
from chainkit.tools.tool import Tool, takes_fields, tool


def tool_of(ours: Any) -> Tool[..., Any]:
    """A tool, or what becomes one."""
    return ours if isinstance(ours, Tool) else tool(ours)  # pyright: ignore[reportUnknownVariableType]


def called_by(chain: Foreign, spec: ToolSpec) -> Tool[..., Any]:
    """A tool that somebody else does."""

    def call(**arguments: Any) -> Any:
        return chain.invoke(arguments)

    return Tool(call, None, chain, spec)


def plainly(made: Tool[..., Any]) -> Any:
    """A tool as a function of its arguments by name."""
    chain = _chain(made)

    def call(**arguments: Any) -> str:
        return as_text(chain.invoke(arguments))

    call.__name__ = made.name
    return call


def waiting(made: Tool[..., Any]) -> Any:
    """The same to be awaited."""
    chain = _chain(made)

    async def call(**arguments: Any) -> str:
        return as_text(await chain.ainvoke(arguments))

    call.__name__ = made.name
    return call


def _chain(made: Tool[..., Any]) -> Chain[Any, Any]:
    """A tool as a chain from its arguments."""
    if made.chain is not None:
        if getattr(made.chain, "takes_arguments", False):
            return made.chain
        read: Any = shape_of(made.chain.in_type).validate if takes_fields(made.chain) else itemgetter("input")
        return step(read, inline=True, name="arguments") | made.chain
    signature, function = made.signature, made.function
    assert signature is not None
    if signature.context is not None:
        msg = f"the tool {made.name!r} wants a ToolContext, which only an agent of chainkit gives"
        raise CompositionError(msg, cure="make a tool of what needs none")

    def call(arguments: Any) -> Any:
        return signature.called(function, arguments, None)()

    async def acall(arguments: Any) -> Any:
        return await signature.called(function, arguments, None)()

    return step(acall if is_async(function) else call, name=made.name)

"""LlamaIndex's tools."""

from __future__ import annotations

from typing import Any

from chainkit.errors import ToolError
from chainkit.interop.calling import called_by, plainly, tool_of, waiting
from chainkit.interop.foreign import Foreign
from chainkit.interop.llamaindex.documents import theirs
from chainkit.models.request import ToolSpec
from chainkit.tools.tool import Tool, fitting


def from_tool(tool: Any) -> Tool[..., Any]:
    """Their tool as ours, for `agent(model, [from_tool(theirs)])`: with its name, description and schema."""
    told = tool.metadata
    spec = ToolSpec(fitting(told.get_name()), told.description, told.get_parameters_dict())

    def call(arguments: Any) -> str:
        return _said(tool.call(**arguments) if hasattr(tool, "call") else tool(**arguments))

    async def acall(arguments: Any) -> str:
        return _said(await tool.acall(**arguments)) if hasattr(tool, "acall") else call(arguments)

    return called_by(Foreign(call, acall, spec.name, "llamaindex", takes_arguments=True), spec)


def _said(output: Any) -> str:
    if output.is_error:
        raise ToolError(str(output.content))
    return str(output.content)


def to_tool(ours: Any) -> Any:
    """A tool of ours, or a typed function, as their `FunctionTool`: both modes, with the same schema.

    Raises CompositionError for a tool that wants a `ToolContext`, which only an agent of ours can give.
    """
    made = tool_of(ours)
    told = theirs("tools").ToolMetadata(
        description=made.description or made.name, name=made.name, fn_schema=_schema(made)
    )
    return theirs("tools").FunctionTool(fn=plainly(made), async_fn=waiting(made), metadata=told)


def _schema(made: Tool[..., Any]) -> Any:
    """A model whose schema is the tool's own: what is sent is checked by the tool."""
    from pydantic import BaseModel, ConfigDict

    class Arguments(BaseModel):
        """What the tool takes."""

        model_config = ConfigDict(extra="allow")

        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            return dict(made.parameters)

    return Arguments

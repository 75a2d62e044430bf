"""LangChain's tools."""

from __future__ import annotations

from typing import Any

from chainkit.errors import ToolError
from chainkit.interop.calling import called_by, plainly, tool_of, waiting
from chainkit.interop.foreign import Foreign
from chainkit.interop.langchain.documents import theirs
from chainkit.models.request import ToolSpec
from chainkit.tools.tool import Tool, fitting


def from_tool(tool: Any) -> Tool[..., Any]:
    """Their tool as ours, for `agent(model, [from_tool(theirs)])`: with its name, description and schema.

    What it raises as `ToolException` is told to the model, as there.
    """
    told = theirs("utils.function_calling").convert_to_openai_tool(tool)["function"]
    empty: dict[str, Any] = {"type": "object", "properties": {}}
    spec = ToolSpec(fitting(told["name"]), told.get("description", ""), told.get("parameters") or empty)
    failed: Any = theirs("tools").ToolException

    def call(arguments: Any) -> Any:
        try:
            return tool.invoke(dict(arguments))
        except failed as error:
            raise ToolError(str(error)) from error

    async def acall(arguments: Any) -> Any:
        try:
            return await tool.ainvoke(dict(arguments))
        except failed as error:
            raise ToolError(str(error)) from error

    return called_by(Foreign(call, acall, tool.name, "langchain", takes_arguments=True), spec)


def to_tool(ours: Any) -> Any:
    """A tool of ours, or a typed function, as their `StructuredTool`: both modes, with the same schema.

    Raises CompositionError for a tool that wants a `ToolContext`, which only an agent of ours can give.
    """
    made = tool_of(ours)
    return theirs("tools").StructuredTool(
        name=made.name,
        description=made.description or made.name,
        args_schema=dict(made.parameters),
        func=plainly(made),
        coroutine=waiting(made),
    )

"""Tools that a model may call, and the agent that lets it."""

from chainkit.tools.agent import agent
from chainkit.tools.call import DEFER, Approval, Denied
from chainkit.tools.result import AgentResult
from chainkit.tools.servers import McpServer, mcp
from chainkit.tools.tool import Tool, ToolContext, tool

__all__ = ["DEFER", "AgentResult", "Approval", "Denied", "McpServer", "Tool", "ToolContext", "agent", "mcp", "tool"]

"""A real server of the Model Context Protocol, for the tests: python mcp_server.py [port]."""

from __future__ import annotations

import base64
import os
import sys

from mcp.server import MCPServer
from mcp.types import ImageContent

server = MCPServer("shelf")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="books/find")
async def find(title: str) -> dict[str, str]:
    """Find a book."""
    return {"title": title, "shelf": "B"}


@server.tool()
def fails(why: str) -> str:
    """Fail."""
    raise ValueError(why)


@server.tool()
def dies() -> str:
    """End the server."""
    os._exit(3)


@server.tool()
def picture() -> ImageContent:
    """Give a picture."""
    return ImageContent(type="image", data=base64.b64encode(b"png").decode(), mime_type="image/png")


@server.tool()
def variable(name: str) -> str:
    """Tell an environment variable."""
    return os.environ.get(name, "nothing")


@server.resource("shelf://rules", mime_type="text/plain", description="How to behave")
def rules() -> str:
    return "Be quiet."


@server.prompt()
def recommend(genre: str) -> str:
    """Ask for a book."""
    return f"Name a {genre} book."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")

"""The tools, resources and prompts of any server that speaks the Model Context Protocol.

Through the protocol's own package (extra `mcp`). A server is started, or connected to, at its first use; it is
closed with `close`, at the end of a `with`, or with the process. Each call passes the gate as a call of kind `mcp`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from chainkit.chain import Chain
from chainkit.errors import ChainkitError, CompositionError, ConnectionFailed, MissingExtra, ToolError
from chainkit.models.request import ToolSpec
from chainkit.run.call import Call, Tries
from chainkit.run.gate import through
from chainkit.run.io.kept import Kept
from chainkit.tools.answers import messages_of, parts_of, text_of
from chainkit.tools.tool import Tool, fitting
from chainkit.usage import FREE, NO_USAGE, Cost, Usage

if TYPE_CHECKING:
    from chainkit.messages import Media, Messages, Text
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

_PAGES = 100
"""Pages of a list that are asked for: a server that never ends its list is cut off."""


_CLOSED = -32000
"""The protocol package's code for a connection that is closed."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a server lets be read."""

    uri: str
    name: str
    description: str = ""
    media_type: str | None = None


class McpServer:
    """A server behind the protocol. Made by `mcp`."""

    def __init__(self, name: str, open: Any, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        self.kept = Kept(open)

    def tools(
        self, only: Sequence[str] | None = None, *, prefix: str = "", approve: bool | Sequence[str] = False,
        resources: bool = False,
    ) -> list[Tool[..., Any]]:  # fmt: skip
        """The server's tools, for an agent. Opens the server; blocks.

        `only` names those wanted, `prefix` stands before their names, `approve` says which a person must agree to
        (True: all). With `resources`, two further tools list and read its resources. Raises CompositionError for a
        name that the server has not.
        """
        return self._tools(self._do("list_tools").invoke({}), only, prefix, approve, resources)

    async def atools(
        self, only: Sequence[str] | None = None, *, prefix: str = "", approve: bool | Sequence[str] = False,
        resources: bool = False,
    ) -> list[Tool[..., Any]]:  # fmt: skip
        """`tools` on the running event loop."""
        return self._tools(await self._do("list_tools").ainvoke({}), only, prefix, approve, resources)

    def resources(self) -> list[Resource]:
        """What can be read there. Blocks."""
        return _resources(self._do("list_resources").invoke({}))

    async def aresources(self) -> list[Resource]:
        """`resources` on the running event loop."""
        return _resources(await self._do("list_resources").ainvoke({}))

    def read(self, uri: str) -> tuple[Text | Media, ...]:
        """A resource, as parts of a message. Blocks."""
        return parts_of(self._do("read_resource", uri).invoke({}).contents)

    async def aread(self, uri: str) -> tuple[Text | Media, ...]:
        """`read` on the running event loop."""
        return parts_of((await self._do("read_resource", uri).ainvoke({})).contents)

    def prompts(self) -> dict[str, tuple[str, ...]]:
        """The server's prompts, and the names of what each takes. Blocks."""
        listed = self._do("list_prompts").invoke({})
        return {p.name: tuple(a.name for a in p.arguments or ()) for p in listed}

    def prompt(self, name: str, **arguments: str) -> Messages:
        """A prompt of the server's, filled. Blocks."""
        return messages_of(self._do("get_prompt", name).invoke(arguments))

    async def aprompt(self, name: str, **arguments: str) -> Messages:
        """`prompt` on the running event loop."""
        return messages_of(await self._do("get_prompt", name).ainvoke(arguments))

    def close(self) -> None:
        """Close the connection; a server that was started ends."""
        self.kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"mcp {self.name}"

    def _do(self, method: str, name: str = "") -> McpCall:
        return McpCall(self, method, name)

    def _tools(
        self, listed: Sequence[Any], only: Sequence[str] | None, prefix: str, approve: bool | Sequence[str], more: bool
    ) -> list[Tool[..., Any]]:
        known = {t.name: t for t in listed}
        for name in only or ():
            if name not in known:
                msg = f"mcp {self.name} has no tool {name!r}"
                raise CompositionError(msg, cure=f"it has: {', '.join(known) or 'none'}")
        wanted = [known[n] for n in only] if only is not None else list(listed)
        found = [self._tool(t, prefix, approve) for t in wanted]
        return [*found, *(_readers(self, prefix) if more else ())]

    def _tool(self, told: Any, prefix: str, approve: bool | Sequence[str]) -> Tool[..., Any]:
        asked = approve if isinstance(approve, bool) else told.name in approve
        spec = ToolSpec(fitting(prefix + told.name), told.description or told.title or told.name, told.input_schema)
        chain = McpCall(self, "call_tool", told.name)
        return Tool(chain.invoke, None, chain, spec, approve=asked)


@dataclass(frozen=True, repr=False)
class McpCall(Chain[Any, Any]):
    """One method of a server; a tool's arguments in, what it gave out."""

    server: McpServer
    method: str
    name: str = ""
    takes_arguments: bool = field(default=True, init=False)

    @property
    def label(self) -> str:
        return f"mcp {self.server.name} {self.name or self.method}"

    def compile(self, place: Place) -> Core:
        path = place.path

        async def run(frame: Frame, arguments: Any) -> Any:
            async def send(call: Call) -> _Answer:
                return _Answer(await self._sent(frame, dict(arguments)))

            call = Call(
                frame, Tries(1), kind="mcp", provider=self.server.name, model=self.name or self.method,
                path=frame.prefix + path, request=arguments, send=send, price=_free,
            )  # fmt: skip
            call.bound = lambda: (0, FREE)
            answer: _Answer = await through(call)
            return answer.value

        return run

    async def _sent(self, frame: Frame, arguments: dict[str, Any]) -> Any:
        server = self.server
        try:
            return await server.kept.use(frame, lambda client: _asked(client, self.method, self.name, arguments))
        except ChainkitError:
            raise
        except Exception as error:
            raise _failed(server, self.name or self.method, error) from error


@dataclass(frozen=True)
class _Answer:
    """What a server gave, as the gate wants it: nothing used, nothing to pay that we know of."""

    value: Any
    usage: Usage = NO_USAGE
    price: Any = None


def _free(_: Usage) -> Cost:
    return FREE


async def _asked(client: Any, method: str, name: str, arguments: dict[str, Any]) -> Any:
    if method == "call_tool":
        given = await client.call_tool(name, arguments)
        text = text_of(given)
        if given.is_error:
            raise ToolError(text or f"{name} failed and does not say why")
        return text
    if method == "read_resource":
        return await client.read_resource(name)
    if method == "get_prompt":
        return await client.get_prompt(name, arguments)
    return await _listed(client, method)


async def _listed(client: Any, method: str) -> list[Any]:
    """All pages of a list."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await getattr(client, method)(cursor=cursor)
        found += getattr(page, method.removeprefix("list_"))
        cursor = page.next_cursor
        if not cursor:
            break
    return found


def _failed(server: McpServer, what: str, error: Exception) -> ChainkitError:
    """What went wrong between us and a server, in one error. A group of errors says its first."""
    inner = _first(error)
    if type(inner).__name__ == "MCPError" and inner.code != _CLOSED:
        return ToolError(f"mcp {server.name} answered {what!r} with an error: {inner}")
    # The next call opens another connection, or starts the server anew.
    server.kept.drop()
    cure = "check the command or the URL; what a started server writes to its standard error stands in your terminal"
    return ConnectionFailed(f"mcp {server.name}: {type(inner).__name__}: {inner}", cure=cure)


def _first(error: Any) -> Any:
    """The first of a group of errors."""
    return _first(error.exceptions[0]) if hasattr(error, "exceptions") else error


def _resources(listed: Sequence[Any]) -> list[Resource]:
    return [Resource(str(r.uri), r.name, r.description or "", r.mime_type) for r in listed]


def _readers(server: McpServer, prefix: str) -> list[Tool[..., Any]]:
    from chainkit.messages import Text
    from chainkit.tools.tool import tool

    async def list_resources() -> list[Resource]:
        return await server.aresources()

    async def read_resource(uri: str) -> str:
        parts = await server.aread(uri)
        return "\n".join(p.text if isinstance(p, Text) else repr(p) for p in parts)

    return [
        tool(
            list_resources,
            name=fitting(f"{prefix}list_resources"),
            description=f"List what {server.name} lets be read.",
        ),
        tool(
            read_resource,
            name=fitting(f"{prefix}read_resource"),
            description=f"Read a resource of {server.name} by its uri.",
        ),
    ]


def mcp(
    server: str | Sequence[str],
    *,
    headers: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float = 60.0,
    name: str | None = None,
) -> McpServer:
    """A server: a URL (streamable HTTP), or a command that starts it (stdio), as a line or a list of words.

    `headers` go to a URL, `env` and `cwd` to a command, which otherwise gets only the plainest variables of this
    process and no keys. `timeout` is in seconds for one answer. Nothing is started or sent yet. What the server says
    of its tools reaches the model as it is: use servers that you trust. Raises CompositionError for what is neither,
    MissingExtra at the first use without the package.
    """
    if isinstance(server, str) and server.startswith(("http://", "https://")):
        return McpServer(
            name or server.partition("://")[2].partition("/")[0], _to_url(server, headers, timeout), timeout
        )
    words = shlex.split(server) if isinstance(server, str) else list(server)
    if not words:
        raise CompositionError("an MCP server is a URL or a command", cure="mcp('https://...') or mcp('npx -y ...')")
    return McpServer(name or words[0].rpartition("/")[2], _to_command(words, env, cwd, timeout), timeout)


def _to_url(url: str, headers: Mapping[str, str] | None, timeout: float) -> Any:
    def opened() -> Any:
        package = _package()
        if not headers:
            return package.Client(url, read_timeout_seconds=timeout)
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        # A redirect would take the headers to wherever it leads.
        over = httpx2.AsyncClient(headers=dict(headers), timeout=timeout, follow_redirects=False)
        return package.Client(streamable_http_client(url, http_client=over), read_timeout_seconds=timeout)

    return opened


def _to_command(words: Sequence[str], env: Mapping[str, str] | None, cwd: str | None, timeout: float) -> Any:
    def opened() -> Any:
        package = _package()
        started = package.StdioServerParameters(
            command=words[0], args=list(words[1:]), env=dict(env) if env is not None else None, cwd=cwd
        )
        return package.Client(started, read_timeout_seconds=timeout)

    return opened


def _package() -> Any:
    try:
        import mcp as package
    except ImportError as error:
        raise MissingExtra("MCP servers need the package mcp", cure="pip install 'chainkit[mcp]'") from error
    return package

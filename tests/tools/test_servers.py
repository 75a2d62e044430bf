"""Any MCP server's tools, resources and prompts, over a pipe and over HTTP, against the protocol's own server."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the extra [mcp] is not installed")

from chainkit import Reply, Run, agent
from chainkit.errors import CompositionError, ConnectionFailed, DeadlineExceeded, MissingExtra, ToolError
from chainkit.messages import Text, ToolCall, ToolResult
from chainkit.run.events import ToolFinished
from chainkit.testing import ScriptedModel
from chainkit.tools import McpServer, mcp

pytestmark = pytest.mark.slow

SERVER = str(Path(__file__).with_name("mcp_server.py"))
COMMAND = [sys.executable, SERVER]


@pytest.fixture(scope="module")
def piped() -> Any:
    with mcp(COMMAND, name="shelf") as server:
        yield server


@pytest.fixture(scope="module")
def over_http() -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([*COMMAND, str(port)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "running on" not in (line := process.stderr.readline()):
        assert line, "the server did not start"
    with mcp(f"http://127.0.0.1:{port}/mcp", name="shelf", headers={"x-who": "test"}) as server:
        yield server
    process.terminate()
    process.wait(10)
    process.stderr.close()


@pytest.fixture(params=["piped", "over_http"])
def server(request: pytest.FixtureRequest) -> McpServer:
    return request.getfixturevalue(request.param)


def named(server: McpServer, name: str, **options: Any) -> Any:
    return next(t for t in server.tools(**options) if t.name == name)


def test_its_tools_have_names_that_vendors_take_and_the_servers_own_schemas(server: McpServer) -> None:
    tools = {t.name: t for t in server.tools()}
    assert sorted(tools) == ["add", "books_find", "dies", "fails", "picture", "variable"]
    assert tools["add"].description == "Add two numbers."
    assert tools["add"].parameters["required"] == ["a", "b"]
    assert [t.name for t in server.tools(["books/find"], prefix="s_")] == ["s_books_find"]


def test_an_agent_calls_them(server: McpServer) -> None:
    wanted = Reply(
        (ToolCall("add", {"a": 1, "b": 2}, "1"), ToolCall("books_find", {"title": "Emma"}, "2")), "tool_calls"
    )
    model = ScriptedModel(lambda m: "fine" if m[-1].role == "tool" else wanted)
    chain = agent(model, server.tools())
    for found in (chain.invoke("go"), asyncio.run(chain.ainvoke("go"))):
        results = [p.text for m in found.messages for p in m.parts if isinstance(p, ToolResult)]
        assert results[0] == "3"
        assert '"Emma"' in results[1]


def test_each_call_has_a_row_of_its_own_kind(server: McpServer) -> None:
    with Run(keep=True) as run:
        named(server, "add").chain.invoke({"a": 2, "b": 2})
    row = run.rows[-1]
    assert (row.kind, row.provider, row.model, row.outcome, str(row.cost)) == ("mcp", "shelf", "add", "ok", "$0.000000")


def test_a_tool_that_fails_is_told_to_the_model(server: McpServer) -> None:
    with pytest.raises(ToolError, match="fails"):
        named(server, "fails").chain.invoke({"why": "no"})
    model = ScriptedModel(
        lambda m: "sorry" if m[-1].role == "tool" else Reply((ToolCall("fails", {"why": "x"}, "1"),), "tool_calls")
    )
    told = [e for e in agent(model, server.tools()).events("go") if isinstance(e, ToolFinished)]
    assert "fails" in told[0].result
    assert told[0].error is not None


def test_wrong_arguments_are_the_servers_to_refuse(server: McpServer) -> None:
    with pytest.raises(ToolError):
        named(server, "add").chain.invoke({"a": "x"})


def test_a_picture_is_named_where_only_text_can_go(server: McpServer) -> None:
    assert named(server, "picture").chain.invoke({}) == "[Media(image, image/png, 3 bytes)]"


def test_resources_can_be_listed_and_read_by_us_and_by_the_model(server: McpServer) -> None:
    (only,) = server.resources()
    assert (only.uri, only.media_type, only.description) == ("shelf://rules", "text/plain", "How to behave")
    assert server.read("shelf://rules") == (Text("Be quiet."),)
    assert asyncio.run(server.aread("shelf://rules")) == (Text("Be quiet."),)
    tools = {t.name: t for t in server.tools(resources=True)}
    wanted = [Reply((ToolCall("read_resource", {"uri": "shelf://rules"}, "1"),), "tool_calls"), "ok"]
    model = ScriptedModel(lambda m: wanted[sum(t.role == "tool" for t in m)])
    found = agent(model, [tools["list_resources"], tools["read_resource"]]).invoke("go")
    assert any(getattr(p, "text", "") == "Be quiet." for m in found.messages for p in m.parts)


def test_prompts_become_messages(server: McpServer) -> None:
    assert server.prompts() == {"recommend": ("genre",)}
    (turn,) = server.prompt("recommend", genre="crime")
    assert (turn.role, turn.text) == ("user", "Name a crime book.")
    assert asyncio.run(server.aprompt("recommend", genre="x"))[0].text == "Name a x book."


def test_a_name_that_the_server_has_not_is_refused(server: McpServer) -> None:
    with pytest.raises(CompositionError, match="has no tool 'ad'"):
        server.tools(["ad"])


def test_a_person_can_be_asked_first(server: McpServer) -> None:
    assert [t.name for t in server.tools(approve=["add"]) if t.approve] == ["add"]
    assert all(t.approve for t in server.tools(approve=True))


def test_a_started_server_gets_no_keys_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with mcp(COMMAND) as server:
        assert named(server, "variable").chain.invoke({"name": "OPENAI_API_KEY"}) == "nothing"
    with mcp(COMMAND, env={"SHELF": "B"}) as server:
        assert named(server, "variable").chain.invoke({"name": "SHELF"}) == "B"


def test_a_server_that_died_is_said_so_and_started_again_by_the_next_call() -> None:
    with mcp(COMMAND) as server:
        add, dies = named(server, "add"), named(server, "dies")
        with pytest.raises(ConnectionFailed, match="closed"):
            dies.chain.invoke({})
        assert add.chain.invoke({"a": 1, "b": 2}) == "3"


def test_it_is_closed_and_opened_again() -> None:
    server = mcp(COMMAND)
    add = named(server, "add")
    server.close()
    server.close()
    assert add.chain.invoke({"a": 1, "b": 2}) == "3"
    server.close()


@pytest.mark.parametrize("where", [["no-such-program-here"], "http://127.0.0.1:9/mcp", [sys.executable, "-c", "pass"]],
                         ids=["no program", "nothing listens", "no server"])  # fmt: skip
def test_what_cannot_be_reached_says_so(where: Any) -> None:
    with mcp(where) as server, pytest.raises(ConnectionFailed, match="mcp "):
        server.tools()


def test_the_runs_deadline_holds() -> None:
    silent = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with mcp(silent) as server, pytest.raises(DeadlineExceeded):
        with Run(deadline=0.3):
            server.tools()


def test_an_empty_command_is_refused() -> None:
    with pytest.raises(CompositionError, match="URL or a command"):
        mcp("")


def test_without_the_package_its_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(MissingExtra, match=r"chainkit\[mcp\]"):
        mcp(COMMAND).tools()

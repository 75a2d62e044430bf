"""The vendors' own clients as carriers: made by us or handed over, in both modes, against a server on this machine."""

from __future__ import annotations

import socket

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from loopback import CLOSE, chunk, head, whole

from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    CompositionError,
    ConnectionFailed,
    DeadlineExceeded,
    RateLimited,
    StreamBroken,
)
from chainkit.messages import as_messages
from chainkit.models.provider import Account
from chainkit.models.registry import find
from chainkit.models.request import ChatRequest
from chainkit.run.carriers.threads import driven
from chainkit.run.io import Blocking, Loop

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")
cohere = pytest.importorskip("cohere")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SECRET = "sk-" + "secret"
WHOLE: dict[str, Any] = {
    "openai": {"id": "1", "choices": [{"index": 0, "message": {"content": "Hi."}, "finish_reason": "stop"}]},
    "anthropic": {
        "id": "1",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hi."}],
        "stop_reason": "end_turn",
    },
    "cohere": {"id": "1", "message": {"content": [{"type": "text", "text": "Hi."}]}, "finish_reason": "COMPLETE"},
}
EVENTS: dict[str, list[Any]] = {
    "openai": [
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "Hi"}}]},
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": "stop"}]},
        "[DONE]",
    ],
    "anthropic": [
        {
            "type": "message_start",
            "message": {"id": "1", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ],
    "cohere": [
        {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hi"}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "."}}}},
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {}}},
    ],
}
PATHS = {"openai": "/chat/completions", "anthropic": "/v1/messages", "cohere": "/v2/chat"}
VENDORS = ["openai", "anthropic", "cohere"]


def told(vendor: str, *, stream: bool) -> list[Any]:
    if not stream:
        return [whole(json.dumps(WHOLE[vendor]).encode(), "Content-Type: application/json", "X-One: 1")]
    events = [e if isinstance(e, str) else json.dumps(e) for e in EVENTS[vendor]]
    names = [f"event: {e['type']}\n" if isinstance(e, dict) and "type" in e else "" for e in EVENTS[vendor]]
    data = [f"{n}data: {e}\n\n".encode() for n, e in zip(names, events, strict=True)]
    return [head("Content-Type: text/event-stream"), *map(chunk, data), chunk(b"")]


class Call:
    def __init__(self, io: Any, *, stream: bool, until: float | None, shown: list[str]) -> None:
        messages = as_messages("Say hi.")
        assert messages is not None
        self.request = ChatRequest("m-1", messages, {"max_tokens": 9}, stream=stream)
        self.io = io
        self.until = until
        self.emit = self._emit if stream else None
        self._shown = shown

    async def _emit(self, piece: Any) -> None:
        self._shown.append(piece.text)


def ask(
    mode: str, account: Account, *, stream: bool = False, until: float | None = None, shown: list[str] | None = None
) -> Any:
    """Answer through the provider's own row, in one mode."""
    shown = [] if shown is None else shown
    backend = find(account.provider).open(account)
    if mode == "blocking":
        try:
            return driven(backend.send(Call(Blocking(), stream=stream, until=until, shown=shown)))
        finally:
            driven(shut(account.client)) if account.client is not None and not is_async(account.client) else None

    async def work() -> Any:
        try:
            return await backend.send(Call(Loop(), stream=stream, until=until, shown=shown))
        finally:
            await shut(account.client)

    return asyncio.run(work())


def is_async(client: Any) -> bool:
    return "Async" in type(client).__name__


async def shut(client: Any) -> None:
    """Close an async client on its loop, as its owner would."""
    http = client._client_wrapper.httpx_client.httpx_client if hasattr(client, "_client_wrapper") else client
    close = getattr(http, "aclose", None) or getattr(http, "close", None)
    if close is not None and (closing := close()) is not None:
        await closing


@pytest.fixture(params=["blocking", "loop"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CO_API_KEY", "COHERE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("ANTHROPIC_CONFIG_DIR", raising=False)
    monkeypatch.setenv("HOME", "/nowhere")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_client_of_ours_carries_the_request_and_hands_back_the_bare_answer(
    serve: Any, mode: str, vendor: str, stream: bool
) -> None:
    server = serve(lambda _: told(vendor, stream=stream))
    shown: list[str] = []
    account = Account(vendor, api_key=SECRET, base_url=server.url, carrier="sdk")
    reply = ask(mode, account, stream=stream, shown=shown)
    assert (reply.text, reply.finish_reason) == ("Hi.", "stop")
    assert shown == (["Hi", "."] if stream else [])
    seen = server.seen[0]
    assert (seen.method, seen.target) == ("POST", PATHS[vendor])
    assert SECRET in str(seen.headers)
    assert vendor in (seen.headers.get("user-agent", "") + seen.headers.get("x-fern-sdk-name", "")).lower()
    body = json.loads(seen.body)
    assert (body["model"], body.get("stream", False)) == ("m-1", stream)


@pytest.mark.parametrize("carrier", ["sdk", "httpx"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_both_carriers_ask_the_same_thing(serve: Any, vendor: str, carrier: Any) -> None:
    bodies = []
    for kind in ("sdk", "httpx"):
        server = serve(lambda _: told(vendor, stream=False))
        ask("blocking", Account(vendor, api_key=SECRET, base_url=server.url, carrier=kind))
        bodies.append((server.seen[0].target, json.loads(server.seen[0].body)))
    assert bodies[0] == bodies[1]


def handed(vendor: str, mode: str, url: str) -> Any:
    if vendor == "openai":
        return (openai.OpenAI if mode == "blocking" else openai.AsyncOpenAI)(api_key=SECRET, base_url=url)
    if vendor == "anthropic":
        return (anthropic.Anthropic if mode == "blocking" else anthropic.AsyncAnthropic)(api_key=SECRET, base_url=url)
    return (cohere.ClientV2 if mode == "blocking" else cohere.AsyncClientV2)(api_key=SECRET, base_url=url)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_client_handed_over_is_used_as_it_is(serve: Any, mode: str, vendor: str, stream: bool) -> None:
    server = serve(lambda _: told(vendor, stream=stream))
    shown: list[str] = []
    reply = ask(mode, Account(vendor, client=handed(vendor, mode, server.url)), stream=stream, shown=shown)
    assert reply.text == "Hi."
    assert shown == (["Hi", "."] if stream else [])
    assert SECRET in str(server.seen[0].headers)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_sync_client_handed_over_serves_a_loop_from_a_worker(serve: Any, vendor: str) -> None:
    server = serve(lambda _: told(vendor, stream=True))
    shown: list[str] = []
    reply = ask("loop", Account(vendor, client=handed(vendor, "blocking", server.url)), stream=True, shown=shown)
    assert (reply.text, shown) == ("Hi.", ["Hi", "."])


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_async_client_handed_over_to_a_blocking_call_is_refused_with_the_cure(serve: Any, vendor: str) -> None:
    client = handed(vendor, "loop", "http://127.0.0.1:1")
    with pytest.raises(CompositionError) as caught:
        ask("blocking", Account(vendor, client=client))
    assert "ainvoke" in str(caught.value)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_refusal_is_sent_once_and_read_by_the_same_error_map(serve: Any, mode: str, vendor: str, own: bool) -> None:
    refusal = json.dumps({"message": "slow down", "error": {"message": "slow down"}}).encode()
    server = serve(lambda _: [whole(refusal, "Retry-After: 7", status="429 Too Many Requests")])
    account = (
        Account(vendor, api_key=SECRET, base_url=server.url, carrier="sdk")
        if own
        else Account(vendor, client=handed(vendor, mode, server.url))
    )
    with pytest.raises(RateLimited, match="slow down") as caught:
        ask(mode, account)
    assert (caught.value.status, caught.value.retry_after) == (429, 7.0)
    assert len(server.seen) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_lost_connection_is_tried_once_and_named(serve: Any, mode: str, vendor: str) -> None:
    server = serve(lambda _: [CLOSE])
    with pytest.raises(ConnectionFailed) as caught:
        ask(mode, Account(vendor, api_key=SECRET, base_url=server.url, carrier="sdk"))
    assert caught.value.code == "lost"
    assert len(server.seen) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_server_that_is_not_there_is_named(mode: str, vendor: str) -> None:
    with socket.socket() as silent:
        # Bound, so that nobody else gets the port, and not listening.
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for account in (
            Account(vendor, api_key=SECRET, base_url=url, carrier="sdk"),
            Account(vendor, client=handed(vendor, mode, url)),
        ):
            with pytest.raises(ConnectionFailed, match="could not connect"):
                ask(mode, account)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_stream_cut_short_is_broken(serve: Any, mode: str, vendor: str) -> None:
    server = serve(lambda _: [*told(vendor, stream=True)[:-2], CLOSE])
    shown: list[str] = []
    with pytest.raises(StreamBroken):
        ask(mode, Account(vendor, api_key=SECRET, base_url=server.url, carrier="sdk"), stream=True, shown=shown)
    assert shown[0] == "Hi"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_client_of_ours_keeps_the_total_deadline_on_a_dripping_server(serve: Any, vendor: str, stream: bool) -> None:
    first = [head("Content-Type: text/event-stream")] if stream else [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"]
    drip = [step for _ in range(200) for step in (0.02, chunk(b":") if stream else b" ")]
    server = serve(lambda _: [*first, *drip])
    account = Account(vendor, api_key=SECRET, base_url=server.url, carrier="sdk")
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        ask("blocking", account, stream=stream, until=begun + 0.6)
    assert time.monotonic() - begun < 2.0
    assert server.was_left()


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_silent_server_meets_the_deadline_through_a_client_handed_over(serve: Any, vendor: str) -> None:
    server = serve(lambda _: [threading.Event()])
    client = handed(vendor, "blocking", server.url)
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        ask("blocking", Account(vendor, client=client), until=begun + 0.3)
    assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("vendor", VENDORS)
def test_without_a_key_the_variable_is_named(mode: str, vendor: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        ask(mode, Account(vendor, carrier="sdk"))
    assert "key" in str(caught.value)


def test_credentials_that_cannot_be_read_are_an_authentication_error(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", "/nowhere/at/all")
    with pytest.raises(AuthenticationError, match="/nowhere/at/all"):
        ask(mode, Account("anthropic", carrier="sdk"))


@pytest.mark.parametrize(
    ("vendor", "variable"),
    [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY"), ("cohere", "CO_API_KEY")],
)
def test_the_environments_key_does_not_leave_for_a_foreign_host(
    serve: Any, mode: str, vendor: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, SECRET)
    server = serve(lambda _: told(vendor, stream=False))
    ask(mode, Account(vendor, base_url=server.url, carrier="sdk"))
    assert SECRET not in str(server.seen[0].headers)


def test_an_azure_clients_own_path_and_key_are_used(serve: Any, mode: str) -> None:
    server = serve(lambda _: told("openai", stream=False))
    make = openai.AzureOpenAI if mode == "blocking" else openai.AsyncAzureOpenAI
    client = make(api_key=SECRET, api_version="2024-10-21", azure_endpoint=server.url)
    assert ask(mode, Account("openai", api="chat", client=client)).text == "Hi."
    assert server.seen[0].target == "/openai/deployments/m-1/chat/completions?api-version=2024-10-21"
    assert server.seen[0].headers["api-key"] == SECRET


def test_another_vendors_client_is_refused() -> None:
    with pytest.raises(CompositionError, match="anthropic's own client"):
        ask("blocking", Account("anthropic", client=handed("openai", "blocking", "http://127.0.0.1:1")))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_key_that_http_refuses_is_not_shown(serve: Any, mode: str, vendor: str) -> None:
    import traceback

    server = serve(lambda _: told(vendor, stream=False))
    with pytest.raises((BadRequest, AuthenticationError, ConnectionFailed)) as caught:
        ask(mode, Account(vendor, api_key=f"{SECRET}\n{SECRET}", base_url=server.url, carrier="sdk"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))

"""A provider that speaks HTTP: what leaves, what comes back, and which key goes where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    CompositionError,
    ConnectionFailed,
    MissingExtra,
    ProviderError,
    RateLimited,
    ReplyMalformed,
    StreamBroken,
)
from chainkit.messages import Text, as_messages
from chainkit.models import http_backend
from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit.models.json_bytes import parsed, written
from chainkit.models.pieces import TextPiece
from chainkit.models.provider import Account
from chainkit.models.reply import Reply
from chainkit.models.request import ChatRequest
from chainkit.run.carriers.threads import driven
from chainkit.run.carriers.wire import HttpRequest
from chainkit.run.io import Blocking

SECRET = "sk-" + "secret"


class Fold:
    def __init__(self) -> None:
        self.text = ""
        self.ended = False

    def feed(self, event: str, data: bytes) -> list[Any]:
        if data == b"[DONE]":
            self.ended = True
            return []
        try:
            text = json.loads(data)["text"]
        except ValueError as error:
            raise ReplyMalformed(str(error)) from None
        self.text += text
        return [TextPiece(text)]

    def finish(self) -> Reply:
        if not self.ended:
            raise StreamBroken("the stream ended before its end")
        return Reply((Text(self.text),))


class Wire:
    name = "chat"
    path = "chat/{model}"

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"ask": request.messages[-1].text, "stream": request.stream}
        if "seed" in options:
            body["seed"] = options.pop("seed")
        return body

    def decode(self, body: Any) -> Reply:
        return Reply((Text(body["text"]),), raw=body)

    def fold(self, request: ChatRequest) -> Fold:
        return Fold()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        kind = {401: AuthenticationError, 429: RateLimited}.get(status, BadRequest)
        return kind(f"acme answered {status}: {body.decode()}", status=status)


class Response:
    def __init__(self, status: int, pieces: list[Any], headers: dict[str, str]) -> None:
        self.status = status
        self.headers = headers
        self._pieces = iter(pieces)
        self.closed: bool | None = None

    async def chunk(self) -> bytes:
        piece = next(self._pieces, b"")
        if isinstance(piece, Exception):
            raise piece
        return bytes(piece)

    async def read(self) -> bytes:
        data = b""
        while piece := await self.chunk():
            data += piece
        return data

    async def close(self, whole: bool) -> None:
        self.closed = whole


class Carrier:
    relative = False

    def __init__(self, *pieces: Any, status: int = 200, **headers: str) -> None:
        self.sent: list[HttpRequest] = []
        self.until: float | None = None
        self.accounts: list[Account] = []
        self.response = Response(status, list(pieces), {n.replace("_", "-"): v for n, v in headers.items()})

    async def open(self, request: HttpRequest, *, until: float | None) -> Response:
        self.sent.append(request)
        self.until = until
        return self.response

    def close(self) -> None: ...


class Call:
    def __init__(self, request: ChatRequest, emit: Any = None, until: float | None = None) -> None:
        self.request = request
        self.emit = emit
        self.until = until
        self.io = Blocking()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", SECRET)
    for name in ("ACME_OTHER_KEY", "ACME_BASE_URL", "ACME_ORG"):
        monkeypatch.delenv(name, raising=False)


def row(**changes: Any) -> HttpProvider:
    plain: dict[str, Any] = {
        "name": "acme",
        "base_url": "https://api.acme.test/v1",
        "wires": {"chat": Wire()},
        "key_env": ("ACME_API_KEY", "ACME_OTHER_KEY"),
        "base_url_env": ("ACME_BASE_URL",),
        "headers": {"acme-version": "7"},
        "header_env": {"acme-org": "ACME_ORG"},
        "keys_at": "https://acme.test/keys",
    }
    return HttpProvider(**(plain | changes))


def asked(text: str = "hello", *, stream: bool = False, **options: Any) -> ChatRequest:
    messages = as_messages(text)
    assert messages is not None
    return ChatRequest("big model", messages, options, stream=stream)


class Sending:
    """Sends through a fake carrier."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.shown: list[str] = []

    def through(self, carrier: Carrier) -> Carrier:
        def found(account: Account, *_: Any) -> Carrier:
            carrier.accounts.append(account)
            return carrier

        self._monkeypatch.setattr(http_backend.CLIENTS, "carrier", found)
        return carrier

    def __call__(
        self, carrier: Carrier, request: ChatRequest | None = None, *, stream: bool = False, **account: Any
    ) -> Reply:
        self.through(carrier)
        backend = account.pop("backend", None) or row(**account.pop("row", {})).open(Account("acme", **account))
        return driven(backend.send(Call(request or asked(), self.emit if stream else None)))

    async def emit(self, piece: TextPiece) -> None:
        self.shown.append(piece.text)


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Sending:
    return Sending(monkeypatch)


def sse(*texts: str, done: bool = True) -> bytes:
    events = [b"data: " + json.dumps({"text": t}).encode() + b"\n\n" for t in texts]
    return b"".join(events) + (b"data: [DONE]\n\n" if done else b"")


# What leaves.


def test_a_request_goes_to_its_path_with_key_and_body_and_its_answer_is_read(send: Sending) -> None:
    carrier = Carrier(b'{"text": ', b'"hi"}', x_request_id="r1")
    reply = send(carrier, asked("grüß dich", seed=3))
    sent = carrier.sent[0]
    assert (sent.method, sent.url) == ("POST", "https://api.acme.test/v1/chat/big%20model")
    assert sent.body == '{"ask":"grüß dich","stream":false,"seed":3}'.encode()
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    assert (sent.headers["acme-version"], sent.headers["content-type"]) == ("7", "application/json")
    assert (reply.text, reply.headers["x-request-id"]) == ("hi", "r1")
    assert carrier.response.closed is True


def test_an_option_that_the_wire_left_over_is_refused_before_sending(send: Sending) -> None:
    carrier = Carrier(b"{}")
    with pytest.raises(BadRequest, match="acme:big model cannot honour the option 'min_p', 'top_k'"):
        send(carrier, asked(min_p=0.1, top_k=3, seed=1))
    assert carrier.sent == []


def test_the_deadline_reaches_the_carrier(send: Sending) -> None:
    carrier = send.through(Carrier(b'{"text": ""}'))
    driven(row().open(Account("acme")).send(Call(asked(), until=123.0)))
    assert carrier.until == 123.0


def test_an_unknown_api_is_refused_with_those_there_are() -> None:
    with pytest.raises(CompositionError, match="api='chut'") as caught:
        row().open(Account("acme", api="chut"))
    assert "did you mean 'chat'?" in str(caught.value)


def test_a_wire_may_be_an_import_string() -> None:
    backend = row(wires={"chat": "json:loads"}).open(Account("acme"))
    assert backend._wire is json.loads  # type: ignore[comparison-overlap]


def test_rendering_shows_the_request_and_no_key(send: Sending) -> None:
    shown = row().open(Account("acme")).render(asked(stream=True, seed=3))
    assert (shown.method, shown.url) == ("POST", "https://api.acme.test/v1/chat/big%20model")
    assert shown.body == {"ask": "hello", "stream": True, "seed": 3}
    assert shown.headers["authorization"] == "Bearer ***"
    assert SECRET not in repr(shown)


def test_rendering_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_API_KEY")
    assert row().open(Account("acme")).render(asked()).url.startswith("https://api.acme.test")


def test_a_lone_surrogate_travels_as_its_escape() -> None:
    assert written({"a": "\ud800"}) == b'{"a":"\\ud800"}'
    assert parsed(b'{"a":"\\ud800"}') == {"a": "\ud800"}


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(BadRequest, match="JSON"):
        written({"a": value})


# What comes back.


def test_a_stream_is_shown_piece_by_piece_and_folded_into_one_reply(send: Sending) -> None:
    data = sse("a", "b", "c")
    carrier = Carrier(data[:10], data[10:40], data[40:])
    reply = send(carrier, stream=True)
    assert (send.shown, reply.text) == (["a", "b", "c"], "abc")
    assert json.loads(carrier.sent[0].body or b"")["stream"] is True
    assert carrier.sent[0].headers["accept"] == "text/event-stream"
    assert carrier.response.closed is True


def test_a_stream_whose_last_event_lacks_its_blank_line_is_whole(send: Sending) -> None:
    assert send(Carrier(sse("a", done=False) + b"data: [DONE]"), stream=True).text == "a"


@pytest.mark.parametrize("tail", [b"", b'data: {"te', b'data: {"text": "b"}\n\ndata: {"te'])
def test_a_stream_that_ends_early_is_broken(send: Sending, tail: bytes) -> None:
    carrier = Carrier(sse("a", done=False), tail)
    with pytest.raises(StreamBroken):
        send(carrier, stream=True)
    assert carrier.response.closed is False


def test_a_stream_whose_connection_is_lost_is_broken(send: Sending) -> None:
    carrier = Carrier(sse("a", done=False), ConnectionFailed("gone", code="lost"))
    with pytest.raises(StreamBroken, match="gone"):
        send(carrier, stream=True)
    assert send.shown == ["a"]
    assert carrier.response.closed is False


def test_an_error_of_whoever_listens_closes_the_socket(send: Sending) -> None:
    carrier = send.through(Carrier(sse("a", "b")))

    async def emit(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driven(row().open(Account("acme")).send(Call(asked(), emit)))
    assert carrier.response.closed is False


def test_a_server_that_answers_a_stream_all_at_once_is_understood(send: Sending) -> None:
    carrier = Carrier(b'{"text": "all"}', content_type="application/json; charset=utf-8")
    assert send(carrier, stream=True).text == "all"
    assert send.shown == ["all"]


def test_what_is_no_json_is_shown_in_part_and_without_the_key(send: Sending) -> None:
    page = f"<html>{SECRET} {'x' * 500}".encode()
    with pytest.raises(ReplyMalformed) as caught:
        send(Carrier(page))
    assert "<html>*** xxx" in caught.value.message
    assert len(caught.value.message) < 300
    assert "base_url" in str(caught.value)


def test_an_answer_that_is_no_reply_is_mapped_by_the_wire_and_scrubbed(send: Sending) -> None:
    with pytest.raises(RateLimited) as caught:
        send(Carrier(f"slow down, {SECRET}".encode(), status=429))
    assert caught.value.message == "acme answered 429: slow down, ***"
    assert SECRET not in str(caught.value.args)


def test_a_redirect_is_an_error_that_says_where_to(send: Sending) -> None:
    with pytest.raises(BadRequest, match=r"307: a redirect to https://new\.test/v1") as caught:
        send(Carrier(status=307, location="https://new.test/v1"))
    assert "base_url" in str(caught.value)


# Which key goes where.


def sent_with(send: Sending, **account: Any) -> HttpRequest:
    carrier = Carrier(b'{"text": ""}')
    send(carrier, **account)
    return carrier.sent[0]


def test_a_missing_key_is_named_with_the_variable_before_anything_is_sent(
    send: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_API_KEY")
    carrier = Carrier()
    with pytest.raises(AuthenticationError, match="no API key") as caught:
        send(carrier)
    assert "set ACME_API_KEY or ACME_OTHER_KEY (keys: https://acme.test/keys)" in str(caught.value)
    assert carrier.sent == []
    with pytest.raises(AuthenticationError):
        row().open(Account("acme")).check()


def test_a_key_that_is_passed_goes_wherever_it_was_meant_to(send: Sending) -> None:
    sent = sent_with(send, api_key="sk-mine", base_url="http://gateway.test/v2/")
    assert (sent.headers["authorization"], sent.url) == ("Bearer sk-mine", "http://gateway.test/v2/chat/big%20model")


def test_the_environments_key_is_not_sent_to_a_foreign_host(send: Sending) -> None:
    sent = sent_with(send, base_url="https://evil.test/v1")
    assert "authorization" not in sent.headers
    assert SECRET not in str(sent.headers)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.acme.test/v1",
        "https://api.acme.test.evil.test/v1",
        "https://api.acme.test:8443/v1",
        "https://api.acme.test@evil.test/v1",
        "https://eu.acme.test.evil/v1",
        "https://xacme.test/v1",
    ],
)
def test_a_host_that_only_looks_like_the_vendors_gets_no_key(send: Sending, base_url: str) -> None:
    sent = sent_with(send, base_url=base_url, row={"hosts": (".acme.test",) if "api." not in base_url else ()})
    assert "authorization" not in sent.headers


@pytest.mark.parametrize("base_url", ["https://api.acme.test/v2", "https://eu.acme.test/v1", "https://API.acme.test/"])
def test_the_vendors_own_hosts_get_the_environments_key(send: Sending, base_url: str) -> None:
    sent = sent_with(send, base_url=base_url, row={"hosts": (".acme.test",)})
    assert sent.headers["authorization"] == f"Bearer {SECRET}"


def test_a_base_url_from_the_vendors_own_variable_gets_the_key(send: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_BASE_URL", "http://proxy.inner/acme")
    monkeypatch.setenv("ACME_ORG", "org-1")
    sent = sent_with(send)
    assert sent.url == "http://proxy.inner/acme/chat/big%20model"
    assert (sent.headers["authorization"], sent.headers["acme-org"]) == (f"Bearer {SECRET}", "org-1")


def test_a_foreign_host_that_wants_a_key_is_answered_with_why_it_got_none(send: Sending) -> None:
    with pytest.raises(AuthenticationError) as caught:
        send(Carrier(b"who are you", status=401), base_url="https://other.test")
    assert "ACME_API_KEY is sent to acme's own hosts only" in str(caught.value)
    assert "https://other.test" in str(caught.value)


def test_the_key_of_another_variable_may_want_another_header(send: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_API_KEY")
    monkeypatch.setenv("ACME_OTHER_KEY", " tok\n")
    sent = sent_with(
        send, row={"auth": "X-Api-Key: {key}", "auth_for": {"ACME_OTHER_KEY": "Authorization: Token {key}"}}
    )
    assert sent.headers["authorization"] == "Token tok"
    assert "x-api-key" not in sent.headers


def test_a_server_that_needs_no_key_is_sent_none(send: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_API_KEY")
    sent = sent_with(send, row={"key_needed": False, "base_url": "http://localhost:8080/v1"})
    assert "authorization" not in sent.headers


class Handed:
    """Looks like an httpx client with its own base URL and key."""

    def __init__(self, base_url: str = "", **headers: str) -> None:
        self.base_url = base_url
        self.headers = headers


Handed.__module__ = "httpx"


def test_a_handed_clients_own_base_url_and_key_are_kept(send: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_backend, "_sdks", lambda _: False)
    monkeypatch.delenv("ACME_API_KEY")
    sent = sent_with(send, client=Handed("https://inner.test/acme/", Authorization="Bearer own"))
    assert sent.url == "https://inner.test/acme/chat/big%20model"
    assert "authorization" not in sent.headers


# Vendors' own clients.


class Sdk:
    def __init__(self) -> None:
        self.accounts: list[Account] = []

    def mode(self, client: object) -> str | None:
        return "sync"

    def client(self, account: Account, sockets: Any) -> Any:
        self.accounts.append(account)
        raise ModuleNotFoundError("No module named 'acme'", name="acme")

    def carrier(self, client: Any, sockets: Any = None) -> Any:
        return client


SDK = Sdk()


def backend(monkeypatch: pytest.MonkeyPatch, **account: Any) -> HttpBackend:
    monkeypatch.setattr(http_backend, "imported", lambda what: SDK if what == "acme:SDK" else what)
    return row(sdk="acme:SDK", extra="acme-extra").open(Account("acme", carrier="sdk", **account))


def test_a_vendors_package_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingExtra) as caught:
        backend(monkeypatch).check()
    assert "pip install 'chainkit[acme-extra]'" in str(caught.value)


def test_a_vendors_client_gets_the_path_and_json_and_no_key_of_ours(
    send: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Carrier(b'{"text": "hi"}')
    carrier.relative = True
    assert send(carrier, backend=backend(monkeypatch)).text == "hi"
    sent = carrier.sent[0]
    assert (sent.url, sent.json, sent.body) == ("/chat/big%20model", {"ask": "hello", "stream": False}, None)
    assert dict(sent.headers) == {}
    assert carrier.accounts[0].api_key is None


def test_a_vendors_client_for_a_foreign_host_is_kept_from_the_environments_key(
    send: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Carrier(b'{"text": "hi"}')
    send(carrier, backend=backend(monkeypatch, base_url="https://evil.test"))
    assert carrier.accounts[0].api_key == "none"


def test_without_aiohttp_check_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(MissingExtra, match="aiohttp"):
        row().open(Account("acme", carrier="aiohttp")).check()


def test_a_profile_comes_from_the_row_or_says_nothing() -> None:
    assert row().profile("m").context is None
    made = row(profiles=lambda model: row().profile(model.upper())).profile("m")
    assert made.model == "M"

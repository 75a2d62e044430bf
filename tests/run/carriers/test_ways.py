"""TLS, and proxies that the environment names."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from loopback import Server, whole

from chainkit.errors import ConnectionFailed, DeadlineExceeded
from chainkit.run.carriers import blocking_socket
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.proxies import Proxy, proxy_for
from chainkit.run.carriers.threads import driven
from chainkit.run.carriers.wire import HttpRequest


@pytest.mark.usefixtures("trusting")
def test_tls_carries_requests_over_one_connection(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)], secure=True)
    body = b"x" * 300_000
    assert talk.ask(server.url, b"one")[2] == b"one"
    assert talk.ask(server.url, body)[2] == body
    assert server.connections == 1


def test_a_certificate_nobody_trusts_is_refused_with_the_variable_to_set(serve: Any, talk: Any) -> None:
    server = serve(lambda seen: [whole(seen.body)], secure=True)
    with pytest.raises(ConnectionFailed, match="certificate") as caught:
        talk.ask(server.url)
    assert "SSL_CERT_FILE" in str(caught.value)
    assert server.seen == []


@pytest.mark.usefixtures("trusting")
def test_the_deadline_cuts_a_handshake_that_never_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        carrier = PooledCarrier(blocking_socket.dial)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            driven(carrier.open(HttpRequest("POST", url, {}, b""), until=begun + 0.2))
        assert time.monotonic() - begun < 1.0


class Tunnel:
    """A proxy: forwards a plain request to a server, or opens a way to it."""

    def __init__(self, behind: Server, refuse: bytes | None = None) -> None:
        self.asked: list[bytes] = []
        self._behind = behind
        self._refuse = refuse
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._held = [self._listener]
        self.url = f"http://ann:s%20s@127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._held.append(client)
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += client.recv(65536)
        self.asked.append(asked)
        if self._refuse is not None:
            client.sendall(self._refuse)
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self._behind.port))
        self._held.append(server)
        if asked.startswith(b"CONNECT"):
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            server.sendall(asked)
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            other.close()

    def stop(self) -> None:
        for held in self._held:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()


@pytest.fixture
def tunnel() -> Iterator[Any]:
    made: list[Tunnel] = []

    def make(behind: Server, refuse: bytes | None = None) -> Tunnel:
        made.append(Tunnel(behind, refuse))
        return made[-1]

    yield make
    for one in made:
        one.stop()


BASIC = b"Basic " + base64.b64encode(b"ann:s s")


def test_a_plain_request_goes_to_the_proxy_with_its_whole_url(
    serve: Any, talk: Any, tunnel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = tunnel(serve(lambda seen: [whole(seen.body)]))
    monkeypatch.setenv("http_proxy", proxy.url)
    assert talk.ask("http://model.test/v1/chat", b"hello")[2] == b"hello"
    assert proxy.asked[0].startswith(b"POST http://model.test/v1/chat HTTP/1.1\r\n")
    assert BASIC in proxy.asked[0]


@pytest.mark.usefixtures("trusting")
def test_a_secure_request_goes_through_a_tunnel_that_sees_no_key(
    serve: Any, talk: Any, tunnel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = tunnel(serve(lambda seen: [whole(seen.body)], secure=True))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert talk.ask("https://model.test/v1/chat", b"hello", authorization="Bearer k")[2] == b"hello"
    assert talk.ask("https://model.test/v1/chat", b"again")[2] == b"again"
    assert len(proxy.asked) == 1
    assert proxy.asked[0].startswith(b"CONNECT model.test:443 HTTP/1.1\r\n")
    assert BASIC in proxy.asked[0]
    assert b"Bearer" not in proxy.asked[0]


def test_a_proxy_that_refuses_is_named_with_the_variable(
    serve: Any, talk: Any, tunnel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    proxy = tunnel(serve(lambda _: []), refuse=refusal)
    monkeypatch.setenv("https_proxy", proxy.url)
    with pytest.raises(ConnectionFailed, match="407 Proxy Authentication Required") as caught:
        talk.ask("https://model.test")
    assert "HTTPS_PROXY" in str(caught.value)
    assert "s%20s" not in str(caught.value)


def test_no_proxy_where_the_environment_says_so_or_the_server_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "direct.test,.inner.test")
    found = proxy_for("https", "api.test", 443)
    assert found is not None
    assert (found.host, found.port, found.plain) == ("proxy.test", 3128, True)
    for host in ("direct.test", "a.inner.test", "localhost", "127.0.0.1"):
        assert proxy_for("https", host, 443) is None


def test_a_proxy_shows_no_password() -> None:
    assert "secret" not in repr(Proxy("http", "h", 1, "http://u:secret@h:1", "Basic secret"))


def test_a_socks_proxy_is_left_to_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainkit.models.provider import Account
    from chainkit.run.carriers.clients import CLIENTS
    from chainkit.run.io import Blocking

    monkeypatch.setenv("https_proxy", "https://proxy.test:3128")
    carrier = CLIENTS.carrier(Account("x"), Blocking(), "https://model.test")
    assert type(carrier).__name__ == "HandedCarrier"

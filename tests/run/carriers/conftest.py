"""Both ways to talk to a server on this machine that does exactly what a test says."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from loopback import CERTIFICATE, Seen, Server, Step

from chainkit.run.carriers import blocking_socket, tls
from chainkit.run.carriers.clients import CLIENTS
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.threads import driven
from chainkit.run.carriers.wire import HttpRequest


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Make a server: `serve(lambda seen: [whole(b"...")])`."""
    made: list[Server] = []

    def make(answer: Callable[[Seen], Iterable[Step]], *, secure: bool = False) -> Server:
        made.append(Server(answer, secure=secure))
        return made[-1]

    yield make
    for server in made:
        server.stop()


class Talk:
    """A pooled carrier of one mode, and a way to drive it."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._runner = asyncio.Runner() if mode == "loop" else None
        if mode == "loop":
            from chainkit.run.carriers import loop_socket

            self.carrier = PooledCarrier(loop_socket.dial)
        else:
            self.carrier = PooledCarrier(blocking_socket.dial)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return driven(work) if self._runner is None else self._runner.run(work)

    async def _ask(self, request: HttpRequest, until: float | None) -> tuple[int, dict[str, str], bytes]:
        response = await self.carrier.open(request, until=until)
        try:
            body = await response.read()
            return response.status, dict(response.headers), body
        finally:
            await response.close(whole=True)

    def ask(self, url: str, body: bytes = b"{}", until: float | None = None, **headers: str) -> Any:
        """Send a request, and give (status, headers, body)."""
        return self.do(self._ask(HttpRequest("POST", url, headers, body), until))

    def turn(self) -> None:
        """Let a loop do what it has put off."""
        for _ in range(3):
            self.do(asyncio.sleep(0)) if self._runner is not None else None

    def end(self) -> None:
        async def close() -> None:
            self.carrier.close()

        self.do(close())
        if self._runner is not None:
            self._runner.close()


@pytest.fixture(params=["blocking", "loop"])
def talk(request: pytest.FixtureRequest) -> Iterator[Talk]:
    """Each test with this runs once over blocking sockets and once on a loop."""
    made = Talk(request.param)
    yield made
    made.end()


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust the loopback server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    tls.context.cache_clear()
    yield
    tls.context.cache_clear()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    yield
    CLIENTS.close_all()

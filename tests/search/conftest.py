from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chainkit import Run
from chainkit.run.carriers.clients import CLIENTS


class Site:
    """A server on this machine. `pages` maps a path (without its query) to a body, to (status, headers, body), to a
    function of the handler that answers itself, or to a list of those, one after the other."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.asked: list[Any] = []
        self.peak = 0
        self._busy = 0
        self._lock = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args: Any) -> None: ...

            def do_GET(self) -> None:
                site.answer(self)

            do_POST = do_GET  # noqa: N815 - the library's own names

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None: ...

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answer(self, handler: Any) -> None:
        with self._lock:
            self._busy += 1
            self.peak = max(self.peak, self._busy)
        try:
            length = int(handler.headers.get("content-length") or 0)
            body = handler.rfile.read(length) if length else b""
            with self._lock:
                self.asked.append((handler.path, dict(handler.headers), body))
                found = self.pages.get(handler.path.partition("?")[0], (404, {}, b"nothing here"))
                if isinstance(found, list):
                    found = found.pop(0) if len(found) > 1 else found[0]
            if callable(found):
                found(handler)
            else:
                self._send(handler, found)
        finally:
            with self._lock:
                self._busy -= 1

    def _send(self, handler: Any, found: Any) -> None:
        status, headers, body = found if isinstance(found, tuple) else (200, {}, found)
        if isinstance(body, dict | list):
            body, headers = json.dumps(body).encode(), {"content-type": "application/json", **headers}
        if isinstance(body, str):
            body, headers = body.encode(), {"content-type": "text/html; charset=utf-8", **headers}
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def site():
    made = Site()
    yield made
    CLIENTS.close_all()
    made.close()


@pytest.fixture
def run():
    """A run that may ask this machine."""
    with Run(private_hosts=["127.0.0.1", "localhost"], keep=True) as made:
        yield made

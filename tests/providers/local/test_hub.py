"""Pulling a model from a hub: a loopback server in its place, with a storage host that it redirects to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from local_models import gguf

from chainkit.errors import (
    AuthenticationError,
    ConnectionFailed,
    PermissionDenied,
    ProviderError,
    ServerError,
    UnknownModel,
)
from chainkit_providers.local import Progress, pull
from chainkit_providers.local.files import note

CONTENT = gguf(weights=400_000)
NAME = "hf.co/ann/tiny-GGUF/tiny.gguf"


class Hub:
    """What the server does next, and what it was asked."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.sha256: str | None = hashlib.sha256(CONTENT).hexdigest()
        self.status = 200
        self.ranges = True
        self.cuts: list[int] = []
        """After how many bytes to hang up, for each of the next requests."""
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.storage = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, handler.headers["Range"], handler.headers["Authorization"]))
        if self.status != 200:
            return _say(handler, self.status, {}, b"")
        if handler.path.startswith("/ann/"):
            stated = {"X-Linked-Etag": f'"{self.sha256}"'} if self.sha256 else {}
            return _say(handler, 302, {"Location": f"{self.storage}/blob", **stated}, b"")
        return self._blob(handler)

    def _blob(self, handler: BaseHTTPRequestHandler) -> None:
        total, asked = len(self.content), handler.headers["Range"]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start and start >= total:
            return _say(handler, 416, {"Content-Range": f"bytes */{total}"}, b"")
        cut = self.cuts.pop(0) if self.cuts else total
        about = {"Content-Range": f"bytes {start}-{total - 1}/{total}"} if start else {}
        about["Content-Length"] = str(total - start)
        return _say(handler, 206 if start else 200, about, self.content[start : start + cut])


def _say(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    if "Content-Length" not in headers:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = True


def serve(hub: Hub) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    servers = [serve(hub), serve(hub)]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{servers[0].server_port}")
    hub.storage = f"http://localhost:{servers[1].server_port}"
    yield hub
    for server in servers:
        server.shutdown()
        server.server_close()


def part_of(cache: Path) -> Path:
    return cache / "models/hf.co/ann/tiny-GGUF/main/tiny.gguf.part"


def test_a_model_comes_from_the_hub_with_its_checksum(hub: Hub, cache: Path) -> None:
    told: list[Progress] = []
    path = pull(NAME, progress=told.append)
    assert path == cache / "models/hf.co/ann/tiny-GGUF/main/tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert note(path) == {"name": NAME, "sha256": hub.sha256, "bytes": len(CONTENT)}
    assert hub.asked[0][0] == "/ann/tiny-GGUF/resolve/main/tiny.gguf"
    assert told[-1] == Progress("check", len(CONTENT), len(CONTENT))
    assert Progress("fetch", len(CONTENT), len(CONTENT)) in told
    assert pull(NAME) == path
    assert len(hub.asked) == 2


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: Hub, cache: Path) -> None:
    hub.cuts = [500_000, 400_000]
    told: list[Progress] = []
    assert pull(NAME, progress=told.append).read_bytes() == CONTENT
    assert [r for path, r, _ in hub.asked if path == "/blob"] == [None, "bytes=500000-", "bytes=900000-"]
    assert [t.done for t in told if t.stage == "fetch"] == sorted(t.done for t in told if t.stage == "fetch")
    assert not part_of(cache).exists()


def test_what_came_before_a_failure_is_kept_for_the_next_pull(hub: Hub, cache: Path) -> None:
    hub.cuts = [500_000, 0]
    with pytest.raises(ConnectionFailed, match="500,000 bytes are kept"):
        pull(NAME)
    assert part_of(cache).stat().st_size == 500_000
    hub.asked.clear()
    assert pull(NAME).read_bytes() == CONTENT
    assert hub.asked[-1][1] == "bytes=500000-"


def test_ctrl_c_keeps_what_came(hub: Hub, cache: Path) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(NAME, progress=interrupt)
    assert part_of(cache).is_file()
    assert not part_of(cache).with_suffix("").exists()
    assert pull(NAME).read_bytes() == CONTENT


def test_a_server_that_knows_no_ranges_sends_it_all_again(hub: Hub, cache: Path) -> None:
    hub.cuts, hub.ranges = [500_000], False
    assert pull(NAME).read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_only_checked(hub: Hub, cache: Path) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT)
    assert pull(NAME).read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(hub: Hub, cache: Path) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT + b"more")
    with pytest.raises(ConnectionFailed, match="has changed since it was begun"):
        pull(NAME)
    assert pull(NAME).read_bytes() == CONTENT


def test_a_part_of_another_file_is_found_out_by_the_checksum(hub: Hub, cache: Path) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT[:999_999] + b"?")
    with pytest.raises(ProviderError, match="came damaged"):
        pull(NAME)
    assert not part_of(cache).exists()
    assert pull(NAME).read_bytes() == CONTENT


def test_a_hub_that_states_no_checksum_is_taken_at_its_first_word(hub: Hub) -> None:
    hub.sha256 = None
    assert note(pull(NAME))["sha256"] == hashlib.sha256(CONTENT).hexdigest()


def test_a_page_instead_of_a_model_is_refused(hub: Hub) -> None:
    hub.content, hub.sha256 = b"<!doctype html>" * 100, None
    with pytest.raises(ProviderError, match="is not a GGUF model file"):
        pull(NAME)


def test_the_token_goes_to_the_hub_and_not_to_its_storage(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull(NAME)
    assert [token for _, _, token in hub.asked] == ["Bearer hf_secret", None]


@pytest.mark.parametrize(
    ("status", "kind", "cure"),
    [
        (401, AuthenticationError, "HF_TOKEN"),
        (403, PermissionDenied, "accept the model's terms"),
        (404, UnknownModel, "owner, repo, revision and file name"),
        (503, ServerError, "try again later"),
    ],
)
def test_a_refusal_says_what_to_do(hub: Hub, status: int, kind: type[Exception], cure: str) -> None:
    hub.status = status
    with pytest.raises(kind) as caught:
        pull(NAME)
    assert cure in str(caught.value)


def test_no_network_is_said_with_the_address(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ConnectionFailed, match="http://127.0.0.1:9/ann/tiny-GGUF") as caught:
        pull(NAME)
    assert "check the network" in str(caught.value)

"""What each vendor's batches look like on the wire: jobs, states, answers and errors, against a server that keeps them."""

from __future__ import annotations

import json
import re
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from chainkit import model
from chainkit.errors import BadRequest, PermissionDenied, RateLimited, ServerError
from chainkit.models.batches import ProviderBatch

NOW = ProviderBatch(every=0.0)


@pytest.fixture
def served() -> Any:
    """A server whose answers a test gives: `routes` by method and pattern, each a function of match and body."""
    routes: list[tuple[str, str, Any]] = []
    seen: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(b"")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers.get("content-length") or 0)))

        def answer(self, body: bytes) -> None:
            seen.append((self.command, self.path, body))
            for method, pattern, give in routes:
                found = re.fullmatch(pattern, self.path)
                if found and method == self.command:
                    told = give(found, body, self.headers)
                    data = told if isinstance(told, bytes) else json.dumps(told).encode()
                    self.send_response(200)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                    return
            self.send_error(404)

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", routes, seen
    server.shutdown()
    thread.join()
    server.server_close()


def gemini(text: str) -> Any:
    part = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
    return {"candidates": [part], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}


@pytest.mark.parametrize("place", ["response", "metadata"])
def test_gemini_keeps_the_answers_in_the_operation(served: Any, place: str) -> None:
    url, routes, seen = served
    lines = [
        {"metadata": {"key": "1"}, "error": {"code": 8, "message": "quota", "status": "RESOURCE_EXHAUSTED"}},
        {"metadata": {"key": "0"}, "response": gemini("hello")},
    ]
    held = {"inlinedResponses": {"inlinedResponses": lines}}
    stats = {"requestCount": "2", "successfulRequestCount": "1", "failedRequestCount": "1"}
    about = {"state": "BATCH_STATE_SUCCEEDED", "batchStats": stats}
    done = (
        {"name": "batches/b1", "done": True, "metadata": about, "response": held}
        if place == "response"
        else {"name": "batches/b1", "done": True, "metadata": {**about, "output": held}}
    )
    looks = iter([{"name": "batches/b1", "metadata": {"state": "BATCH_STATE_RUNNING"}}, done])
    routes += [
        ("POST", r"/v1beta/models/gemini-2.5-flash:batchGenerateContent", lambda *_: {"name": "batches/b1"}),
        ("GET", r"/v1beta/batches/b1", lambda *_: next(looks)),
    ]
    chain = model("google:gemini-2.5-flash", base_url=url, api_key="k" * 8)
    told: list[Any] = []
    first, second = chain.batch(["a", "b"], errors="keep", via=ProviderBatch(every=0.0, progress=told.append))
    assert first.text == "hello"
    assert isinstance(second, RateLimited)
    assert [(s.total, s.succeeded, s.failed) for s in told] == [(0, 0, 0), (2, 1, 1)]
    body = json.loads(seen[0][2])
    requests = body["batch"]["input_config"]["requests"]["requests"]
    assert [r["metadata"]["key"] for r in requests] == ["0", "1"]
    assert requests[0]["request"]["contents"][0]["parts"] == [{"text": "a"}]


def test_a_gemini_batch_that_expired_says_so(served: Any) -> None:
    url, routes, _ = served
    routes += [
        ("POST", r".*:batchGenerateContent", lambda *_: {"name": "batches/b1"}),
        ("GET", r".*", lambda *_: {"name": "batches/b1", "metadata": {"state": "BATCH_STATE_EXPIRED"}}),
    ]
    with pytest.raises(ServerError, match="BATCH_STATE_EXPIRED"):
        model("google:gemini-2.5-flash", base_url=url, api_key="k" * 8).batch(["a"], via=NOW)


def test_more_bytes_than_one_body_holds_are_not_sent(served: Any) -> None:
    url, _, seen = served
    with pytest.raises(BadRequest, match="20,000,000 bytes"):
        model("google:gemini-2.5-flash", base_url=url, api_key="k" * 8).batch(["x" * 11_000_000] * 2, via=NOW)
    assert seen == []


def chat(text: str) -> Any:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": {"prompt_tokens": 3}}


def test_mistral_jobs_name_their_model_and_files(served: Any) -> None:
    url, routes, seen = served
    files: dict[str, Any] = {}

    def put(_: Any, body: bytes, headers: Any) -> Any:
        form = BytesParser().parsebytes(b"content-type: " + headers["content-type"].encode() + b"\r\n\r\n" + body)
        files.update(
            {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in form.walk()}
        )
        return {"id": "f1"}

    lines = [
        {"custom_id": "1", "response": {"status_code": 403, "body": {"message": "not yours"}}},
        {"custom_id": "0", "response": {"status_code": 200, "body": chat("bonjour")}},
    ]
    job = {"id": "j1", "status": "SUCCESS", "output_file": "o1", "total_requests": 2, "succeeded_requests": 1}
    routes += [
        ("POST", r"/v1/files", put),
        ("POST", r"/v1/batch/jobs", lambda *_: {"id": "j1", "status": "QUEUED"}),
        ("GET", r"/v1/batch/jobs/j1", lambda *_: job),
        ("GET", r"/v1/files/o1/content", lambda *_: "\n".join(map(json.dumps, lines)).encode()),
    ]
    chain = model("mistral:mistral-small-latest", base_url=f"{url}/v1", api_key="k" * 8)
    first, second = chain.batch(["a", "b"], via=NOW, errors="keep")
    assert first.text == "bonjour"
    assert isinstance(second, PermissionDenied)
    assert files["purpose"] == b"batch"
    assert json.loads(files["file"].splitlines()[0])["custom_id"] == "0"
    started = json.loads(next(b for m, p, b in seen if p == "/v1/batch/jobs"))
    assert started == {"input_files": ["f1"], "model": "mistral-small-latest", "endpoint": "/v1/chat/completions"}


def test_responses_go_to_their_own_endpoint(served: Any) -> None:
    url, routes, seen = served
    answer = {"id": "r", "object": "response", "status": "completed", "model": "gpt-5", "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}
    ]}  # fmt: skip
    line = {"custom_id": "0", "response": {"status_code": 200, "body": answer}}
    late = {"custom_id": "1", "error": {"code": "batch_expired", "message": "ran out of time"}}
    done = {"id": "b1", "status": "expired", "output_file_id": "o", "error_file_id": "e"}
    routes += [
        ("POST", r"/v1/files", lambda *_: {"id": "f1"}),
        ("POST", r"/v1/batches", lambda *_: {"id": "b1", "status": "validating"}),
        ("GET", r"/v1/batches/b1", lambda *_: done),
        ("GET", r"/v1/files/o/content", lambda *_: json.dumps(line).encode()),
        ("GET", r"/v1/files/e/content", lambda *_: json.dumps(late).encode()),
    ]
    chain = model("openai:gpt-5", api="responses", base_url=f"{url}/v1", api_key="k" * 8)
    first, second = chain.batch(["a", "b"], via=NOW, errors="keep")
    assert first.text == "hi"
    assert isinstance(second, ServerError)
    assert json.loads(next(b for m, p, b in seen if p == "/v1/batches"))["endpoint"] == "/v1/responses"

"""CPU of a call and of a streamed chunk on each wire, over raw httpx that sends the same and reads JSON.

    python -m benchmarks.wires [--json]

One server process answers all wires; ratios are medians of paired blocks in this process (`measure.py`). The raw side
parses every chunk with the standard library's json, as a careful reader of the vendor's page would.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import httpx

from benchmarks.measure import apaired, paired, pinned
from benchmarks.report import WIRES as COLUMNS
from benchmarks.report import wire_table
from benchmarks.server import TEXT, chunked, plain
from chainkit import model

PIECES = [f" w{i}" for i in range(1000)]
KEY = "k" * 20


def _sse(events: list[Any], end: bytes = b"") -> bytes:
    return b"".join(b"data: " + json.dumps(e).encode() + b"\r\n\r\n" for e in events) + end


def _gemini(text: str, finish: str | None = None) -> Any:
    told: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 10, "totalTokenCount": 22}
    return {"candidates": [told | ({"finishReason": finish} if finish else {})], "usageMetadata": usage,
            "modelVersion": "gemini-2.5-flash", "responseId": "r"}  # fmt: skip


def _mistral(text: str, finish: str | None = None, *, whole: bool = False) -> Any:
    said = {"message" if whole else "delta": {"role": "assistant", "content": text}}
    told: dict[str, Any] = {"id": "m", "object": "chat.completion", "created": 1700000000, "model": "mistral-small-latest",
                            "choices": [{"index": 0, "finish_reason": finish, **said}]}  # fmt: skip
    return told | ({"usage": {"prompt_tokens": 12, "completion_tokens": 10, "total_tokens": 22}} if finish else {})


def _ollama(text: str, *, done: bool = False) -> Any:
    told = {
        "model": "llama3.2",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": text},
    }
    return told | (
        {"done": True, "done_reason": "stop", "prompt_eval_count": 12, "eval_count": 10} if done else {"done": False}
    )


def _lines(events: list[Any]) -> bytes:
    return b"".join(json.dumps(e).encode() + b"\n" for e in events)


ANSWERS: dict[str, tuple[bytes, bytes]] = {
    "generatecontent": (
        plain(json.dumps(_gemini(TEXT, "STOP")).encode()),
        chunked(_sse([*map(_gemini, PIECES), _gemini("", "STOP")])),
    ),
    "chat/completions": (
        plain(json.dumps(_mistral(TEXT, "stop", whole=True)).encode()),
        chunked(_sse([*map(_mistral, PIECES), _mistral("", "stop")], b"data: [DONE]\r\n\r\n")),
    ),
    "api/chat": (
        plain(json.dumps(_ollama(TEXT, done=True)).encode()),
        chunked(_lines([*map(_ollama, PIECES), _ollama("", done=True)])).replace(b"text/event-stream", b"application/x-ndjson"),
    ),
}  # fmt: skip
WIRES = {
    "gemini": ("google:gemini-2.5-flash", ""),
    "mistral": ("mistral:mistral-small-latest", "/v1"),
    "ollama": ("ollama:llama3.2", ""),
}


class Connection(asyncio.Protocol):
    """Answers each request by its path, as quickly as plain asyncio can."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (head := self.held.find(b"\r\n\r\n")) >= 0:
            top = self.held[:head].lower()
            at = top.find(b"content-length:")
            size = int((top + b"\r\n")[at + 15 : (top + b"\r\n").find(b"\r\n", at)])
            if len(self.held) < head + 4 + size:
                return
            path, body = top.split(b" ", 2)[1].decode(), self.held[head + 4 : head + 4 + size]
            self.held = self.held[head + 4 + size :]
            whole, stream = next(a for name, a in ANSWERS.items() if name in path)
            streams = "streamgenerate" in path or b'"stream":true' in body.replace(b" ", b"")
            self.transport.write(stream if streams else whole)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _event(line: str) -> Any:
    """A chunk parsed, as one would by hand; None for what is no chunk."""
    told = line.removeprefix("data: ")
    return json.loads(told) if told and told != "[DONE]" else None


def _asked(chain: Any, *, stream: bool) -> tuple[str, Any, dict[str, str]]:
    """The same request for the raw side."""
    (rendered,) = chain.render("Say something.")
    url, body = rendered.url, dict(rendered.body)
    if "generateContent" in url and stream:
        url = url.replace(":generateContent", ":streamGenerateContent?alt=sse")
    elif "generateContent" not in url:
        body["stream"] = stream
    return url, body, {"x-goog-api-key": KEY, "authorization": f"Bearer {KEY}"}


async def _async_ratios(chain: Any) -> tuple[float, float]:
    """Of a call, and of a stream."""
    url, body, headers = _asked(chain, stream=False)
    stream_url, stream_body, _ = _asked(chain, stream=True)
    async with httpx.AsyncClient() as client:

        async def raw() -> None:
            (await client.post(url, json=body, headers=headers)).json()

        async def raw_stream() -> None:
            async with client.stream("POST", stream_url, json=stream_body, headers=headers) as response:
                assert sum([1 async for line in response.aiter_lines() if _event(line)]) >= len(PIECES)

        async def ours_stream() -> None:
            assert sum([1 async for _ in chain.astream("Say something.")]) >= len(PIECES)

        call = await apaired(lambda: chain.ainvoke("Say something."), raw)
        stream = await apaired(ours_stream, raw_stream, calls=2, warm=2)
    return call["ratio_cpu"], stream["ratio_cpu"]


def measured(name: str, port: int) -> dict[str, float]:
    spec, under = WIRES[name]
    chain = model(spec, base_url=f"http://127.0.0.1:{port}{under}", api_key=KEY)
    with httpx.Client() as client:
        url, body, headers = _asked(chain, stream=False)
        call = paired(
            lambda: chain.invoke("Say something."), lambda: client.post(url, json=body, headers=headers).json()
        )
        surl, sbody, _ = _asked(chain, stream=True)

        def raw() -> None:
            with client.stream("POST", surl, json=sbody, headers=headers) as response:
                assert sum(1 for line in response.iter_lines() if _event(line)) >= len(PIECES)

        def ours() -> None:
            assert sum(1 for _ in chain.stream("Say something.")) >= len(PIECES)

        stream = paired(ours, raw, calls=2, warm=2)
    async_call, async_stream = asyncio.run(_async_ratios(chain))
    figures = call["ratio_cpu"], async_call, stream["ratio_cpu"], async_stream, stream["cpu_us"] / len(PIECES)
    return dict(zip(COLUMNS, [round(f, 3) for f in figures], strict=True))


def main(*, as_json: bool) -> None:
    command = [*pinned(0), sys.executable, "-m", "benchmarks.wires", "serve"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        found = {name: measured(name, port) for name in WIRES}
        print(json.dumps(found) if as_json else wire_table(found))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    asyncio.run(serve()) if sys.argv[1:] == ["serve"] else main(as_json="--json" in sys.argv)

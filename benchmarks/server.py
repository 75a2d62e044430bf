"""A loopback server that answers chat completions as quickly as plain asyncio can: one process, one core.

`/v1/chat/completions` answers a fixed text, or 1,000 pieces where a stream is asked for. The path may begin
with `/json` (the text is a small JSON object) and with `/wait/MS` (the answer takes so long).
"""

from __future__ import annotations

import asyncio
import json
import sys

TEXT = "The quick brown fox jumps over the lazy dog."
PERSON = '{"name":"Ada","age":36}'


def completion(text: str) -> bytes:
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": None},
                     "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 10, "total_tokens": 22,
                  "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}},
        "system_fingerprint": "fp_1",
    }  # fmt: skip
    return json.dumps(body).encode()


def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}  # fmt: skip
    return b"data: " + json.dumps(body).encode() + b"\n\n"


USAGE = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":1000,"total_tokens":1012}}\n\n'
STREAM = b"".join([chunk({"role": "assistant", "content": ""}), *(chunk({"content": f" w{i}"}) for i in range(1000)),
                   chunk({}, "stop"), USAGE, b"data: [DONE]\n\n"])  # fmt: skip


def plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def chunked(body: bytes, size: int = 4000) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        + framed
        + b"0\r\n\r\n"
    )


ANSWERS = {"text": plain(completion(TEXT)), "json": plain(completion(PERSON)), "stream": chunked(STREAM)}


class Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (head := self.held.find(b"\r\n\r\n")) >= 0:
            top = self.held[:head].lower()
            at = top.find(b"content-length:")
            size = int(top[at + 15 : (top + b"\r\n").find(b"\r\n", at)]) if at >= 0 else 0
            if len(self.held) < head + 4 + size:
                return
            path, body = top.split(b" ", 2)[1], self.held[head + 4 : head + 4 + size]
            self.held = self.held[head + 4 + size :]
            self.answer(path.decode(), body)

    def answer(self, path: str, body: bytes) -> None:
        kind = (
            "stream"
            if b'"stream": true' in body or b'"stream":true' in body
            else "json"
            if "/json/" in path
            else "text"
        )
        parts = path.split("/")
        if "wait" in parts:
            seconds = int(parts[parts.index("wait") + 1]) / 1000
            asyncio.get_running_loop().call_later(seconds, self.send, ANSWERS[kind])
        else:
            self.send(ANSWERS[kind])

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

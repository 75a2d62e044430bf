"""llama.cpp's own HTTP server, in a process of its own: the real model behind the vendors' wires on this machine.

python real_server.py model.gguf CONTEXT [embedding]    -> prints its URL, and serves until its standard input ends
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import httpx

CONTEXT = 512
"""Tokens of context of each of the two slots, where a test asks for no other number."""


class RealServer:
    """The server as a test sees it: `url`, and which slots are at work."""

    def __init__(self, model: Path, *, embedding: bool = False, context: int = CONTEXT) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(model), str(context), *(["embedding"] if embedding else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), f"the server did not start: {self.url!r}"

    @property
    def url_v1(self) -> str:
        return f"{self.url}/v1"

    def busy(self) -> int:
        """How many slots are at work now."""
        return sum(slot["is_processing"] for slot in httpx.get(f"{self.url}/slots", timeout=10).json())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def parameters(model: Path, context: int) -> Any:
    """One thread, two slots, no GPU's habits: the same question has the same answer at temperature 0."""
    import xllamacpp

    from chainkit_providers.local.native import _template

    made = xllamacpp.CommonParams()
    made.model.path = str(model)
    made.n_parallel, made.n_ctx = 2, 2 * context
    made.n_batch = made.n_ubatch = 64
    made.cpuparams.n_threads = made.cpuparams_batch.n_threads = 1
    made.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    made.n_gpu_layers = made.cache_ram_mib = made.verbosity = 0
    made.fit_params = made.warmup = False
    made.hostnames = ["127.0.0.1"]
    made.endpoint_slots = True
    made.chat_template = _template(model) or ""
    return made


def serve(model: Path, context: int, *, embedding: bool) -> None:
    """Serve until nobody holds the other end of standard input."""
    import xllamacpp

    made = parameters(model, context)
    made.embedding = embedding
    if embedding:
        made.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(made)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), embedding="embedding" in sys.argv[3:])

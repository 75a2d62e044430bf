"""One model, loaded into this process: chats in, events of the Chat Completions wire out.

Everything here blocks, and is called from a thread of its own (`io.pump` gives one); native code never runs
on an event loop's thread. An answer is always streamed inside, because an unstreamed one cannot be broken off.
"""

from __future__ import annotations

import ctypes
import json
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from chainkit.errors import BadRequest, ChainkitError, ConnectionFailed, ProviderError
from chainkit_providers.local import native
from chainkit_providers.local.faults import local_fault
from chainkit_providers.local.gguf import read_header
from chainkit_providers.local.places import Places, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from chainkit_providers.local.native import Listener, Server

_PATIENCE = 30.0
"""Seconds that `close` waits for a batch that llama.cpp is reading; memory in use must not be freed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is run.

    `threads` that compute (on a shared machine one is steady where two can fall to a thirtieth), `parallel`
    answers at once, `context` tokens for each of them, `batch` tokens of a prompt read at once (0: chosen
    by the device), `gpu_layers` on the GPU where this llama.cpp can use one (-1: all).
    """

    threads: int = 1
    parallel: int = 2
    context: int = 4096
    batch: int = 0
    gpu_layers: int = -1

    @classmethod
    def from_environment(cls) -> Settings:
        """The defaults, changed by CHAINKIT_LOCAL_THREADS, _PARALLEL, _CONTEXT, _BATCH and _GPU_LAYERS."""
        names = ("threads", "parallel", "context", "batch", "gpu_layers")
        found = {n: os.environ.get(f"CHAINKIT_LOCAL_{n.upper()}") for n in names}
        try:
            return cls(**{n: int(text) for n, text in found.items() if text})
        except ValueError as error:
            msg = f"a CHAINKIT_LOCAL_... variable is no whole number: {error}"
            raise ChainkitError(msg, cure="for example CHAINKIT_LOCAL_THREADS=4") from None

    def fitting(self, trained: int | None) -> Settings:
        """With no more context than the model was trained for."""
        return self if trained is None or self.context <= trained else replace(self, context=trained)


class Engine:
    """A model file and, from the first call on, the model in memory.

    Give one as `model("local:...", client=Engine(path, threads=4))` to choose its settings. `close()`, or
    leaving a `with` block, frees the memory; a later call loads it again.
    """

    def __init__(self, path: str | Path, settings: Settings | None = None, **changes: int) -> None:
        self.path = Path(path).expanduser()
        self.settings = replace(settings or Settings.from_environment(), **changes)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._places = Places(self.settings.parallel)
        self._running: set[Ticket] = set()
        self._server: Server | None = None
        self._listener: Listener | None = None

    def __repr__(self) -> str:
        return f"Engine({str(self.path)!r}, {self.settings})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._server is not None

    def load(self) -> Server:
        """Bring the model into memory, if it is not there. Raises ProviderError, MissingExtra."""
        self._check_process()
        with self._lock:
            if self._server is None:
                self._server = self._start()
            return self._server

    def _start(self) -> Server:
        from chainkit_providers.local.engines import watch

        self.settings = self.settings.fitting(read_header(self.path).context)
        listener = native.Listener()
        try:
            server = native.start(self.path, self.settings, listener)
        except BaseException:
            listener.close()
            raise
        self._listener = listener
        watch(self)
        return server

    def _check_process(self) -> None:
        if self._process != os.getpid():
            msg = f"{self.path.name} was given to this process by a fork, and llama.cpp's threads stayed in the parent"
            raise ProviderError(msg, cure="load it after the fork: make the Engine in the child process")

    def generate(self, body: Mapping[str, Any], put: Callable[[bytes], object], ticket: Ticket | None = None) -> None:
        """Answer a Chat Completions body, or a completions body with its `prompt`; each event goes to `put` as JSON bytes. Blocks to the end.

        `ticket.cancel()` ends it early, and then it returns. Raises what llama.cpp refuses: ContextTooLong,
        BadRequest, ServerError.
        """
        ticket = ticket or Ticket(int(body.get("n") or 1))
        if ticket.wants > self.settings.parallel:
            msg = f"n={ticket.wants} answers at once, and {self.path.name} is loaded for {self.settings.parallel}"
            raise BadRequest(msg, cure="set CHAINKIT_LOCAL_PARALLEL, or ask several times")
        self._check_process()
        if not self._places.take(ticket):
            return
        self._running.add(ticket)
        try:
            self._answer(self.load(), body, put, ticket)
        finally:
            self._running.discard(ticket)
            self._places.give(ticket)

    def _answer(self, server: Server, body: Mapping[str, Any], put: Callable[[bytes], object], ticket: Ticket) -> None:
        from chainkit_providers.local.events import Events

        events = Events(put, ticket)
        whole = {**body, "stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        ask = server.handle_completions if "prompt" in body else server.handle_chat_completions
        try:
            ask(json.dumps(whole).encode(), events.take)
        except (RuntimeError, ValueError) as error:
            raise local_fault(str(error), self) from error
        finally:
            closed = self._server is not server
            # An error keeps this frame, and with it the model: then whoever drops the error would free it, at a
            # process's end in the middle of llama.cpp's own clean-up.
            del server, ask
        if events.failed is not None and not ticket.cancelled:
            raise local_fault(events.failed, self)
        events.finish()
        if closed:
            msg = f"{self.path.name} was closed while it answered"
            raise ConnectionFailed(msg, cure="close the engine after its last answer")

    def count_tokens(self, body: Mapping[str, Any]) -> int:
        """The tokens of a chat (`messages`, `tools`) as the model will read it, by its own tokenizer."""
        return int(self._ask("/v1/chat/completions/input_tokens", body)["input_tokens"])

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a text."""
        tokens: list[int] = self._ask("/tokenize", {"content": text})["tokens"]
        return tokens

    def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        import httpx

        server, listener = self.load(), self._listener
        assert listener is not None
        local = listener.folder is not None
        transport = httpx.HTTPTransport(uds=listener.host) if local else None
        base = "http://localhost" if local else server.listening_address
        with httpx.Client(transport=transport, base_url=base, timeout=60, trust_env=False) as client:
            answer = client.post(path, json=dict(body), headers={"Authorization": f"Bearer {listener.key}"})
        if answer.status_code != 200:
            raise local_fault(answer.content, self)
        told: dict[str, Any] = answer.json()
        return told

    def abandon(self) -> None:
        """Never free the memory: see `engines`, on forks."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))

    def close(self) -> None:
        """End every answer and free the memory."""
        from chainkit_providers.local.engines import may_free

        if self._process != os.getpid():
            return
        with self._lock:
            if not may_free():
                self.abandon()
            server, listener = self._server, self._listener
            self._server = self._listener = None
        if server is None:
            return
        for ticket in tuple(self._running):
            ticket.cancel()
        if not self._places.wait_idle(_PATIENCE):
            msg = f"{self.path.name} did not end its answer within {_PATIENCE:.0f} s; its memory is not freed"
            raise ChainkitError(msg, cure="use a smaller batch: CHAINKIT_LOCAL_BATCH=32")
        del server
        if listener is not None:
            listener.close()

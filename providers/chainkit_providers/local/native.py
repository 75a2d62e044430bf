"""The door to xllamacpp: parameters, the listener, and what its calls give.

Its server always listens, and there is no way to switch that off. So it listens on a Unix socket in a
folder that only this user may enter, and asks for a random key; on Windows on a random loopback port with
that key. Chats go in by function call; only counting tokens needs the socket, as there is no call for it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
import weakref
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chainkit.errors import MissingExtra
from chainkit_providers.local.gguf import not_whole, read_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit_providers.local.engine import Settings
    from chainkit_providers.local.wire import ToolForm


class Server(Protocol):
    """The part of `xllamacpp.Server` that is used."""

    listening_address: str

    def handle_chat_completions(self, prompt: bytes, callback: Callable[[bytes], bool]) -> None:
        """Blocks until the answer has ended or the callback has given True. Lets other threads run."""
        ...

    def handle_completions(self, prompt: bytes, callback: Callable[[bytes], bool]) -> None:
        """The same of a raw text."""
        ...


class Listener:
    """Where the server listens, and the key to it. Its folder goes with it, also where nobody closes it."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(24)
        self.folder = tempfile.mkdtemp(prefix="chainkit-") if hasattr(socket, "AF_UNIX") else None
        self.host = str(Path(self.folder, "llama.sock")) if self.folder else "127.0.0.1"
        self.close = weakref.finalize(self, _remove, self.folder, os.getpid())


def _remove(folder: str | None, process: int) -> None:
    """Remove a folder, in the process that made it: a forked child has only a copy of the listener."""
    if folder is not None and process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def start(path: Path, settings: Settings, listener: Listener) -> Server:
    """Load a model. xllamacpp holds the interpreter's lock while it does: every thread stands still."""
    xllamacpp = _module()
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = settings.parallel
    params.n_ctx = settings.context * settings.parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.n_gpu_layers = settings.gpu_layers
    params.cache_ram_mib = 0
    params.fit_params = params.warmup = False
    params.verbosity = 0
    _suit(params, xllamacpp, settings.batch)
    _shield(params, listener)
    template = _template(path)
    if template is not None:
        params.chat_template = template
    try:
        server: Server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise _refused(path, settings) from error
    return server


def _suit(params: Any, xllamacpp: Any, batch: int) -> None:
    """What suits the processor, or a GPU.

    Prompts are read in batches, and an answer can be broken off only between two of them: 64 tokens take
    0.4 s on one core with a 135M model, and are read as fast as 512. A GPU wants larger ones. On a processor
    flash attention computes a prompt's start otherwise in a large batch than in a small one, so that at
    temperature 0 an answer hung on what was asked before; and at 3,000 tokens it writes half as fast.
    """
    gpu = any(
        d["type"] == xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_GPU for d in xllamacpp.get_device_info()
    )
    params.n_batch = params.n_ubatch = batch or (512 if gpu else 64)
    if not gpu:
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED


def _shield(params: Any, listener: Listener) -> None:
    params.hostnames = [listener.host]
    params.api_keys = [listener.key]
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.cors_origins = ""


def _module() -> Any:
    try:
        import xllamacpp  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        msg = "local models need xllamacpp (llama.cpp in this process)"
        raise MissingExtra(msg, cure="pip install 'chainkit[local]'") from None
    return xllamacpp


def check_installed() -> None:
    """Raise MissingExtra where xllamacpp is not there."""
    from importlib.util import find_spec

    if find_spec("xllamacpp") is None:
        _module()


@lru_cache(maxsize=1)
def has_llguidance() -> bool:
    """Whether llama.cpp was built with llguidance; taken for granted where it is not installed."""
    try:
        grammar: str = _module().json_schema_to_grammar({"type": "null"})
    except MissingExtra:
        return True
    return grammar.startswith("%llguidance")


def tool_form(path: Path) -> ToolForm:
    """Whose template writes tools into the prompt. Ours can stand in where turns are marked as it marks them."""
    own = read_header(path).template or ""
    if "tools" in own:
        return "own"
    return "ours" if "<|im_start|>" in own else "none"


def _template(path: Path) -> str | None:
    """Our template where the model's own ignores tools; without tools the model's own renders, untouched."""
    if tool_form(path) != "ours":
        return None
    ours = Path(__file__).with_name("tools.jinja").read_text("utf-8")
    return ours + "{% else %}" + (read_header(path).template or "") + "{% endif %}"


def _refused(path: Path, settings: Settings) -> Exception:
    header = read_header(path)
    why = f"could not be loaded ({header.architecture}, {path.stat().st_size:,} bytes)"
    cure = (
        f"llama.cpp does not say why: there may be too little memory for {settings.parallel} x {settings.context} "
        "tokens of context (CHAINKIT_LOCAL_CONTEXT), or this version may not know the architecture"
    )
    return not_whole(path, why, cure)

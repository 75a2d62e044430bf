"""What only Ollama takes: how long a model stays in memory, and how it is run."""

from __future__ import annotations

from typing import Annotated, TypedDict

from chainkit.models.vendor import At


class OllamaOptions(TypedDict, total=False):
    """Options of Ollama alone: `model(..., vendor={"ollama_keep_alive": "10m"})`."""

    ollama_keep_alive: str | float
    """How long the model stays in memory after the answer: "10m", seconds, 0 for not at all, -1 for ever."""
    ollama_truncate: bool
    """Whether too long an input is cut, where it would be refused."""
    ollama_shift: bool
    """Whether the oldest tokens make room where the answer outgrows the context."""
    ollama_num_ctx: Annotated[int, At("options.num_ctx")]
    """Tokens of context. The server's own default is small, and what does not fit is cut silently."""
    ollama_num_keep: Annotated[int, At("options.num_keep")]
    ollama_num_batch: Annotated[int, At("options.num_batch")]
    ollama_num_gpu: Annotated[int, At("options.num_gpu")]
    ollama_main_gpu: Annotated[int, At("options.main_gpu")]
    ollama_num_thread: Annotated[int, At("options.num_thread")]
    ollama_use_mmap: Annotated[bool, At("options.use_mmap")]
    ollama_repeat_last_n: Annotated[int, At("options.repeat_last_n")]
    ollama_typical_p: Annotated[float, At("options.typical_p")]

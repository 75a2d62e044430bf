"""What the wires of Ollama share: its options, its counts, its words for an end, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest, ProviderError, ReplyMalformed
from chainkit.usage import Usage
from chainkit_providers.faults import fault, http_fault
from chainkit_providers.payload import Json, parse

if TYPE_CHECKING:
    from chainkit.models.reply import FinishReason

VENDOR = "ollama"
KEYS = ("OLLAMA_API_KEY",)
_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "max_tokens": "num_predict",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repeat_penalty": "repeat_penalty",
}
TAKES = frozenset({*_OPTIONS, "stop", "logprobs", "extra", "vendor"})
"""The options that completing and chatting honour."""
_FINISH: dict[str | None, FinishReason] = {"stop": "stop", "length": "length", None: "stop", "load": "stop"}


def put_options(body: Json, options: dict[str, Any]) -> None:
    """Take what every answer may be asked with, and put it where Ollama has it."""
    told: Json = {name: options.pop(option) for option, name in _OPTIONS.items() if option in options}
    if "stop" in options:
        stop = options.pop("stop")
        told["stop"] = [stop] if isinstance(stop, str) else list(stop)
    if told:
        body["options"] = told
    if "logprobs" in options:
        body["logprobs"] = True
        # Its own alone are told without; 0 is refused by some versions.
        body |= {"top_logprobs": most} if (most := options.pop("logprobs")) else {}


def finish_reason(word: str | None, *, calls: bool) -> FinishReason:
    """Its word in ours: it says "stop" though tools are called."""
    reason = _FINISH.get(word, "unknown")
    return "tool_calls" if calls and reason == "stop" else reason


def usage(told: Json) -> Usage:
    """The tokens of an answer. Of a prompt that was in memory already, older servers tell nothing."""
    return Usage(told.get("prompt_eval_count"), told.get("eval_count"))


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """An answer that is no reply, as an error of ours."""
    error = http_fault(VENDOR, status, headers, body, keys=KEYS)
    return _cured(error, body)


def in_answer(told: Json) -> ProviderError:
    """An error inside an answer of status 200."""
    return fault(VENDOR, told, keys=KEYS)


def _cured(error: ProviderError, body: bytes) -> ProviderError:
    try:
        told = parse(body)
    except ReplyMalformed:
        return error
    said = told.get("error") if isinstance(told, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if isinstance(error, BadRequest) and isinstance(said, str):
        error.cure = _cure(said) or error.cure
    return error


def _cure(said: str) -> str | None:
    if said.startswith("model") and "not found" in said:
        name = said.replace("'", '"').split('"')[1:2]
        model = name[0] if name else "NAME"
        return f"fetch it: chainkit pull ollama:{model} (or: ollama pull {model})"
    if "does not support" in said:
        return "use a model that can: `ollama show NAME` lists its capabilities"
    return None

"""What llama.cpp refuses, as errors of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest, ContextTooLong, ProviderError, ServerError
from chainkit_providers.local.gguf import read_header

if TYPE_CHECKING:
    from chainkit_providers.local.engine import Engine

_ITS_FAULT = ("Failed to parse", "Unable to generate parser", "not supported", "Failed to initialize samplers")


def local_fault(said: bytes | str, engine: Engine) -> ProviderError:
    """The error behind an error event, or behind what a call raised."""
    told = _read(said)
    kind, message = str(told.get("type") or ""), str(told.get("message") or said)
    if kind == "exceed_context_size_error":
        return _too_long(told, engine)
    if kind in ("invalid_request_error", "not_supported_error", "") or any(w in message for w in _ITS_FAULT):
        cure = "look at what was sent with .render(x)"
        return BadRequest(f"{engine.path.name}: {message}", cure=cure, code=kind or None)
    return ServerError(f"{engine.path.name}: {message}", cure="try again", code=kind)


def _read(said: bytes | str) -> dict[str, Any]:
    try:
        held = json.loads(said)
    except ValueError:
        return {}
    error: Any = held.get("error", held) if isinstance(held, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return error if isinstance(error, dict) else {"message": error}  # pyright: ignore[reportUnknownVariableType]


def _too_long(told: dict[str, Any], engine: Engine) -> ContextTooLong:
    sent, room = told.get("n_prompt_tokens"), told.get("n_ctx")
    msg = f"the prompt has {sent} tokens, and {engine.path.name} is loaded with room for {room}"
    trained = read_header(engine.path).context or 0
    more = (
        f", or set CHAINKIT_LOCAL_CONTEXT={trained}, which it was trained for"
        if trained > engine.settings.context
        else ""
    )
    cure = f"send less{more}"
    return ContextTooLong(msg, cure=cure, code="exceed_context_size_error")

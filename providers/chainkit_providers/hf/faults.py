"""What Hugging Face's servers answer instead of a reply, as errors of ours. They write errors in five forms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit import errors as e
from chainkit_providers.faults import fault, http_fault
from chainkit_providers.payload import Json, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

VENDOR = "hf"
KEYS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_TYPES: dict[str, tuple[str, str]] = {
    "generation": ("server_error", "try again: the server failed while it wrote"),
    "incomplete_generation": ("server_error", "try again: the server failed while it wrote"),
    "backend": ("server_error", "try again, or look at the server's log"),
    "unhealthy": ("server_error", "try again later"),
    "overloaded": ("rate_limit_exceeded", "wait, or send less at once with .limit(...)"),
}
"""The servers' own words for a fault, the word that we know it by, and the cure."""
_TOO_LONG = ("must have less than", "must be <=")


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> e.ProviderError:
    """An answer that is no reply, as an error of ours."""
    try:
        told = parse(body)
    except e.ReplyMalformed:
        return http_fault(VENDOR, status, headers, body, keys=KEYS)
    one = _one_form(told)
    error = http_fault(VENDOR, status, headers, json.dumps(one).encode(), keys=KEYS)
    return _more(error, one)


def in_answer(told: Any) -> e.ProviderError:
    """An error inside an answer of status 200."""
    one = _one_form(told)
    return _more(fault(VENDOR, one, keys=KEYS), one)


def _one_form(told: Any) -> Json:
    """Every form as one: `{"error": {"message", "code"}}`, and what stands beside."""
    outer: Json = told if isinstance(told, dict) else {"error": told}  # pyright: ignore[reportUnknownVariableType]
    said: Any = outer.get("error", outer.get("message"))
    if isinstance(said, list):
        said = "; ".join(map(str, said))  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(said, dict):
        said = {"message": said, "code": _TYPES.get(str(outer.get("error_type")).lower(), (None,))[0]}
    message = str(said.get("message"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    if any(words in message for words in _TOO_LONG):
        return {**outer, "error": {"message": message, "code": "context_length_exceeded"}}
    return {**outer, "error": said}


def _more(error: e.ProviderError, told: Json) -> e.ProviderError:
    cure = _TYPES.get(str(told.get("error_type")).lower(), (None, None))[1]
    if cure is not None:
        error.cure = cure
    seconds = told.get("estimated_time")
    if isinstance(seconds, int | float) and isinstance(error, e.ServerError):
        error.retry_after = float(seconds)
        error.cure = f"the model is being loaded, which takes about {seconds:.0f} s: try again then"
    if error.code == "model_not_supported":
        error.cure = "look at the model's page for who serves it, and allow one at https://huggingface.co/settings/inference-providers"
    return error

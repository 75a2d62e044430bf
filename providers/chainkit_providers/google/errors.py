"""What Google answers instead of a reply: `google.rpc.Status`, and what its details add."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chainkit import errors as e
from chainkit_providers.faults import fault, retry_after
from chainkit_providers.faults import http_fault as unread
from chainkit_providers.payload import Json, inner, listed, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

VENDOR = "google"
KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_KINDS: dict[str, type[e.ProviderError]] = {
    "API_KEY_INVALID": e.AuthenticationError,
    "API_KEY_EXPIRED": e.AuthenticationError,
    "ACCESS_TOKEN_EXPIRED": e.AuthenticationError,
    "CREDENTIALS_MISSING": e.AuthenticationError,
}
_WAIT = re.compile(r"retry in (\d+(?:\.\d+)?)(ms|s)\b", re.IGNORECASE)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)s")


def refused(vendor: str, status: int, headers: Mapping[str, str], body: bytes) -> e.ProviderError:
    """The error behind an HTTP answer that is no reply."""
    lower = {k.lower(): v for k, v in headers.items()}
    try:
        content = parse(body)
    except e.ReplyMalformed:
        return unread(vendor, status, headers, body, keys=KEYS)
    error = fault_in(vendor, content, status=status)
    waits = retry_after(lower)
    error.retry_after = error.retry_after if waits is None else waits
    error.request_id = lower.get("x-request-id") or lower.get("x-goog-request-id") or error.request_id
    return error


def fault_in(vendor: str, content: Any, *, status: int | None = None) -> e.ProviderError:
    """The error that an error object describes, from an HTTP body or inside a stream."""
    answer = _first(content)
    said = inner(answer, "error")
    if not said:
        return fault(vendor, answer, status=status, keys=KEYS)
    details = {str(d.get("@type", "")).rpartition(".")[2]: d for d in listed(said, "details")}
    reason = str(details.get("ErrorInfo", {}).get("reason") or "")
    plain = {
        "error": {
            "type": said.get("status") or said.get("type"),
            "code": said.get("code"),
            "message": said.get("message"),
        }
    }
    error = fault(vendor, plain, status=status, keys=KEYS)
    kind = _KINDS.get(reason)
    if kind is not None and not isinstance(error, kind):
        error = kind(error.message, status=error.status, code=error.code)
        error.cure = f"set {' or '.join(KEYS)} to a valid key, or pass api_key="
    error.retry_after = _wait(details.get("RetryInfo", {}), error.message)
    error.cure = _cure(vendor, reason, details, error) or error.cure
    return error


def _first(content: Any) -> Json:
    """The error's object, which stands in a list where a stream was asked for as one."""
    while isinstance(content, list) and content:
        content = content[0]  # pyright: ignore[reportUnknownVariableType]
    return content if isinstance(content, dict) else {"error": str(content)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _wait(info: Json, message: str) -> float | None:
    """Seconds to wait, from the detail that says so, else from the message."""
    span = _SPAN.fullmatch(str(info.get("retryDelay") or ""))
    if span is not None:
        return float(span[1])
    said = _WAIT.search(message)
    return None if said is None else float(said[1]) / (1000 if said[2] == "ms" else 1)


def _cure(vendor: str, reason: str, details: Mapping[str, Json], error: e.ProviderError) -> str | None:
    if "API keys are not supported" in error.message:
        return "this part of Vertex AI takes no key: set GOOGLE_CLOUD_PROJECT and log in (gcloud auth application-default login)"
    if reason == "SERVICE_DISABLED":
        place = inner(details.get("ErrorInfo", {}), "metadata").get("activationUrl")
        return f"switch the API on for the project: {place}" if place else "switch the API on for the project"
    if isinstance(error, e.RateLimited) and any("PerDay" in str(v.get("quotaId")) for v in _violations(details)):
        return "the day's quota is used up: wait for tomorrow, raise it, or answer with another model by .fallback(...)"
    if vendor == "vertex" and error.status == 404:
        return (
            "check the name after 'vertex:', and whether GOOGLE_CLOUD_LOCATION serves it: newer models are in 'global'"
        )
    if vendor == "vertex" and isinstance(error, e.AuthenticationError):
        return "log in: gcloud auth application-default login, or name a key file in GOOGLE_APPLICATION_CREDENTIALS"
    return None


def _violations(details: Mapping[str, Json]) -> list[Json]:
    return listed(details.get("QuotaFailure", {}), "violations")

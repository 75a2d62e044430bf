"""What vendors answer instead of a reply, as errors of ours.

A fault is named by the vendor's own word first, then by what its message says, then by the HTTP status.
Keys that a vendor echoes are masked before the message is shown.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from chainkit import errors as e
from chainkit_providers.payload import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS: dict[str, type[e.ProviderError]] = {
    "context_length_exceeded": e.ContextTooLong,
    "exceed_context_size_error": e.ContextTooLong,
    "too_many_tokens": e.ContextTooLong,
    "too_many_prompt_tokens": e.ContextTooLong,
    "request_too_large": e.ContextTooLong,
    "invalid_api_key": e.AuthenticationError,
    "authentication_error": e.AuthenticationError,
    "permission_error": e.PermissionDenied,
    "permission_denied": e.PermissionDenied,
    "billing_error": e.PermissionDenied,
    "insufficient_quota": e.PermissionDenied,
    "insufficient_balance": e.PermissionDenied,
    "rate_limit_error": e.RateLimited,
    "rate_limit_exceeded": e.RateLimited,
    "overloaded_error": e.ServerError,
    "server_error": e.ServerError,
    "internal_server_error": e.ServerError,
    "internal_error": e.ServerError,
    "api_error": e.ServerError,
    "timeout_error": e.ServerError,
    "service_unavailable": e.ServerError,
    "vector_store_timeout": e.ServerError,
    # The model wrote a tool call that its own server could not read: the next draw may be well.
    "tool_use_failed": e.ServerError,
    "invalid_tool_generation": e.ServerError,
    "content_filter": e.ContentFiltered,
    "content_policy_violation": e.ContentFiltered,
    "image_content_policy_violation": e.ContentFiltered,
    "misalignment_policy_violation": e.ContentFiltered,
    "bio_policy": e.ContentFiltered,
    "invalid_prompt": e.ContentFiltered,
}
_STATUS: dict[int, type[e.ProviderError]] = {
    401: e.AuthenticationError,
    402: e.PermissionDenied,
    403: e.PermissionDenied,
    408: e.ServerError,
    409: e.ServerError,
    413: e.ContextTooLong,
    425: e.ServerError,
    429: e.RateLimited,
    498: e.RateLimited,
    499: e.ServerError,
}
_SAYS: tuple[tuple[re.Pattern[str], type[e.ProviderError]], ...] = (
    (
        re.compile(
            r"context (length|window|size|limit)|prompt (is )?too long|too many (input )?tokens"
            r"|input tokens exceeded|maximum number of tokens|total length of all messages is too long",
            re.IGNORECASE,
        ),
        e.ContextTooLong,
    ),
    (
        re.compile(r"(incorrect|invalid|missing) (x-)?api[ -]key|api[ -]key (is )?(not valid|invalid)", re.IGNORECASE),
        e.AuthenticationError,
    ),
    (re.compile(r"credit balance|insufficient (balance|credits?|funds)", re.IGNORECASE), e.PermissionDenied),
)
_NO_MODEL = re.compile(
    r"(model|deployment).{0,80}(does not exist|not found|not supported|unknown)|^model: ", re.IGNORECASE | re.DOTALL
)
_CURES: dict[type[e.ProviderError], str] = {
    e.PermissionDenied: "look at the account's credit, project and rights: the key is known and may not do this",
    e.RateLimited: "wait, or send less at once with .limit(...)",
    e.ContextTooLong: "send less, or use a model with a larger context",
    e.ContentFiltered: "change the input, or answer with another model by .fallback(...)",
    e.BadRequest: "look at what was sent with .render(x)",
    e.ServerError: "try again later, or answer with another model by .fallback(...)",
}
_NAMED_SECRET = re.compile(r"(?i)\b(api[ _-]?key(?: provided)?|x-api-key|authorization)(\s*[:=]\s*)(?:bearer\s+)?\S+")
_BEARER = re.compile(r"(?i)\b(bearer\s+)\S+")
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|r8|csk|pplx|nvapi|tgp|fw)[-_][\w*.<>-]*[\w*>-]|\bAIza[\w-]{10,}|\beyJ[\w-]{8,}\.[\w.-]+|\S*\*{3,}[\w>-]*"
)
_LONGEST = 1500


def mask(text: str) -> str:
    """The text without anything that looks like a key."""
    text = _NAMED_SECRET.sub(_masked, text)
    return _SECRET.sub("***", _BEARER.sub(r"\1***", text))


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}***{'.' if found[0].endswith('.') else ''}"


def http_fault(
    vendor: str, status: int, headers: Mapping[str, str], body: bytes, *, keys: tuple[str, ...] = ()
) -> e.ProviderError:
    """The error behind an HTTP answer that is no reply. `keys` are the variables that hold a key."""
    lower = {k.lower(): v for k, v in headers.items()}
    try:
        content = parse(body)
    except e.ReplyMalformed:
        return _unreadable(vendor, status, lower, body)
    error = fault(vendor, content, status=status, keys=keys)
    error.retry_after = retry_after(lower)
    error.request_id = lower.get("x-request-id") or lower.get("request-id") or error.request_id
    return error


def fault(vendor: str, content: Any, *, status: int | None = None, keys: tuple[str, ...] = ()) -> e.ProviderError:
    """The error that a vendor's error object describes, from an HTTP body or inside a stream."""
    message, words, request_id = _read(content)
    if status is None:
        status = next((int(w) for w in words if w.isdigit() and len(w) == 3), None)
    kind = _kind(status, words, message)
    shown = mask(message)[:_LONGEST] or "no message"
    said = f"{vendor} answered {status}" if status else f"{vendor} broke off with an error"
    code = next((w for w in words if not w.isdigit()), None)
    return kind(
        f"{said}: {shown}", cure=_cure(kind, message, vendor, keys), status=status, code=code, request_id=request_id
    )


def _read(content: Any) -> tuple[str, list[str], str | None]:
    """The message, the vendor's words for it from the most exact one, and the request's id."""
    outer: dict[str, Any] = content if isinstance(content, dict) else {"message": str(content)}  # pyright: ignore[reportUnknownVariableType]
    inner = outer.get("error")
    error: dict[str, Any] = inner if isinstance(inner, dict) else outer  # pyright: ignore[reportUnknownVariableType]
    message = inner if isinstance(inner, str) else error.get("message") or outer.get("message") or outer.get("detail")
    told = (error.get("code"), error.get("type"), error.get("error_type"), error.get("status_code"))
    words = [str(w) for w in told if w is not None and w != "error"]
    request_id = outer.get("request_id") or outer.get("id")
    return _as_text(message), words, request_id if isinstance(request_id, str) else None


def _as_text(message: Any) -> str:
    return message if isinstance(message, str) else "" if message is None else str(message)


def _kind(status: int | None, words: list[str], message: str) -> type[e.ProviderError]:
    for word in words:
        if word.lower() in _WORDS:
            return _WORDS[word.lower()]
    if status is None or status < 500:
        for pattern, kind in _SAYS:
            if pattern.search(message):
                return kind
    if status is None:
        return e.BadRequest if "invalid_request_error" in words else e.ServerError
    return _STATUS.get(status) or (e.ServerError if status >= 500 else e.BadRequest)


def _cure(kind: type[e.ProviderError], message: str, vendor: str, keys: tuple[str, ...]) -> str | None:
    if kind is e.AuthenticationError:
        return f"set {' or '.join(keys)} to a valid key, or pass api_key=" if keys else "pass a valid api_key="
    if kind is e.BadRequest and "v1/responses" in message:
        return "ask it through the other interface: api='responses'"
    if kind is e.BadRequest and _NO_MODEL.search(message):
        return f"check the name after '{vendor}:', and whether your account may use that model"
    return _CURES.get(kind)


def _unreadable(vendor: str, status: int, headers: Mapping[str, str], body: bytes) -> e.ProviderError:
    """An answer that some proxy, or a server that speaks no such protocol, gave."""
    kind = _STATUS.get(status) or (e.ServerError if status >= 500 else e.BadRequest)
    shown = mask(" ".join(body[:2000].decode("utf-8", "replace").split()))[:200]
    cure = (
        "check base_url=: this answer does not come from the provider's API"
        if kind is e.BadRequest
        else _CURES.get(kind)
    )
    return kind(
        f"{vendor} answered {status} with no JSON: {shown or 'nothing'}",
        cure=cure,
        status=status,
        retry_after=retry_after(headers),
        request_id=headers.get("x-request-id") or headers.get("request-id"),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or `retry-after` in seconds or as an HTTP date."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        said = headers.get("retry-after")
        return None if said is None else max(0.0, _seconds(said))
    except ValueError:
        return None


def _seconds(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        from email.utils import parsedate_to_datetime

        return parsedate_to_datetime(said).timestamp() - time.time()

"""The one place where secrets are taken out of what a test writes down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

HIDDEN = "***"
_LEAST = 8
"""Characters of a secret that is worth looking for in an answer."""
_HEADERS = re.compile(
    r"authorization|cookie|api[-_]?key|[-_]token$|secret|password|signature|organi[sz]ation|-project$", re.IGNORECASE
)
_FIELDS = re.compile(
    r"^(x[-_])?(api[-_]?key|authorization|password|secret|client_secret|(access|auth|refresh|id)_token|key)$",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
_KEYS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|ghp|csk|pplx|nvapi|fw|co)[-_][A-Za-z0-9_-]{12,}"
    r"|\bAIza[\w-]{20,}|\bAKIA[A-Z0-9]{12,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)


def masked_headers(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers with names in lower case; of one that may hold a secret only the scheme is left."""
    pairs: Iterable[tuple[str, str]] = (
        cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    )
    return {name.lower(): _header(name, value) for name, value in pairs}


def _header(name: str, value: str) -> str:
    if _HEADERS.search(name):
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {HIDDEN}" if space and scheme.lower() in ("bearer", "basic") else HIDDEN
    return masked_text(value)


def masked_text(text: str) -> str:
    """The text without anything that looks like a key."""
    return _KEYS.sub(HIDDEN, _BEARER.sub(lambda m: f"{m[1]} {HIDDEN}", text))


def masked_json(value: Any) -> Any:
    """JSON without the values of fields that hold secrets, and without key-like strings."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, list):
        return [masked_json(v) for v in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {k: HIDDEN if _FIELDS.match(k) and isinstance(v, str) else masked_json(v) for k, v in items}
    return value


def masked_path(path: str) -> str:
    """A path whose query holds no secret."""
    parts = urlsplit(path)
    if not parts.query:
        return masked_text(path)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = [(k, HIDDEN if _FIELDS.match(k) else masked_text(v)) for k, v in pairs]
    return urlunsplit(("", "", masked_text(parts.path), urlencode(query, safe="*"), ""))


def without(content: bytes, headers: Mapping[str, str]) -> bytes:
    """An answer that does not repeat what the request's headers kept secret."""
    for name, value in headers.items():
        secret = value.rpartition(" ")[2]
        if _HEADERS.search(name) and len(secret) >= _LEAST:
            content = content.replace(secret.encode(), HIDDEN.encode())
    return content

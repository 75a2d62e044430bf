"""The wire of Acme's talk endpoint: encode, decode, fold, error. No sending, no retry, no logging."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit import errors as e
from chainkit_acme.reply import TalkFold, decode
from chainkit_acme.request import encode
from chainkit_providers.faults import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest

WORDS: dict[str, type[e.ProviderError]] = {"too_long": e.ContextTooLong, "busy": e.ServerError}
"""Acme's own words come first: they say more than a status."""
STATUS: dict[int, type[e.ProviderError]] = {
    401: e.AuthenticationError,
    403: e.PermissionDenied,
    429: e.RateLimited,
}
CURES: dict[type[e.ProviderError], str] = {
    e.AuthenticationError: "set ACME_API_KEY, or pass api_key=",
    e.ContextTooLong: "send less, or ask acme:acme-large",
}


class Talk:
    """`POST /v1/talk`."""

    name = "talk"
    path = "v1/talk"

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        return encode(request, options)

    def decode(self, body: Any) -> Reply:
        return decode(body)

    def fold(self, request: ChatRequest) -> TalkFold:
        return TalkFold()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> e.ProviderError:
        return refusal(status, headers, body)


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> e.ProviderError:
    """An answer that is no reply: Acme's own, or the page of a proxy."""
    try:
        told = json.loads(body)["problem"]
    except (ValueError, KeyError, TypeError):
        told = {"message": body[:200].decode("utf-8", "replace")}
    error = problem(told, status)
    error.retry_after = retry_after({name.lower(): value for name, value in headers.items()})
    return error


def problem(told: Mapping[str, Any], status: int | None = None) -> e.ProviderError:
    """A problem of Acme's as an error of ours, from a refusal or from inside a stream."""
    word, later = told.get("word", ""), status is None or status >= 500
    kind = WORDS.get(word) or STATUS.get(status or 0) or (e.ServerError if later else e.BadRequest)
    cure = CURES.get(kind, "look at what was sent with .render(x)")
    return kind(f"acme: {told.get('message', word)}", status=status, code=word or None, cure=cure)

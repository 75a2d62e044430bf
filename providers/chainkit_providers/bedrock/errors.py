"""What Bedrock refuses, as errors of ours: the kind stands in a header, or in the name of a stream's exception."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chainkit import errors as e
from chainkit_providers.faults import fault, http_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK")
_KINDS: dict[str, type[e.ProviderError]] = {
    "accessdenied": e.PermissionDenied,
    "unrecognizedclient": e.AuthenticationError,
    "invalidsignature": e.AuthenticationError,
    "incompletesignature": e.AuthenticationError,
    "missingauthenticationtoken": e.AuthenticationError,
    "expiredtoken": e.AuthenticationError,
    "throttling": e.RateLimited,
    "servicequotaexceeded": e.RateLimited,
    "modelnotready": e.ServerError,
    "modeltimeout": e.ServerError,
    "modelerror": e.ServerError,
    "modelstreamerror": e.ServerError,
    "internalserver": e.ServerError,
    "serviceunavailable": e.ServerError,
}
_TOO_LONG = re.compile(r"input is too long|too many tokens|exceeds? the (?:maximum|context)", re.IGNORECASE)
_TOKEN = re.compile(r"security token .{0,40}(?:invalid|expired)|signature", re.IGNORECASE)
_CURES: dict[type[e.ProviderError], str] = {
    e.AuthenticationError: "run `aws sts get-caller-identity` to see who you are; renew the login, or set AWS_BEARER_TOKEN_BEDROCK",
    e.PermissionDenied: "ask for access to the model in the Bedrock console, and allow bedrock:InvokeModel to this role",
    e.ContextTooLong: "send less, or use a model with a larger context",
    e.RateLimited: "wait, or send less at once with .limit(...)",
}


def refused(status: int, headers: Mapping[str, str], body: bytes) -> e.ProviderError:
    """The error behind an HTTP answer that is no reply."""
    error = http_fault("bedrock", status, headers, body, keys=KEYS)
    lower = {k.lower(): v for k, v in headers.items()}
    error.request_id = error.request_id or lower.get("x-amzn-requestid")
    return _kinded(error, lower.get("x-amzn-errortype", ""))


def broken(name: str, told: Any) -> e.ProviderError:
    """The error that a stream tells in its middle."""
    return _kinded(fault("bedrock", told, keys=KEYS), name)


def _kinded(error: e.ProviderError, name: str) -> e.ProviderError:
    word = name.partition(":")[0].rpartition("#")[2]
    kind = _kind(word.lower().removesuffix("exception"), error)
    if type(error) is not kind:
        return kind(
            error.message, cure=_CURES.get(kind, error.cure or ""), status=error.status, code=word or error.code,
            retry_after=error.retry_after, request_id=error.request_id,
        )  # fmt: skip
    error.code = word or error.code
    error.cure = _CURES.get(kind, error.cure)
    return error


def _kind(word: str, error: e.ProviderError) -> type[e.ProviderError]:
    if _TOO_LONG.search(error.message):
        return e.ContextTooLong
    if word in _KINDS:
        return _KINDS[word]
    if error.status == 403:
        return e.AuthenticationError if _TOKEN.search(error.message) else e.PermissionDenied
    if word == "validation":
        return e.BadRequest
    return e.ServerError if error.status == 424 else type(error)

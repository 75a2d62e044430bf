"""What an answer's headers say of the account's rate limits, in whatever form the service writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit: how much of it there is, how much is left, and the seconds until it is full again."""

    limit: float | None = None
    remaining: float | None = None
    reset: float | None = None


# `x-ratelimit-remaining-tokens`, `vendor-ratelimit-tokens-remaining` and the bare `ratelimit-remaining` all occur.
_HEADER = re.compile(
    r"(?:[\w-]+-)?ratelimit-(?:(?P<first>limit|remaining|reset)(?:-(?P<after>[\w-]+))?"
    r"|(?P<before>[\w-]+)-(?P<last>limit|remaining|reset))"
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|us|ns|d|h|m|s)")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def rate_limits(headers: Mapping[str, str]) -> dict[str, RateLimit]:
    """The limits by what they count: `requests`, `tokens`, ...; `all` where the service does not say what."""
    found: dict[str, dict[str, float | None]] = {}
    for name, said in headers.items():
        known = _HEADER.fullmatch(name.lower())
        if known is None:
            continue
        what = known["after"] or known["before"] or "all"
        field = known["first"] or known["last"]
        found.setdefault(what, {})[field] = _seconds(said) if field == "reset" else _number(said)
    return {what: RateLimit(**fields) for what, fields in found.items()}


def _number(said: str) -> float | None:
    try:
        return float(said.split(",", maxsplit=1)[0])
    except ValueError:
        return None


def _seconds(said: str) -> float | None:
    """Seconds from now: of `6m0s`, `120ms`, a number of seconds, or a point in time."""
    spans = _SPAN.findall(said)
    if spans and "".join(n + unit for n, unit in spans) == said.strip():
        return sum(float(n) * _SECONDS[unit] for n, unit in spans)
    number = _number(said)
    if number is None:
        return _until(said)
    # A number this large is a point in time: seconds, or thousandths of them, since 1970.
    now = datetime.now(UTC).timestamp()
    if number > now * 100:
        number /= 1000
    return max(0.0, number - now) if number > now / 2 else number


def _until(said: str) -> float | None:
    try:
        then = datetime.fromisoformat(said.strip())
    except ValueError:
        return None
    then = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())

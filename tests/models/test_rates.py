"""Rate limits are read from the headers, in each form that services write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chainkit import Reply
from chainkit.messages import Text
from chainkit.models.rates import RateLimit, rate_limits


def test_what_is_counted_may_stand_last() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-reset-tokens": "6m0s",
        "content-type": "application/json",
    }
    assert rate_limits(headers) == {
        "requests": RateLimit(500, 499, pytest.approx(0.12)),
        "tokens": RateLimit(30000, None, 360.0),
    }


def test_what_is_counted_may_stand_before_and_the_reset_be_a_point_in_time() -> None:
    then = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = rate_limits({"acme-ratelimit-input-tokens-remaining": "7", "acme-ratelimit-input-tokens-reset": then})
    assert found["input-tokens"].remaining == 7
    assert 80 < found["input-tokens"].reset <= 90


def test_a_service_may_not_say_what_it_counts() -> None:
    assert rate_limits({"X-RateLimit-Limit": "60", "x-ratelimit-reset": "12"}) == {"all": RateLimit(60, None, 12.0)}


@pytest.mark.parametrize("factor", [1, 1000])
def test_a_large_number_is_a_point_in_time(factor: int) -> None:
    then = (datetime.now(UTC).timestamp() + 30) * factor
    assert 25 < rate_limits({"x-ratelimit-reset": f"{then:.0f}"})["all"].reset <= 31


@pytest.mark.parametrize("said", ["soon", "", "1h after", "2024-99-99"])
def test_what_cannot_be_read_is_none_and_no_error(said: str) -> None:
    assert rate_limits({"x-ratelimit-reset-requests": said})["requests"].reset is None


def test_a_reply_tells_them() -> None:
    reply = Reply((Text("hi"),), headers={"x-ratelimit-remaining-requests": "3"})
    assert reply.rate_limits["requests"].remaining == 3

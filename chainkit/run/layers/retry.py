"""Retry: transient errors only, by tenacity's waits, from the step's one number of attempts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from chainkit.errors import ProviderError, StreamBroken
from chainkit.run.io.blocking import too_late

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.run.call import Call

_FIRST, _MOST, _JITTER = 0.5, 30.0, 0.5
"""Back-off in seconds: doubling from the first, up to the most, with some jitter against crowds."""


async def retry(call: Call, send: Callable[[Call], Awaitable[Any]]) -> Any:
    """Send until it works, the error is not transient, or the attempts are used up."""
    tries = call.tries
    failed = 0
    while True:
        tries.used += 1
        try:
            return await send(call)
        except ProviderError as error:
            failed += 1
            tries.note(error)
            if not error.transient or tries.left < 1:
                raise tries.spend(error) from error.__cause__
            wait = pause(failed, error)
            if call.until is not None and call.io.now() + wait >= call.until:
                raise tries.spend(too_late()) from error
            await _restart(call, error)
        await call.io.sleep(wait)


async def _restart(call: Call, error: ProviderError) -> None:
    if call.restart is None:
        return
    try:
        await call.restart(error)
    except StreamBroken as broken:
        raise call.tries.spend(broken) from error


def pause(failed: int, error: ProviderError) -> float:
    """Seconds to wait after so many failures; what the provider asked for is honoured."""
    if error.retry_after is not None:
        return max(0.0, error.retry_after)
    return backoff(_FIRST, _MOST, _JITTER)(failed)


@cache
def backoff(first: float, most: float, jitter: float) -> Callable[[int], float]:
    """Tenacity's exponential wait with jitter, as a function of the number of failures."""
    from tenacity import RetryCallState, Retrying, wait_exponential, wait_random

    wait = wait_exponential(multiplier=first, max=most) + wait_random(0, jitter)
    retrying = Retrying()

    def seconds(failed: int) -> float:
        state = RetryCallState(retrying, None, (), {})
        state.attempt_number = failed
        return wait(state)

    return seconds

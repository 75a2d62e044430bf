"""What a call cost, from a price list that ships with a package: offline, and never 0 for unknown."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from chainkit.usage import UNKNOWN, Cost, Usage, exact


def price(provider: str, model: str, usage: Usage) -> Cost:
    """The cost in US dollars by the list; Unknown where the list has no such model, or is not installed."""
    entry = _entry(provider, model)
    if entry is None:
        return UNKNOWN
    calculate, used = entry
    found = calculate(
        used(
            input_tokens=usage.input,
            output_tokens=usage.output,
            cache_read_tokens=usage.cached,
            cache_write_tokens=usage.cache_write,
            input_audio_tokens=usage.audio_input,
            output_audio_tokens=usage.audio_output,
        )
    )
    return exact(float(found)) if found is not None else UNKNOWN


@lru_cache(maxsize=512)
def _entry(provider: str, model: str) -> tuple[Any, Any] | None:
    try:
        import genai_prices
    except ImportError:
        return None

    for identity in (provider, f"{provider[0]}-{provider[1:]}", provider.replace("_", "-")):
        try:
            genai_prices.calc_price(
                genai_prices.Usage(input_tokens=1, output_tokens=1), model_ref=model, provider_id=identity
            )
        except LookupError:
            continue
        return _calculation(genai_prices, model, identity), genai_prices.Usage
    return None


def _calculation(prices: Any, model: str, provider: str) -> Callable[[Any], Any]:
    return lambda used: prices.calc_price(used, model_ref=model, provider_id=provider).total_price

"""What calls cost, from a price list that ships with a package: offline, and never 0 for unknown.

The list can be made newer: `refresh()` (or `chainkit models --refresh`) fetches it once and keeps it in the cache
folder, from where every later process reads it. Nothing is fetched unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from chainkit.usage import UNKNOWN, Cost, Usage, exact

_TOKENS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
}
"""The list's names of token prices, and ours."""
_UNITS = {
    "seconds": ("audio_seconds", "input_audio_seconds"),
    "characters": ("input_characters",),
    "searches": ("rerank_searches",),
    "web_searches": ("web_searches",),
    "pages": ("input_document_pages",),
    "output_image_tokens": ("output_image_tokens",),
}
"""Our names of what is priced by something other than tokens of text, and the list's."""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens; None where the list has no price of its own for that kind.

    `source` is the list, `as_of` the day it was fetched, or for the one that ships the newest change in it.
    """

    input: float | None = None
    output: float | None = None
    cached: float | None = None
    cache_write: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    context: int | None = None
    source: str = ""
    as_of: date | None = None


def price(provider: str, model: str, usage: Usage, terms: Mapping[str, str] | None = None) -> Cost:
    """The cost in US dollars by the list; Unknown where the list has no such model, or is not installed.

    `terms` are what changes a price: `service_tier`, or `processing: batch`.
    """
    entry = _entry(provider, model)
    if entry is None:
        return UNKNOWN
    calculate, used = entry
    amounts: dict[str, float | None] = {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cached,
        "cache_write_tokens": usage.cache_write,
        "input_audio_tokens": usage.audio_input,
        "output_audio_tokens": usage.audio_output,
    }
    amounts |= {listed: amount for name, amount in usage.units for listed in _UNITS.get(name, ())}
    found = calculate(used(**amounts), terms)
    if not found and (any(amounts.values()) or usage.units) and not _free(_model(provider, model)):
        # It is priced by something that this usage does not count.
        return UNKNOWN
    return exact(float(found))


def prices(provider: str, model: str) -> Prices | None:
    """What the list says of a model; None where it says nothing."""
    found = _model(provider, model)
    if found is None:
        return None
    from chainkit.models.price_list import held, shipped

    # Without a mark of its own it is what came with the package.
    source, as_of = held() or shipped()
    listed: Any = found[1].get_prices(datetime.now(UTC))
    per = {ours: _first(getattr(listed, theirs, None)) for theirs, ours in _TOKENS.items()}
    return Prices(**per, context=found[1].context_window, source=source, as_of=as_of)


def sellers(model: str) -> tuple[str, ...]:
    """Whose models the list knows one of that name among, most likely first; none where it is not installed."""
    try:
        from genai_prices import data_snapshot
    except ImportError:
        return ()
    found = [
        (m.id != model, p.id) for p in data_snapshot.get_snapshot().providers for m in p.models if m.is_match(model)
    ]
    return tuple(dict.fromkeys(seller for _, seller in sorted(found, key=lambda f: f[0])))


def _free(found: tuple[Any, Any] | None) -> bool:
    """Whether the list gives a model away."""
    if found is None:
        return False
    listed: Any = found[1].get_prices(datetime.now(UTC))
    return not any(getattr(listed, name) for name in listed.__dict__)


def _first(listed: Any) -> float | None:
    """The price of the first tokens, where more of them cost otherwise."""
    if listed is None:
        return None
    return float(getattr(listed, "base", listed))


def forget() -> None:
    """Look models up anew: the list has changed."""
    _entry.cache_clear()
    _model.cache_clear()


@lru_cache(maxsize=512)
def _model(provider: str, model: str) -> tuple[Any, Any] | None:
    try:
        from genai_prices import data_snapshot
    except ImportError:
        return None
    from chainkit.models.price_list import use

    use()
    snapshot = data_snapshot.get_snapshot()
    for identity in (provider, f"{provider[0]}-{provider[1:]}", provider.replace("_", "-")):
        try:
            return snapshot.find_provider_model(model, None, identity, None)
        except LookupError:
            continue
    return None


@lru_cache(maxsize=512)
def _entry(provider: str, model: str) -> tuple[Callable[[Any, Any], Any], Any] | None:
    found = _model(provider, model)
    if found is None:
        return None
    import genai_prices

    vendor, listed = found

    def calculate(used: Any, terms: Any) -> Any:
        return listed.calc_price(used, vendor, price_context=terms).total_price

    return calculate, genai_prices.Usage

"""Where the price list comes from: the package that ships it, or a newer copy that was fetched on purpose."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chainkit.errors import ConnectionFailed, MissingExtra, ReplyMalformed

_PACKAGE = "genai-prices"
_MOST = 64 * 1024 * 1024
"""Bytes that a list may have."""
_FILE = "prices.json"


def folder() -> Path:
    """Where chainkit keeps what it fetched: `$CHAINKIT_CACHE`, or the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("CHAINKIT_CACHE") or Path(base) / "chainkit")


def refresh(url: str | None = None) -> tuple[str, date]:
    """Fetch the newest list and keep it: (its source, its day). `url` names another list of the same form.

    Raises ConnectionFailed where it cannot be fetched and ReplyMalformed where it is no price list; the list
    that is there then stays.
    """
    try:
        from genai_prices.update_prices import DEFAULT_UPDATE_URL
    except ImportError as error:
        raise MissingExtra("the price list's package is not installed", cure=f"pip install {_PACKAGE}") from error
    where = url or DEFAULT_UPDATE_URL
    body = _fetched(where)
    providers = _read(body, where)
    today = datetime.now(UTC).date()
    kept = folder() / _FILE
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"source": where, "as_of": today.isoformat(), "providers": json.loads(body)}))
    fresh.replace(kept)
    _put(providers)
    _kept.cache_clear()
    return where, today


def use() -> None:
    """Put the fetched list in the shipped one's place, where there is one that can be read."""
    _kept()


def held() -> tuple[str, date] | None:
    """(source, day) of the fetched list; None where the shipped one is used."""
    return _kept()


@lru_cache(maxsize=1)
def shipped() -> tuple[str, date | None]:
    """(package and version, the day of the newest change in it that has come into force)."""
    from genai_prices.data_snapshot import get_snapshot

    today = datetime.now(UTC).date()
    days = [d for p in get_snapshot().providers for m in p.models for d in _days(m) if d <= today]
    return f"{_PACKAGE} {version(_PACKAGE)}", max(days, default=None)


def _days(model: Any) -> list[date]:
    several = not hasattr(model.prices, "input_mtok")
    said: list[Any] = [*(model.prices if several else ()), *(model.price_variants or ())]
    return [d for item in said if (d := getattr(item.constraint, "start_date", None)) is not None]


@lru_cache(maxsize=1)
def _kept() -> tuple[str, date] | None:
    kept = folder() / _FILE
    if not kept.exists():
        return None
    try:
        data = json.loads(kept.read_bytes())
        _put(_read(json.dumps(data["providers"]).encode(), str(kept)))
        return data["source"], date.fromisoformat(data["as_of"])
    except (ValueError, KeyError, TypeError, OSError, ReplyMalformed):
        # Another version's file, or half of one: the shipped list is there.
        return None


def _put(providers: list[Any]) -> None:
    from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot

    from chainkit.models.prices import forget

    set_custom_snapshot(DataSnapshot(providers=providers, from_auto_update=True))
    forget()


def _read(body: bytes, where: str) -> list[Any]:
    """The list's providers, read by its own package."""
    from genai_prices.types import _providers_from_raw  # pyright: ignore[reportPrivateUsage]

    try:
        return _providers_from_raw(json.loads(body))
    except (ValueError, TypeError, KeyError) as error:
        said = str(error).splitlines()[0]
        raise ReplyMalformed(f"{where} is no price list: {said}", cure="leave url= away, or upgrade chainkit") from None


def _fetched(url: str) -> bytes:
    import httpx

    try:
        with httpx.stream("GET", url, timeout=30, follow_redirects=True) as response:
            response.raise_for_status()
            found = bytearray()
            for piece in response.iter_bytes():
                found += piece
                if len(found) > _MOST:
                    raise ReplyMalformed(f"{url} sent more than {_MOST} bytes, which is no price list")
            return bytes(found)
    except httpx.HTTPError as error:
        raise ConnectionFailed(
            f"the price list at {url} could not be fetched: {error}",
            cure="check the network; the list that is there stays",
        ) from error

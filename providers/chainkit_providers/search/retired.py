"""Engines that closed their doors: who asks for one is told so, and what carries the same results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.models.provider import Account
    from chainkit.run.limits import Limit


@dataclass(frozen=True, eq=False)
class Retired:
    """An engine that cannot be asked any more."""

    name: str
    what: str
    instead: str
    usd: float | None = None
    limit: Limit | None = None

    def open(self, account: Account, options: Mapping[str, Any]) -> NoReturn:
        """Raises CompositionError."""
        raise CompositionError(self.what, cure=self.instead)

    def variant(self, name: str) -> NoReturn:
        """Raises CompositionError."""
        raise CompositionError(self.what, cure=self.instead)


google = Retired(
    "google",
    "Google's Custom Search JSON API takes no new customers and closes on 2027-01-01, so web('google') is not offered",
    'web("serper") and web("serpapi/google") carry Google\'s results',
)
bing = Retired(
    "bing",
    "the Bing Web Search API was retired on 2025-08-11, so there is no web('bing')",
    'web("serpapi/bing") carries Bing\'s results',
)

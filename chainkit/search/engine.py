"""What a search engine must be. Ours and a stranger's are found alike, through the entry-point group "chainkit.search".

An engine is opened with an account and its options, and gives a backend whose `send(call)` answers a call of kind
"search" with `Found`. An option that it cannot honour raises CompositionError when it is opened: none vanishes. Engines
that answer in plain JSON are rows of data; see `chainkit_providers.search.rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypedDict

from chainkit.models.profile import Profile
from chainkit.models.resolve import Resolved
from chainkit.models.task import TaskReply, TaskRequest
from chainkit.search.result import WebResult
from chainkit.usage import FREE, UNKNOWN, exact

if TYPE_CHECKING:
    from chainkit.models.provider import Account, Backend
    from chainkit.run.limits import Limit
    from chainkit.usage import Cost, Usage

Safe = Literal["off", "moderate", "strict"]
Recency = Literal["day", "week", "month", "year"]
COUNT = 10
"""Results of one search, where nobody says how many; fewer where the engine gives fewer."""


class SearchOptions(TypedDict, total=False):
    """What a search may be told.

    `count`: how many results at most. `region`: a country by its two letters ("de"), from which the search is made.
    `language`: of the results ("de"). `safe`: what is left out that is not for everybody. `recency`: no older than a
    day, week, month or year. `site`: only pages of this host and those below it. `extra`: fields of the engine's own,
    sent as they are.
    """

    count: int
    region: str | None
    language: str | None
    safe: Safe | None
    recency: Recency | None
    site: str | None
    extra: Mapping[str, Any] | None


@dataclass(slots=True)
class SearchRequest(TaskRequest):
    """What is searched for. Its `options` are those the engine was opened with."""

    kind: ClassVar[str] = "search"
    query: str = ""

    @property
    def size(self) -> int:
        """Characters of the query."""
        return len(self.query)


@dataclass(slots=True, kw_only=True)
class Found(TaskReply):
    """What an engine found, best first."""

    results: tuple[WebResult, ...] = ()


class Engine(Protocol):
    """A search engine. `usd` is the price of one search: 0 where it is free, None where nobody knows."""

    @property
    def name(self) -> str: ...

    @property
    def usd(self) -> float | None: ...

    @property
    def limit(self) -> Limit | None:
        """The queue that its searches stand in where the run names none, for an engine that asks to be asked slowly."""
        ...

    def open(self, account: Account, options: Mapping[str, Any]) -> Backend:
        """A backend for an account and options: no I/O. Raises CompositionError for an option it cannot honour."""
        ...

    def variant(self, name: str) -> Engine:
        """The engine behind the slash of "serpapi/bing". Raises CompositionError where there is none of that name."""
        ...


class Searching(Resolved):
    """An engine, opened: what a call needs to know of it."""

    __slots__ = ("_cost",)

    def __init__(self, name: str, backend: Backend, usd: float | None, limit: Limit | None = None) -> None:
        super().__init__(name, name, backend, Profile(name, name, kinds=frozenset({"search"})), limit)
        self._cost = UNKNOWN if usd is None else FREE if usd == 0 else exact(usd)

    def price(self, usage: Usage, terms: Mapping[str, str] | None = None) -> Cost:
        """What one search costs."""
        return self._cost

    def bound(self, request: Any) -> tuple[int, Cost]:
        """The same, before it is made. No tokens are used."""
        return 0, self._cost

    def queued(self, limit: Limit) -> Searching:
        """The same in another queue."""
        new = Searching(self.provider, self.backend, None, limit)
        new._cost = self._cost
        return new

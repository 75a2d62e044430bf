"""A search of the web, as a chain."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack, get_args

from chainkit.chain import Chain
from chainkit.errors import CompositionError, did_you_mean
from chainkit.models.access import without_password
from chainkit.models.provider import Account
from chainkit.models.sending import sent
from chainkit.retrieval.retriever import question_in
from chainkit.run.call import Tries
from chainkit.search.engine import COUNT, Found, Recency, Safe, Searching, SearchOptions, SearchRequest
from chainkit.search.engines import find
from chainkit.search.result import WebResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.documents import Retrieved
    from chainkit.models.resolve import Resolved
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.run import Run
    from chainkit.search.pages import Pages
    from chainkit.tools.tool import Tool

ATTEMPTS = 3
_OPTIONS = frozenset(SearchOptions.__annotations__)
_REGION = re.compile(r"[a-zA-Z]{2}")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{2,8})*")
_SITE = re.compile(r"[\w-]+(\.[\w-]+)+")


@dataclass(frozen=True, repr=False)
class Web(Chain[str, list[WebResult]]):
    """A search engine and how it is asked. Made by `web`."""

    engine: str
    account: Account
    options: tuple[tuple[str, Any], ...] = ()
    attempts: int = ATTEMPTS
    pages: Pages | None = None

    def __post_init__(self) -> None:
        self.__dict__["_resolved"] = self._opened()

    def _opened(self) -> Resolved:
        engine = find(self.engine)
        backend = engine.open(self.account, dict(self.options))
        return Searching(self.engine, backend, engine.usd, engine.limit)

    @property
    def in_type(self) -> Any:
        return str

    @property
    def out_type(self) -> Any:
        return list[WebResult]

    @property
    def spec(self) -> str:
        """How it is named in `Run(models=..., limits=...)`: "web:brave"."""
        return f"web:{self.engine}"

    @property
    def label(self) -> str:
        return f"web {self.engine}"

    def __hash__(self) -> int:
        return hash((self.engine, self.account.base_url, self.attempts))

    def __getstate__(self) -> dict[str, Any]:
        """Without the backend that was opened here: another process opens its own. A script goes along."""
        state = super().__getstate__()
        return state if "script" in state else {k: v for k, v in state.items() if k != "_resolved"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_resolved" not in state:
            self.__post_init__()

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return () if self.pages is None else (("pages", self.pages),)

    def compile(self, place: Place) -> Core:
        path = place.path
        pages = None if self.pages is None else place.compile(self.pages)

        async def run(frame: Frame, value: Any) -> Any:
            query = query_in(value)
            resolved = resolved_for(self, frame.run)
            request = SearchRequest(resolved.model, dict(self.options), query=query)
            found = await sent(resolved, request, frame.quiet(), path, Tries(frame.attempts or self.attempts))
            results = self._given(found)
            return results if pages is None else await pages(frame, results)

        return run

    def _given(self, found: Found) -> list[WebResult]:
        """At most as many as were asked for, of the site that was asked for, numbered."""
        options = dict(self.options)
        site, count = options.get("site"), options.get("count", COUNT)
        kept = [r for r in found.results if site is None or _below(r.url, site)]
        return [replace(r, rank=n, engine=r.engine or self.engine) for n, r in enumerate(kept[:count], 1)]

    def retriever(self, k: int = 4) -> Chain[str, list[Retrieved]]:
        """The search as a retriever, for `answering`: the `k` passages of its results that fit the question best."""
        from chainkit.search.passages import passages

        return passages(self, k)

    def as_tool(self, *, name: str = "web_search", description: str | None = None) -> Tool[..., Any]:
        """The search as a tool that a model may call: results numbered, with sources, marked as data."""
        from chainkit.search.tools import search_tool

        return search_tool(self, name=name, description=description)


def query_in(value: Any) -> str:
    """What is searched for. Raises CompositionError for what is no text, or an empty one."""
    query = " ".join(question_in(value).split())
    if not query:
        raise CompositionError("a search needs a query, and this one is empty")
    return query


def _below(url: str, site: str) -> bool:
    from urllib.parse import urlsplit

    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    return host == site.lower() or host.endswith(f".{site.lower()}")


def resolved_for(chain: Web, run: Run) -> Resolved:
    """Who answers for this search in this run."""
    own: Resolved = chain.__dict__["_resolved"]
    stand_in = run.stand_in(chain.spec) if run.models is not None else None
    if stand_in is not None:
        return _standing_in(stand_in, chain, own)
    limit = run.limit(chain.spec) if run.limits is not None else None
    return own if limit is None or not isinstance(own, Searching) else own.queued(limit)


def _standing_in(stand_in: Any, chain: Web, own: Resolved) -> Resolved:
    if hasattr(stand_in, "stand_for"):
        found: Resolved = stand_in.stand_for(own)
        return found
    script = getattr(stand_in, "script", None)
    if script is not None:
        # A script answers in the engine's own name.
        return Searching(chain.engine, script, 0)
    if isinstance(stand_in, Web):
        other: Resolved = stand_in.__dict__["_resolved"]
        return other
    msg = f"{type(stand_in).__name__} stands in for {chain.spec}, and cannot search"
    raise CompositionError(msg, cure="use chainkit.testing.ScriptedSearch([...]) or another web(...)")


def web(
    engine: str,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    client: Any = None,
    attempts: int = ATTEMPTS,
    fetch: bool | int = False,
    **options: Unpack[SearchOptions],
) -> Web:
    """A search of the web: a query in, a list of `WebResult` out, best first.

    `engine` is a name ("duckduckgo", "searxng", "brave", ...; `chainkit.search.names()` lists them), or
    "serpapi/bing" where one engine asks others. `count`, `region`, `language`, `safe`, `recency`, `site` and `extra`
    are as in `SearchOptions`. `fetch=3` fetches the first 3 pages as well, `fetch=True` all. The vendor's own
    environment variable holds the key, unless `api_key` is given. Each search passes the run's gate as a call of kind
    "search". Raises CompositionError for an unknown engine and for an option that the engine cannot honour.
    """
    given: dict[str, Any] = {k: v for k, v in options.items() if v is not None}
    _check(given)
    if attempts < 1:
        raise CompositionError(f"attempts must be at least 1, not {attempts}")
    if base_url is not None:
        without_password(base_url)
    account = Account(engine, None, base_url, api_key if api_key is None else api_key.strip(), client)
    return Web(engine, account, tuple(sorted(given.items())), attempts, _pages(fetch))


def _pages(fetch: bool | int) -> Pages | None:
    from chainkit.search.pages import pages

    if fetch is False:
        return None
    return pages(None if fetch is True else fetch)


def _check(given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in _OPTIONS:
            raise CompositionError(f"web() has no option {name!r}", cure=did_you_mean(name, sorted(_OPTIONS)))
    count = given.get("count", 1)
    if type(count) is not int or count < 1:
        raise CompositionError(f"count={count!r}: a search gives 1 result or more")
    for name, words in (("safe", get_args(Safe)), ("recency", get_args(Recency))):
        if name in given and given[name] not in words:
            raise CompositionError(f"{name}={given[name]!r} is none of {', '.join(words)}")
    for name, form, example in (
        ("region", _REGION, "de"),
        ("language", _LANGUAGE, "de"),
        ("site", _SITE, "example.org"),
    ):
        if name in given and not (isinstance(given[name], str) and form.fullmatch(given[name])):
            raise CompositionError(f"{name}={given[name]!r:.60} is not of the form {example!r}")

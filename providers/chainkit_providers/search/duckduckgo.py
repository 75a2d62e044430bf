"""DuckDuckGo, through the package `ddgs`: without a key, and without a promise of the engine's that it will answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError, ConnectionFailed, MissingExtra, RateLimited, ServerError
from chainkit.models.client_work import waited
from chainkit.models.provider import Rendered
from chainkit.search.engine import COUNT, Found
from chainkit.usage import Usage
from chainkit_providers.search.reading import results

if TYPE_CHECKING:
    from chainkit.errors import ProviderError
    from chainkit.models.provider import Account
    from chainkit.run.call import Call
    from chainkit.run.limits import Limit

_LETTER = {"day": "d", "week": "w", "month": "m", "year": "y"}
_SAFE = {"off": "off", "moderate": "moderate", "strict": "on"}
_SECONDS = 20
_NOTHING = "No results found"


@dataclass(frozen=True, eq=False)
class DuckDuckGo:
    """The engine."""

    name: str = "duckduckgo"
    usd: float | None = 0.0
    limit: Limit | None = None

    def variant(self, name: str) -> DuckDuckGo:
        """There is none. Raises CompositionError."""
        raise CompositionError(f"duckduckgo is one engine and has no {name!r}", cure="web('duckduckgo')")

    def open(self, account: Account, options: Mapping[str, Any]) -> _Backend:
        """A backend. Raises CompositionError for what cannot be honoured."""
        if account.base_url or account.api_key or account.client is not None:
            raise CompositionError("duckduckgo is asked without a key, an address or a client of one's own")
        _asked("", options)
        return _Backend(options)


def _asked(query: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the package's own search. Raises CompositionError."""
    region, language = options.get("region"), options.get("language")
    if (region is None) != (language is None):
        raise CompositionError(
            "duckduckgo honours region= and language= together only", cure='region="de", language="de"'
        )
    said: dict[str, Any] = {
        "query": f"{query} site:{options['site']}" if "site" in options else query,
        "max_results": options.get("count", COUNT),
        "backend": "duckduckgo",
        "region": "wt-wt" if region is None else f"{region}-{language}".lower(),
        "safesearch": _SAFE[options.get("safe", "moderate")],
    }
    if "recency" in options:
        said["timelimit"] = _LETTER[options["recency"]]
    return said | dict(options.get("extra") or {})


class _Backend:
    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options

    def check(self, model: str | None = None) -> None:
        """Raise MissingExtra where the package is not installed."""
        if find_spec("ddgs") is None:
            raise MissingExtra(
                "searching with duckduckgo needs the package ddgs", cure="pip install 'chainkit[search]'"
            )

    def render(self, request: Any) -> Rendered:
        """What the package would be asked."""
        asked = _asked(request.query, self._options)
        return Rendered("", "duckduckgo", request.model, "CALL", "ddgs.DDGS().text", {}, asked)

    async def send(self, call: Call) -> Found:
        """Answer a call of kind "search". The package waits in a thread of its own."""
        until = call.until
        left = _SECONDS if until is None else min(_SECONDS, max(1, int(until - call.io.now())))
        asked = _asked(call.request.query, self._options)
        rows = await waited(call, lambda: _found(asked, left))
        named = [{"title": r.get("title"), "url": r.get("href"), "snippet": r.get("body")} for r in rows]
        return Found(results=results(named, "duckduckgo"), model="duckduckgo", usage=Usage(units=(("searches", 1.0),)))


def _found(asked: Mapping[str, Any], seconds: int) -> list[dict[str, Any]]:
    package: Any = import_module("ddgs")
    faults: Any = import_module("ddgs.exceptions")
    try:
        found: list[dict[str, Any]] = package.DDGS(timeout=seconds).text(**asked)
    except faults.DDGSException as error:
        if _NOTHING in str(error):
            return []
        raise _fault(error, faults) from error
    return found


def _fault(error: Exception, faults: Any) -> ProviderError:
    said = " ".join(str(error).split())[:200]
    if isinstance(error, faults.RatelimitException):
        return RateLimited(f"duckduckgo refused: {said}", cure="ask less often with .limit(...), or ask another engine")
    if isinstance(error, faults.TimeoutException):
        return ConnectionFailed(f"duckduckgo did not answer in time: {said}", code="timeout")
    return ServerError(f"duckduckgo gave no answer: {said}", cure="try again later, or ask another engine")


provider = DuckDuckGo()

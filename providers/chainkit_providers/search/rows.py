"""The engines that answer in plain JSON, one row each. Where a format was read is named beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from chainkit.run.limits import Limit
from chainkit_providers.search.atom import atom, since_submitted, terms
from chainkit_providers.search.json_engine import IN_QUERY, Family, JsonEngine, Spelt
from chainkit_providers.search.reading import at

_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}
_SAME = {word: word for word in _DAYS}
_LETTER = {"day": "d", "week": "w", "month": "m", "year": "y"}


def _upper(value: Any, options: Mapping[str, Any]) -> str:
    return str(value).upper()


def _lower(value: Any, options: Mapping[str, Any]) -> str:
    return str(value).lower()


def _listed(value: Any, options: Mapping[str, Any]) -> list[Any]:
    return [value]


def _since(value: Any, options: Mapping[str, Any]) -> str:
    return (datetime.now(UTC) - timedelta(days=_DAYS[value])).date().isoformat()


def _midnight(value: Any, options: Mapping[str, Any]) -> str:
    return f"{_since(value, options)}T00:00:00.000Z"


def _with_region(value: Any, options: Mapping[str, Any]) -> str:
    """The language "de", or "de-AT" where a region is wanted as well."""
    return f"{value}-{options['region'].upper()}" if "region" in options else str(value)


# https://docs.searxng.org/dev/search_api.html
searxng = JsonEngine(
    name="searxng",
    base_url="{SEARXNG_URL}",
    base_url_env=("SEARXNG_URL",),
    path="/search",
    fixed={"format": "json"},
    most=100,
    options={
        "language": Spelt("language", form=_with_region),
        "region": Spelt(needs="language"),
        "safe": Spelt("safesearch", {"off": 0, "moderate": 1, "strict": 2}),
        "recency": Spelt("time_range", _SAME),
        "site": IN_QUERY,
    },
    fields={"title": "title", "url": "url", "snippet": "content", "published": "publishedDate", "score": "score", "engine": "engine"},
    usd=0,
    trouble=lambda body: "; ".join(": ".join(map(str, e)) for e in at(body, "unresponsive_engines") or ()) or None,
    cures={403: "allow the format: `search: formats: [html, json]` in the server's settings.yml"},
)  # fmt: skip

# https://api-dashboard.search.brave.com/documentation
brave = JsonEngine(
    name="brave",
    base_url="https://api.search.brave.com",
    path="/res/v1/web/search",
    auth="x-subscription-token: {key}",
    keys=("BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY"),
    keys_at="https://api-dashboard.search.brave.com",
    most=20,
    options={
        "count": Spelt("count"),
        "region": Spelt("country", form=_upper),
        "language": Spelt("search_lang", form=_lower),
        "safe": Spelt("safesearch"),
        "recency": Spelt("freshness", {word: f"p{letter}" for word, letter in _LETTER.items()}),
        "site": IN_QUERY,
    },
    results="web.results",
    fields={"title": "title", "url": "url", "snippet": "description", "published": "page_age|age"},
    markup=True,
    usd=0.005,
)

# https://docs.tavily.com/documentation/api-reference/endpoint/search
_COUNTRIES = {
    "at": "austria", "au": "australia", "be": "belgium", "br": "brazil", "ca": "canada", "ch": "switzerland",
    "cn": "china", "cz": "czech republic", "de": "germany", "dk": "denmark", "es": "spain", "fi": "finland",
    "fr": "france", "gb": "united kingdom", "gr": "greece", "ie": "ireland", "in": "india", "it": "italy",
    "jp": "japan", "kr": "south korea", "mx": "mexico", "nl": "netherlands", "no": "norway", "nz": "new zealand",
    "pl": "poland", "pt": "portugal", "se": "sweden", "tr": "turkey", "ua": "ukraine", "us": "united states",
}  # fmt: skip
tavily = JsonEngine(
    name="tavily",
    base_url="https://api.tavily.com",
    path="/search",
    method="POST",
    auth="authorization: Bearer {key}",
    keys=("TAVILY_API_KEY",),
    keys_at="https://app.tavily.com",
    query="query",
    most=20,
    options={
        "count": Spelt("max_results"),
        "region": Spelt("country", _COUNTRIES),
        "recency": Spelt("time_range", _SAME),
        "site": Spelt("include_domains", form=_listed),
    },
    fields={"title": "title", "url": "url", "snippet": "content", "published": "published_date", "score": "score"},
)

# https://exa.ai/docs/reference/search
exa = JsonEngine(
    name="exa",
    base_url="https://api.exa.ai",
    base_url_env=("EXA_BASE_URL",),
    path="/search",
    method="POST",
    auth="x-api-key: {key}",
    keys=("EXA_API_KEY",),
    keys_at="https://dashboard.exa.ai",
    query="query",
    fixed={"contents": {"highlights": True}},
    most=100,
    options={
        "count": Spelt("numResults"),
        "region": Spelt("userLocation", form=_upper),
        "safe": Spelt("moderation", {"off": False, "strict": True}),
        "recency": Spelt("startPublishedDate", form=_midnight),
        "site": Spelt("includeDomains", form=_listed),
    },
    fields={"title": "title", "url": "url", "snippet": "highlights|summary|text", "published": "publishedDate", "score": "score"},
    usd=0.007,
    cost=lambda body: _number(at(body, "costDollars.total")),
)  # fmt: skip

# https://serper.dev
serper = JsonEngine(
    name="serper",
    base_url="https://google.serper.dev",
    path="/search",
    method="POST",
    auth="x-api-key: {key}",
    keys=("SERPER_API_KEY",),
    keys_at="https://serper.dev",
    most=100,
    options={
        "count": Spelt("num"),
        "region": Spelt("gl", form=_lower),
        "language": Spelt("hl", form=_lower),
        "recency": Spelt("tbs", {word: f"qdr:{letter}" for word, letter in _LETTER.items()}),
        "site": IN_QUERY,
    },
    results="organic",
    fields={"title": "title", "url": "link", "snippet": "snippet", "published": "date"},
)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _serpapi(name: str, options: Mapping[str, Spelt], **more: Any) -> JsonEngine:
    return JsonEngine(
        name=f"serpapi/{name}",
        base_url="https://serpapi.com",
        path="/search",
        auth="?api_key: {key}",
        keys=("SERPAPI_API_KEY", "SERPAPI_KEY"),
        keys_at="https://serpapi.com/manage-api-key",
        fixed={"engine": name},
        options=options,
        results="organic_results",
        fields={"title": "title", "url": "link", "snippet": "snippet", "published": "date"},
        **more,
    )


# https://serpapi.com/search-api, /bing-search-api, /duckduckgo-search-api
serpapi = Family(
    "serpapi",
    {
        "google": _serpapi(
            "google",
            {
                "count": Spelt("num"),
                "region": Spelt("gl", form=_lower),
                "language": Spelt("hl", form=_lower),
                "safe": Spelt("safe", {"off": "off", "strict": "active"}),
                "recency": Spelt("tbs", {word: f"qdr:{letter}" for word, letter in _LETTER.items()}),
                "site": IN_QUERY,
            },
            most=100,
        ),
        "bing": _serpapi(
            "bing",
            {
                "count": Spelt("count"),
                # A market and a country shut each other out.
                "region": Spelt("cc", form=lambda v, o: None if "language" in o else v.lower()),
                "language": Spelt("mkt", form=_with_region, needs="region"),
                "safe": Spelt("safeSearch", {"off": "Off", "moderate": "Moderate", "strict": "Strict"}),
                "site": IN_QUERY,
            },
        ),
        "duckduckgo": _serpapi(
            "duckduckgo",
            {
                "language": Spelt("kl", form=lambda v, o: f"{o['region'].lower()}-{v.lower()}", needs="region"),
                "region": Spelt(needs="language"),
                "safe": Spelt("safe", {"off": -2, "moderate": -1, "strict": 1}),
                "recency": Spelt("df", _LETTER),
                "site": IN_QUERY,
            },
        ),
    },
)

# https://you.com/docs, https://you.com/resources/you-com-web-search-api
you = JsonEngine(
    name="you",
    base_url="https://ydc-index.io",
    path="/v1/search",
    method="POST",
    auth="x-api-key: {key}",
    keys=("YDC_API_KEY",),
    keys_at="https://you.com/platform",
    query="query",
    most=100,
    options={
        "count": Spelt("count"),
        "region": Spelt("country", form=_upper),
        "language": Spelt("language", form=_upper),
        "safe": Spelt("safesearch"),
        "recency": Spelt("freshness", _SAME),
        "site": IN_QUERY,
    },
    results="results.web",
    fields={"title": "title", "url": "url", "snippet": "description|snippets", "published": "page_age"},
    usd=0.005,
)

# https://docs.perplexity.ai/api-reference/search-post
perplexity = JsonEngine(
    name="perplexity",
    base_url="https://api.perplexity.ai",
    path="/search",
    method="POST",
    auth="authorization: Bearer {key}",
    keys=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
    keys_at="https://www.perplexity.ai/settings/api",
    query="query",
    most=20,
    options={
        "count": Spelt("max_results"),
        "region": Spelt("country", form=_upper),
        "language": Spelt("search_language_filter", form=_listed),
        "recency": Spelt("search_recency_filter", _SAME),
        "site": Spelt("search_domain_filter", form=_listed),
    },
    fields={"title": "title", "url": "url", "snippet": "snippet", "published": "date|last_updated"},
)

# https://docs.linkup.so/api-reference/search/search
linkup = JsonEngine(
    name="linkup",
    base_url="https://api.linkup.so",
    path="/v1/search",
    method="POST",
    auth="authorization: Bearer {key}",
    keys=("LINKUP_API_KEY",),
    keys_at="https://app.linkup.so",
    fixed={"depth": "standard", "outputType": "searchResults"},
    options={
        "count": Spelt("maxResults"),
        "recency": Spelt("fromDate", form=_since),
        "site": Spelt("includeDomains", form=_listed),
    },
    fields={"title": "name", "url": "url", "snippet": "content"},
)

# https://www.mojeek.com/support/api/search/request_parameters.html
mojeek = JsonEngine(
    name="mojeek",
    base_url="https://www.mojeek.com",
    path="/search",
    auth="?api_key: {key}",
    keys=("MOJEEK_API_KEY",),
    keys_at="https://www.mojeek.com/services/search/web-search-api/",
    fixed={"fmt": "json"},
    options={
        "count": Spelt("t"),
        "recency": Spelt("since", {w: w for w in ("day", "month", "year")}),
        "site": Spelt("site"),
    },
    results="response.results",
    fields={"title": "title", "url": "url", "snippet": "desc"},
    markup=True,
)


def _article(item: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    root = str(options["base_url"]).removesuffix("/w/api.php").removesuffix("/api.php")
    return f"{root}/wiki/{quote(str(item.get('title', '')).replace(' ', '_'), safe='/:()!,')}"


# https://www.mediawiki.org/wiki/API:Search
wikipedia = JsonEngine(
    name="wikipedia",
    base_url="https://{language}.wikipedia.org/w/api.php",
    path="",
    fixed={"action": "query", "list": "search", "format": "json", "formatversion": 2},
    query="srsearch",
    most=50,
    options={"count": Spelt("srlimit"), "language": Spelt()},
    results="query.search",
    fields={"title": "title", "url": _article, "snippet": "snippet", "published": "timestamp"},
    markup=True,
    usd=0,
    trouble=lambda body: at(body, "error.info"),
)

# https://info.arxiv.org/help/api/user-manual.html; its terms ask for one request in three seconds
arxiv = JsonEngine(
    name="arxiv",
    base_url="https://export.arxiv.org",
    path="/api/query",
    query="search_query",
    asked=lambda query, options: since_submitted(terms(query), options, _DAYS),
    most=300,
    options={"count": Spelt("max_results"), "recency": Spelt()},
    results="entries",
    fields={"title": "title", "url": "url", "snippet": "summary", "published": "published"},
    body=atom,
    usd=0,
    limit=Limit(concurrency=1, per_minute=20),
)

"""Each engine against a server that answers as its documentation says."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chainkit import Run
from chainkit.errors import CompositionError, ReplyMalformed, ServerError
from chainkit.search import WebResult, names, web

KEY = "key-0123456789abcdef"
ATOM = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>ArXiv Query</title>
<entry><id>http://arxiv.org/abs/1706.03762v7</id><updated>2023-08-02T00:41:18Z</updated>
<published>2017-06-12T17:57:34Z</published><title>Attention Is
  All You Need</title><summary>  Sequences are transduced
  by attention alone.</summary><author><name>A. Vaswani</name></author>
<link href="http://arxiv.org/abs/1706.03762v7" rel="alternate" type="text/html"/>
<link title="pdf" href="http://arxiv.org/pdf/1706.03762v7" rel="related" type="application/pdf"/>
<category term="cs.CL" scheme="http://arxiv.org/schemas/atom"/></entry></feed>"""

# engine: (options, where it asks, what it sends, what is answered, the first result).
CASES: dict[str, tuple[dict[str, Any], str, dict[str, Any], Any, dict[str, Any]]] = {
    "searxng": (
        {"language": "de", "region": "at", "safe": "strict", "recency": "week", "site": "example.org"},
        "GET /search",
        {"q": "bern site:example.org", "format": "json", "language": "de-AT", "safesearch": "2", "time_range": "week"},
        {
            "query": "bern", "answers": [], "corrections": [], "infoboxes": [], "suggestions": [], "unresponsive_engines": [],
            "results": [
                {"url": "https://example.org/a", "title": "A page", "content": "About Bern", "engine": "loop", "score": 1.0,
                 "publishedDate": "2026-11-20T08:30:00", "engines": ["loop"], "category": "general"},
                {"url": "https://elsewhere.example/b", "title": "B", "content": "", "engine": "loop"},
            ],
        },
        {"title": "A page", "url": "https://example.org/a", "snippet": "About Bern", "engine": "loop", "score": 1.0,
         "published": "2026-11-20T08:30:00+00:00"},
    ),
    "brave": (
        {"count": 3, "region": "ch", "language": "de", "safe": "off", "recency": "day", "site": "example.org"},
        "GET /res/v1/web/search",
        {"q": "bern site:example.org", "count": "3", "country": "CH", "search_lang": "de", "safesearch": "off", "freshness": "pd"},
        {"type": "search", "query": {"original": "bern", "more_results_available": True}, "web": {"results": [
            {"title": "Bern &amp; more", "url": "https://www.example.org/", "description": "<strong>Bern</strong> is old.",
             "page_age": "2026-11-22T00:00:00", "extra_snippets": ["It has bears."]}]}},
        {"title": "Bern & more", "url": "https://www.example.org/", "snippet": "Bern is old.", "published": "2026-11-22T00:00:00+00:00"},
    ),
    "tavily": (
        {"count": 3, "region": "de", "recency": "month", "site": "example.org", "extra": {"search_depth": "fast"}},
        "POST /search",
        {"query": "bern", "max_results": 3, "country": "germany", "time_range": "month", "include_domains": ["example.org"], "search_depth": "fast"},
        {"query": "bern", "answer": None, "images": [], "response_time": 1.2, "request_id": "r1", "results": [
            {"title": "T", "url": "https://example.org/t", "content": "Bern has bears.", "score": 0.81, "published_date": "Fri, 20 Nov 2026 10:00:00 GMT"}]},
        {"title": "T", "url": "https://example.org/t", "snippet": "Bern has bears.", "score": 0.81, "published": "2026-11-20T10:00:00+00:00"},
    ),
    "exa": (
        {"count": 2, "region": "de", "safe": "strict", "site": "example.org"},
        "POST /search",
        {"query": "bern", "numResults": 2, "userLocation": "DE", "moderation": True, "includeDomains": ["example.org"], "contents": {"highlights": True}},
        {"requestId": "e1", "resolvedSearchType": "neural", "costDollars": {"total": 0.0123}, "results": [
            {"id": "x", "title": "E", "url": "https://example.org/e", "publishedDate": "2026-11-01T00:00:00.000Z", "author": "A",
             "highlights": ["Bern is", "the capital"]}]},
        {"title": "E", "url": "https://example.org/e", "snippet": "Bern is … the capital", "published": "2026-11-01T00:00:00+00:00"},
    ),
    "serper": (
        {"count": 5, "region": "DE", "language": "de", "recency": "year", "site": "example.org"},
        "POST /search",
        {"q": "bern site:example.org", "num": 5, "gl": "de", "hl": "de", "tbs": "qdr:y"},
        {"searchParameters": {"q": "bern"}, "organic": [
            {"title": "S", "link": "https://example.org/s", "snippet": "Bern.", "date": "2 days ago", "position": 1}]},
        {"title": "S", "url": "https://example.org/s", "snippet": "Bern.", "published": "2 days ago"},
    ),
    "serpapi": (
        {"count": 5, "region": "de", "language": "de", "safe": "strict", "recency": "day", "site": "example.org"},
        "GET /search",
        {"engine": "google", "q": "bern site:example.org", "num": "5", "gl": "de", "hl": "de", "safe": "active", "tbs": "qdr:d", "api_key": KEY},
        {"search_metadata": {"status": "Success"}, "organic_results": [
            {"position": 1, "title": "G", "link": "https://example.org/g", "snippet": "Bern.", "displayed_link": "example.org"}]},
        {"title": "G", "url": "https://example.org/g", "snippet": "Bern.", "published": None},
    ),
    "serpapi/bing": (
        {"count": 5, "region": "de", "safe": "moderate"},
        "GET /search",
        {"engine": "bing", "q": "bern", "count": "5", "cc": "de", "safeSearch": "Moderate", "api_key": KEY},
        {"organic_results": [{"position": 1, "title": "G", "link": "https://example.org/g", "snippet": "Bern."}]},
        {"title": "G", "url": "https://example.org/g", "snippet": "Bern."},
    ),
    "serpapi/duckduckgo": (
        {"region": "us", "language": "en", "safe": "off", "recency": "month"},
        "GET /search",
        {"engine": "duckduckgo", "q": "bern", "kl": "us-en", "safe": "-2", "df": "m", "api_key": KEY},
        {"organic_results": [{"position": 1, "title": "G", "link": "https://example.org/g", "snippet": "Bern."}]},
        {"title": "G", "url": "https://example.org/g", "snippet": "Bern."},
    ),
    "you": (
        {"count": 4, "region": "de", "language": "de", "safe": "strict", "recency": "week"},
        "POST /v1/search",
        {"query": "bern", "count": 4, "country": "DE", "language": "DE", "safesearch": "strict", "freshness": "week"},
        {"results": {"web": [{"title": "Y", "url": "https://example.org/y", "description": "Bern.", "snippets": ["a"],
                              "page_age": "2026-11-20T10:00:00"}], "news": []}, "metadata": {"latency": 0.2}},
        {"title": "Y", "url": "https://example.org/y", "snippet": "Bern.", "published": "2026-11-20T10:00:00+00:00"},
    ),
    "perplexity": (
        {"count": 4, "region": "de", "language": "de", "recency": "week", "site": "example.org"},
        "POST /search",
        {"query": "bern", "max_results": 4, "country": "DE", "search_language_filter": ["de"], "search_recency_filter": "week",
         "search_domain_filter": ["example.org"]},
        {"id": "p1", "results": [{"title": "P", "url": "https://example.org/p", "snippet": "Bern.", "date": "2026-11-20",
                                  "last_updated": "2026-11-21"}]},
        {"title": "P", "url": "https://example.org/p", "snippet": "Bern.", "published": "2026-11-20"},
    ),
    "linkup": (
        {"count": 4, "site": "example.org"},
        "POST /v1/search",
        {"q": "bern", "depth": "standard", "outputType": "searchResults", "maxResults": 4, "includeDomains": ["example.org"]},
        {"results": [{"type": "text", "name": "L", "url": "https://example.org/l", "content": "Bern."}]},
        {"title": "L", "url": "https://example.org/l", "snippet": "Bern."},
    ),
    "mojeek": (
        {"count": 4, "recency": "month", "site": "example.org"},
        "GET /search",
        {"q": "bern", "fmt": "json", "t": "4", "since": "month", "site": "example.org", "api_key": KEY},
        {"response": {"status": "OK", "results": [{"title": "M", "url": "https://example.org/m", "desc": "Bern."}]}},
        {"title": "M", "url": "https://example.org/m", "snippet": "Bern."},
    ),
    "wikipedia": (
        {"count": 2},
        "GET /",
        {"action": "query", "list": "search", "format": "json", "formatversion": "2", "srsearch": "bern", "srlimit": "2"},
        {"batchcomplete": True, "query": {"searchinfo": {"totalhits": 2}, "search": [
            {"ns": 0, "title": "Bundeskanzler (Deutschland)", "pageid": 5, "size": 1, "wordcount": 1,
             "snippet": 'Der <span class="searchmatch">Kanzler</span> &amp; sein Amt', "timestamp": "2026-11-20T10:00:00Z"}]}},
        {"title": "Bundeskanzler (Deutschland)", "snippet": "Der Kanzler & sein Amt", "published": "2026-11-20T10:00:00+00:00"},
    ),
    "arxiv": (
        {"count": 2},
        "GET /api/query",
        {"search_query": "all:bern", "max_results": "2"},
        ATOM.encode(),
        {"title": "Attention Is All You Need", "url": "https://arxiv.org/abs/1706.03762v7",
         "snippet": "Sequences are transduced by attention alone.", "published": "2017-06-12T17:57:34+00:00"},
    ),
}  # fmt: skip


def asked(site: Any) -> tuple[str, dict[str, Any]]:
    path, _, body = site.asked[-1]
    parts = urlsplit(path)
    fields = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
    return parts.path, {**fields, **(json.loads(body) if body else {})}


def opened(engine: str, server: Any, /, **options: Any) -> Any:
    key = {} if engine in ("searxng", "wikipedia", "arxiv") else {"api_key": KEY}
    return web(engine, base_url=server.url, **key, **options)


@pytest.mark.parametrize("engine", CASES)
def test_an_engine_is_asked_in_its_own_words_and_its_results_are_ours(engine: str, site: Any) -> None:
    options, where, sent, body, first = CASES[engine]
    _, _, path = where.partition(" ")
    site.pages[path] = body
    with Run(keep=True) as run:
        found = opened(engine, site, **options).invoke("bern")
    at, fields = asked(site)
    assert (at, fields) == (path, sent)
    headers = {k.lower(): v for k, v in site.asked[-1][1].items()}
    assert "application/json" in headers["accept"]
    if engine not in ("searxng", "wikipedia", "arxiv"):
        assert KEY in (*fields.values(), *headers.values(), *(v.removeprefix("Bearer ") for v in headers.values()))
    assert [type(r) for r in found] == [WebResult]
    assert {name: getattr(found[0], name) for name in first} == first
    assert found[0].rank == 1
    row = run.rows[0]
    assert (row.kind, row.provider, row.outcome, dict(row.usage.units)) == ("search", engine, "ok", {"searches": 1.0})
    assert KEY not in repr(run.rows) + repr(found)


@pytest.mark.parametrize("engine", CASES)
def test_the_request_can_be_seen_without_sending_it_and_without_its_key(engine: str, site: Any) -> None:
    options, where, *_ = CASES[engine]
    (seen,) = opened(engine, site, **options).render("bern")
    assert seen.method == where.partition(" ")[0]
    assert KEY not in repr(seen)
    assert site.asked == []


def test_every_engine_in_the_list_has_a_case_here() -> None:
    apart = {"duckduckgo", "google", "bing"}
    assert {case.partition("/")[0] for case in CASES} == set(names()) - apart


@pytest.mark.parametrize("engine", ["brave", "exa"])
def test_an_engine_with_a_price_costs_it(engine: str, site: Any) -> None:
    options, where, _, body, _ = CASES[engine]
    site.pages[where.partition(" ")[2]] = body
    with Run(keep=True) as run:
        opened(engine, site, **options).invoke("bern")
    assert run.cost.low == run.cost.high == {"brave": 0.005, "exa": 0.0123}[engine]


def test_an_engine_without_a_known_price_costs_something_unknown(site: Any) -> None:
    site.pages["/search"] = CASES["tavily"][3]
    with Run(keep=True) as run:
        opened("tavily", site).invoke("bern")
    assert run.cost.low is None and run.cost.high is None


@pytest.mark.parametrize("engine", ["exa", "linkup"])
def test_recency_becomes_a_date_where_the_engine_wants_one(engine: str, site: Any) -> None:
    (seen,) = opened(engine, site, recency="week").render("bern")
    said = seen.body["startPublishedDate"] if engine == "exa" else seen.body["fromDate"]
    when = datetime.fromisoformat(said.replace("Z", "+00:00"))
    assert 6 <= (datetime.now(UTC).replace(tzinfo=None) - when.replace(tzinfo=None)).days <= 8


def test_a_search_of_preprints_takes_the_feeds_own_language_too(site: Any) -> None:
    def query(text: str, **options: Any) -> str:
        (seen,) = opened("arxiv", site, **options).render(text)
        return parse_qs(urlsplit(seen.url).query)["search_query"][0]

    assert query("graph neural-network") == "all:graph AND all:neural-network"
    assert query("au:vaswani AND ti:attention") == "au:vaswani AND ti:attention"
    assert query("bern", recency="day").startswith("(all:bern) AND submittedDate:[20")


def test_wikipedia_is_asked_in_the_language_that_is_wanted() -> None:
    assert web("wikipedia", language="de").render("x")[0].url.startswith("https://de.wikipedia.org/w/api.php?")
    assert web("wikipedia").render("x")[0].url.startswith("https://en.wikipedia.org/")
    with pytest.raises(CompositionError, match="language"):
        web("wikipedia", language="evil.example/")


def test_a_searxng_whose_engines_all_failed_is_tried_again_and_says_which(site: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("chainkit.run.layers.retry.pause", lambda failed, error: 0.0)
    empty = {"results": [], "unresponsive_engines": [["loop", "proxy error"]]}
    site.pages["/search"] = [empty, empty, {**CASES["searxng"][3]}]
    assert len(web("searxng", base_url=site.url).invoke("bern")) == 2
    site.pages["/search"] = empty
    with pytest.raises(ServerError, match="loop: proxy error"):
        web("searxng", base_url=site.url).invoke("bern")


def test_a_searxng_without_the_json_format_says_what_to_set(site: Any) -> None:
    site.pages["/search"] = (403, {"content-type": "text/html"}, b"<h1>Forbidden</h1>")
    with pytest.raises(Exception, match="403") as caught:
        web("searxng", base_url=site.url).invoke("bern")
    assert "formats: [html, json]" in str(caught.value.cure)


def test_the_address_of_a_searxng_may_stand_in_its_variable(site: Any, monkeypatch: Any) -> None:
    site.pages["/search"] = CASES["searxng"][3]
    monkeypatch.setenv("SEARXNG_URL", f"{site.url}/")
    assert len(web("searxng").invoke("bern")) == 2


def test_what_an_engine_finds_nothing_for_is_an_empty_list(site: Any) -> None:
    site.pages["/search"] = {"search_metadata": {"status": "Success"}, "error": "Google hasn't returned any results."}
    assert opened("serpapi", site).invoke("bern") == []


@pytest.mark.parametrize(
    "body", [b"<html>hello</html>", b"", b"[1, 2]", b'{"results": 5}', b'{"results": "no"}', b'{"results": ']
)
def test_an_answer_that_is_none_says_so(body: bytes, site: Any) -> None:
    site.pages["/search"] = (200, {"content-type": "application/json"}, body)
    with pytest.raises(ReplyMalformed):
        web("searxng", base_url=site.url, attempts=1).invoke("bern")


@pytest.mark.parametrize(
    "entry", [None, 3, {}, {"url": "javascript:alert(1)", "title": "x"}, {"url": None}, {"url": 7}]
)
def test_a_result_that_leads_nowhere_is_left_out(entry: Any, site: Any) -> None:
    good = {"url": "https://example.org/a", "title": None, "content": 5, "publishedDate": 12, "score": "high"}
    site.pages["/search"] = {"results": [entry, good]}
    (only,) = web("searxng", base_url=site.url).invoke("bern")
    assert (only.title, only.snippet, only.published, only.score) == ("https://example.org/a", "5", None, None)


def test_a_feed_with_entities_is_not_read(site: Any) -> None:
    bomb = (
        b'<!DOCTYPE feed [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><feed xmlns="http://www.w3.org/2005/Atom">&b;</feed>'
    )
    site.pages["/api/query"] = bomb
    with pytest.raises(ReplyMalformed):
        web("arxiv", base_url=site.url, attempts=1).invoke("bern")


def test_all_modes_give_the_same_over_a_real_connection(site: Any) -> None:
    site.pages["/search"] = CASES["searxng"][3]
    search = web("searxng", base_url=site.url)
    whole = search.invoke("bern")
    assert asyncio.run(search.ainvoke("bern")) == whole
    assert search.batch(["bern", "bern"]) == [whole, whole]
    assert list(search.events("bern"))[-1].value == whole
    with search.stream("bern") as stream:
        list(stream)
        assert stream.value == whole


def test_bing_is_told_a_country_or_a_market_and_never_both(site: Any) -> None:
    def fields(**options: Any) -> dict[str, list[str]]:
        return parse_qs(urlsplit(opened("serpapi/bing", site, **options).render("x")[0].url).query)

    assert fields(region="ch")["cc"] == ["ch"]
    both = fields(region="ch", language="de")
    assert both["mkt"] == ["de-CH"] and "cc" not in both
    with pytest.raises(CompositionError, match="together with region="):
        opened("serpapi/bing", site, language="de")

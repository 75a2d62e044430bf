"""What holds for a search whatever the engine."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import time
from typing import Any

import pytest

from chainkit import Budget, Run
from chainkit.compose.load import load
from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    BudgetExceeded,
    CompositionError,
    ConnectionFailed,
    DeadlineExceeded,
    RateLimited,
    ServerError,
)
from chainkit.run.limits import Limit
from chainkit.search import WebResult, as_retrieved, web
from chainkit.search.engines import find, register, unregister
from chainkit.testing import ScriptedModel, ScriptedSearch, check_laws

KEY = "secret-0123456789abcdef"
FOUND = {"results": [{"url": "https://example.org/a", "title": "A", "content": "About Bern."}]}
VARIABLES = ("BRAVE_API_KEY", "BRAVE_SEARCH_API_KEY", "SERPAPI_API_KEY", "SERPAPI_KEY", "TAVILY_API_KEY", "SEARXNG_URL")


@pytest.fixture(autouse=True)
def bare(monkeypatch: Any) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def at_once(monkeypatch: Any) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("chainkit.run.layers.retry.pause", lambda failed, error: waits.append(error.retry_after) or 0.0)
    return waits


# What is refused when the chain is made.


@pytest.mark.parametrize(
    ("engine", "options", "said"),
    [
        ("brve", {}, "did you mean 'brave'"),
        ("serpapi/bnig", {}, "did you mean 'bing'"),
        ("brave/x", {}, "is one engine"),
        ("brave", {"count": 21}, "20 results at most"),
        ("brave", {"count": 0}, "1 result or more"),
        ("brave", {"count": True}, "1 result or more"),
        ("brave", {"cuont": 3}, "did you mean 'count'"),
        ("brave", {"safe": "on"}, "off, moderate, strict"),
        ("brave", {"recency": "hour"}, "day, week, month, year"),
        ("brave", {"region": "germany"}, "region"),
        ("brave", {"site": "a b"}, "site"),
        ("wikipedia", {"recency": "day"}, "wikipedia cannot honour recency='day'"),
        ("wikipedia", {"safe": "strict"}, "wikipedia cannot honour safe='strict'"),
        ("arxiv", {"region": "de"}, "arxiv cannot honour region='de'"),
        ("tavily", {"safe": "off"}, "tavily cannot honour safe='off'"),
        ("tavily", {"region": "xx"}, "tavily cannot honour region='xx'"),
        ("exa", {"safe": "moderate"}, "exa cannot honour safe='moderate'"),
        ("mojeek", {"recency": "week"}, "mojeek cannot honour recency='week'"),
        ("searxng", {"region": "de"}, "together with language="),
        ("duckduckgo", {"region": "de"}, "together only"),
        ("duckduckgo", {"api_key": "x"}, "without a key"),
        ("linkup", {"language": "de"}, "linkup cannot honour language='de'"),
        ("brave", {"attempts": 0}, "attempts"),
        ("brave", {"fetch": 0}, "at least 1 page"),
        ("searxng", {"base_url": "http://me:pw@localhost"}, "password"),
    ],
)
def test_what_cannot_be_honoured_is_refused_when_the_chain_is_made(engine: str, options: Any, said: str) -> None:
    with pytest.raises(CompositionError) as caught:
        web(engine, **options)
    assert said in f"{caught.value} {caught.value.cure}"


@pytest.mark.parametrize(
    ("engine", "said", "instead"),
    [
        ("google", "2027-01-01", ["serper", "serpapi/google"]),
        ("bing", "2025-08-11", ["serpapi/bing"]),
        ("bing/news", "2025", ["serpapi"]),
    ],
)
def test_who_asks_for_a_closed_engine_is_told_what_carries_the_same_results(
    engine: str, said: str, instead: list[str]
) -> None:
    with pytest.raises(CompositionError, match=said) as caught:
        web(engine)
    assert all(name in (caught.value.cure or "") for name in instead)


def test_a_missing_key_is_said_before_anything_is_sent_with_the_vendors_own_variable() -> None:
    with Run(keep=True) as run, pytest.raises(AuthenticationError, match="there is no API key") as caught:
        web("brave").invoke("x")
    assert "BRAVE_API_KEY" in str(caught.value)
    assert run.rows == ()
    with pytest.raises(AuthenticationError, match="SERPAPI_API_KEY"):
        web("serpapi/bing").check()
    with pytest.raises(AuthenticationError, match="SEARXNG_URL"):
        web("searxng").invoke("x")


def test_a_key_from_the_environment_goes_to_its_vendor_only(site: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", KEY)
    site.pages["/search"] = (401, {}, {"detail": {"error": "Unauthorized"}})
    with pytest.raises(AuthenticationError, match="TAVILY_API_KEY"):
        web("tavily", base_url=site.url).invoke("x")
    assert KEY not in repr(site.asked)


@pytest.mark.parametrize("query", ["", "  \n "])
def test_an_empty_query_is_no_search(query: str) -> None:
    with pytest.raises(CompositionError, match="empty"):
        ScriptedSearch(["a"]).invoke(query)


# What goes wrong on the way.


def errors_of(engine: str, server: Any) -> BaseException:
    with Run(keep=True) as run, pytest.raises(Exception) as caught:
        web(engine, base_url=server.url, api_key=KEY, attempts=1).invoke("hello")
    shown = [
        repr(run.rows),
        str(caught.value),
        repr(caught.value),
        str(caught.value.cure),
        repr(caught.value.__cause__),
    ]
    assert not any(KEY in s for s in shown)
    return caught.value


@pytest.mark.parametrize("engine", ["serpapi", "mojeek", "brave", "tavily"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationError), (429, RateLimited), (500, ServerError), (503, ServerError), (400, BadRequest)],
)
def test_no_key_stands_in_an_error_a_row_or_a_repr(engine: str, status: int, kind: Any, site: Any) -> None:
    path = "/res/v1/web/search" if engine == "brave" else "/search"
    site.pages[path] = (status, {}, {"error": f"refused: {KEY} in /search?api_key={KEY}&q=x"})
    assert isinstance(errors_of(engine, site), kind)


def test_a_redirect_is_not_followed_and_its_key_not_shown(site: Any) -> None:
    site.pages["/search"] = (302, {"location": f"https://evil.example/?api_key={KEY}"}, b"")
    assert "redirect" in str(errors_of("serpapi", site))
    assert len(site.asked) == 1


def test_an_engine_that_is_not_there_is_a_failed_connection_without_the_key(site: Any) -> None:
    site.close()
    assert isinstance(errors_of("serpapi", site), ConnectionFailed)


def test_a_search_is_tried_again_after_as_long_as_the_engine_says(site: Any, at_once: list[float]) -> None:
    site.pages["/search"] = [(429, {"retry-after": "7"}, {"error": "slow"}), (503, {}, b"busy"), FOUND]
    with Run(keep=True) as run:
        assert web("tavily", base_url=site.url, api_key=KEY).invoke("x")[0].title == "A"
    assert at_once == [7.0, None]
    assert [(r.kind, r.outcome, r.error) for r in run.rows] == [
        ("search", "error", "RateLimited"), ("search", "error", "ServerError"), ("search", "ok", None),
    ]  # fmt: skip
    assert site.asked[0][2] == site.asked[2][2]


def test_a_key_that_is_wrong_is_not_tried_twice(site: Any, at_once: list[float]) -> None:
    site.pages["/search"] = (401, {}, {"error": "no"})
    with pytest.raises(AuthenticationError):
        web("tavily", base_url=site.url, api_key=KEY).invoke("x")
    assert len(site.asked) == 1


def held(handler: Any) -> None:
    """Answers nothing until its client has gone."""
    handler.connection.settimeout(5)
    try:
        while handler.connection.recv(1024):
            pass
    except OSError:
        pass
    handler.close_connection = True


def test_a_deadline_cuts_a_search_short(site: Any) -> None:
    site.pages["/search"] = held
    began = time.monotonic()
    with Run(deadline=0.2, keep=True) as run, pytest.raises(DeadlineExceeded):
        web("tavily", base_url=site.url, api_key=KEY).invoke("x")
    assert time.monotonic() - began < 2
    assert [r.outcome for r in run.rows] == ["cut"]


def test_an_engine_that_is_silent_is_not_waited_for_without_end(site: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("chainkit_providers.search.json_backend.SECONDS", 0.2)
    site.pages["/search"] = held
    search = web("tavily", base_url=site.url, api_key=KEY, attempts=1)
    with pytest.raises(ConnectionFailed, match=r"no answer within 0\.2 s"):
        search.invoke("x")
    with pytest.raises(ConnectionFailed, match=r"no answer within 0\.2 s"):
        asyncio.run(search.ainvoke("x"))


def test_a_cancelled_search_leaves_nothing_open(site: Any) -> None:
    begun, ended = threading.Event(), threading.Event()

    def asked(handler: Any) -> None:
        begun.set()
        held(handler)
        ended.set()

    site.pages["/search"] = asked

    async def go() -> Any:
        run = Run(keep=True)
        task = asyncio.create_task(web("tavily", base_url=site.url, api_key=KEY).ainvoke("x", run=run))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return run.rows

    assert [r.outcome for r in asyncio.run(go())] == ["cancelled"]
    assert ended.wait(5)


def test_an_answer_without_end_is_bounded(site: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("chainkit_providers.search.json_backend.MOST_BYTES", 1 << 20)

    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.end_headers()
        handler.close_connection = True
        try:
            while True:
                handler.wfile.write(b"[" * 65536)
        except OSError:
            pass

    site.pages["/search"] = endless
    with pytest.raises(Exception, match="more than"):
        web("tavily", base_url=site.url, api_key=KEY, attempts=1).invoke("x")


# How it stands in a run.


def test_a_budget_holds_for_searches_too(site: Any) -> None:
    site.pages["/res/v1/web/search"] = {"web": {"results": []}}
    search = web("brave", base_url=site.url, api_key=KEY)
    with Run(budget=Budget(usd=0.006)), pytest.raises(BudgetExceeded):
        search.invoke("x")
        search.invoke("x")
    assert len(site.asked) == 1


def test_a_limit_of_the_run_is_stood_in_by_searches(site: Any) -> None:
    site.pages["/search"] = FOUND
    limit = Limit(concurrency=1)
    search = web("searxng", base_url=site.url)
    with Run(limits={"web:*": limit}):
        assert len(search.batch(["x"] * 6)) == 6
    assert site.peak == 1


def test_a_scripted_search_stands_in_for_any_engine() -> None:
    script = ScriptedSearch({"bern": ["It has bears."], "basel": [{"title": "B", "url": "https://b.example"}]})
    with Run(models={"web:*": script}, keep=True) as run:
        found = web("brave").invoke("bern")
        assert web("serpapi/google").invoke("basel")[0].title == "B"
        assert web("duckduckgo").invoke("zug") == []
    assert (found[0].snippet, found[0].engine, found[0].rank) == ("It has bears.", "brave", 1)
    assert [r.query for r in script.seen] == ["bern", "basel", "zug"]
    assert [r.provider for r in run.rows] == ["brave", "serpapi/google", "duckduckgo"]


def test_a_search_may_stand_in_for_another(site: Any) -> None:
    site.pages["/search"] = FOUND
    with Run(models={"web:brave": web("searxng", base_url=site.url)}):
        assert web("brave").invoke("x")[0].title == "A"


def test_a_chat_model_cannot_stand_in_for_a_search() -> None:
    with Run(models={"web:*": "openai:gpt-5-mini"}), pytest.raises(CompositionError, match="cannot search"):
        web("brave").invoke("x")


def test_a_scripted_search_fails_as_it_is_told(at_once: list[float]) -> None:
    assert ScriptedSearch(["a"], fail=[ServerError("s"), None]).invoke("x")[0].snippet == "a"
    with pytest.raises(BadRequest, match="no"):
        ScriptedSearch(["a"], fail=BadRequest("no")).invoke("x")
    assert ScriptedSearch(lambda query: [query.upper()] * 20, count=2).invoke("x")[1].snippet == "X"


def test_a_scripted_search_keeps_the_laws() -> None:
    check_laws(ScriptedSearch(["a", "b"], delay=1), ["x"])
    check_laws(
        web("brave"), ["x"], runs=lambda: {"models": {"web:*": ScriptedSearch(["a"], fail=[ServerError("s"), None])}}
    )
    check_laws(web("brave"), ["x"])


def test_a_search_goes_to_another_process_and_back() -> None:
    search = web("brave", count=3, recency="day", fetch=2)
    again = pickle.loads(pickle.dumps(search))
    assert again == search
    assert again.render("x")[0].url == search.render("x")[0].url


def test_a_dump_holds_no_key_and_asks_before_it_sends_elsewhere() -> None:
    data = web("searxng", base_url="https://sx.example", api_key=KEY, fetch=1).dump()
    assert KEY not in json.dumps(data)
    with pytest.raises(CompositionError, match="does not allow"):
        load(data)
    assert load(data, names={"https://sx.example": True}).dump() == data
    data["chain"]["options"] = {"base_url": "https://evil.example"}
    with pytest.raises(CompositionError, match="base_url"):
        load(data, names={"https://sx.example": True})


def test_an_engine_of_ones_own_is_registered_or_found_like_ours() -> None:
    class Mine:
        name, usd, limit = "mine", 0.0, None

        def open(self, account: Any, options: Any) -> Any:
            return ScriptedSearch([options.get("site", "all")]).script

        def variant(self, name: str) -> Any:
            raise CompositionError(f"no {name}")

    register(Mine())
    try:
        assert web("mine").invoke("x")[0].snippet == "all"
        assert find("mine").name == "mine"
    finally:
        unregister("mine")
    with pytest.raises(CompositionError):
        web("mine")


# What is found, as something else.


def test_a_result_is_a_passage_whose_source_is_its_address() -> None:
    result = WebResult("T", "https://example.org/a", "words", published="2026-11-20", rank=2, engine="x")
    found = result.retrieved
    assert (found.score, found.document.source, found.text) == (0.5, "https://example.org/a", "words")
    assert found.document.metadata["trusted"] is False
    assert found.document.metadata["title"] == "T"


def test_results_without_words_are_no_passages_and_long_ones_are_cut() -> None:
    results = [WebResult("T", "https://e.example/1", ""), WebResult("T", "https://e.example/2", "x" * 50, rank=1)]
    (only,) = as_retrieved(20).invoke(results)
    assert (only.text, only.document.span) == ("x" * 20, (0, 20))


def test_a_search_as_a_retriever_gives_what_fits_the_question() -> None:
    search = ScriptedSearch(["The zoo opens at nine.", "Bern has bears.", "Trains leave at noon."])
    (best,) = search.retriever(1).invoke("Which animals live in Bern?")
    assert "bears" in best.text
    assert len(search.retriever(2).invoke("xylophone")) == 2
    assert ScriptedSearch().retriever(2).invoke("bern") == []


def test_an_answer_stands_on_what_was_found_on_the_web() -> None:
    from chainkit.retrieval import answering

    search = ScriptedSearch([{"title": "Bern", "url": "https://bern.example/zoo", "snippet": "Bern keeps bears."}])
    for retriever in (search.retriever(2), search | as_retrieved()):
        answer = answering(retriever, ScriptedModel("Bern keeps bears [1].")).invoke("What does Bern keep?")
        assert [(c.document.source, c.trusted) for c in answer.citations] == [("https://bern.example/zoo", False)]


@pytest.mark.local
def test_a_real_small_model_answers_from_what_was_looked_up() -> None:
    from chainkit import model
    from chainkit.retrieval import answering

    found = [
        {
            "title": "Chancellor",
            "url": "https://a.example/c",
            "snippet": "The chancellor of Germany is Friedrich Merz, in office since 6 May 2025.",
        },
        {"title": "Bundestag", "url": "https://a.example/b", "snippet": "The Bundestag meets in Berlin."},
    ]
    small = model("local:smollm2-135m", temperature=0, max_tokens=48)
    answer = answering(ScriptedSearch(found).retriever(2), small).invoke("Who is the chancellor of Germany?")
    assert "Merz" in answer.text
    assert answer.citations[0].document.source == "https://a.example/c"

"""DuckDuckGo through its package, whose own client is replaced."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from typing import Any

import pytest

from chainkit import Run
from chainkit.errors import ConnectionFailed, MissingExtra, RateLimited, ServerError
from chainkit.search import web
from chainkit.testing import check_laws


class Faults(types.ModuleType):
    class DDGSException(Exception): ...

    class RatelimitException(DDGSException): ...

    class TimeoutException(DDGSException): ...


@pytest.fixture
def package(monkeypatch: Any) -> Any:
    """A package `ddgs` that answers what the test wants."""
    made: Any = types.ModuleType("ddgs")
    made.__spec__ = types.SimpleNamespace(name="ddgs")
    made.said, made.asked, made.threads = [{"title": "T", "href": "https://example.org/", "body": "Bern."}], [], []

    class DDGS:
        def __init__(self, timeout: int) -> None:
            made.timeout = timeout

        def text(self, **asked: Any) -> Any:
            made.asked.append(asked)
            made.threads.append(threading.current_thread())
            if isinstance(made.said, Exception):
                raise made.said
            return made.said

    made.DDGS = DDGS
    made.faults = Faults("ddgs.exceptions")
    monkeypatch.setitem(sys.modules, "ddgs", made)
    monkeypatch.setitem(sys.modules, "ddgs.exceptions", made.faults)
    return made


def test_it_is_asked_in_its_packages_own_words(package: Any) -> None:
    search = web("duckduckgo", count=3, region="de", language="de", safe="strict", recency="day", site="example.org")
    with Run(keep=True) as run:
        (found,) = search.invoke("bern")
    assert (found.title, found.url, found.snippet, found.engine) == ("T", "https://example.org/", "Bern.", "duckduckgo")
    said = {"query": "bern site:example.org", "max_results": 3, "region": "de-de", "safesearch": "on", "timelimit": "d"}
    assert package.asked == [{**said, "backend": "duckduckgo"}]
    assert [(r.kind, r.provider, r.outcome) for r in run.rows] == [("search", "duckduckgo", "ok")]
    assert run.cost.low == run.cost.high == 0


def test_on_a_loop_it_waits_in_a_thread_of_its_own(package: Any) -> None:
    asyncio.run(web("duckduckgo").ainvoke("bern"))
    assert package.threads[0] is not threading.main_thread()


def test_it_keeps_the_laws(package: Any) -> None:
    check_laws(web("duckduckgo"), ["bern"])


def test_nothing_found_is_an_empty_list(package: Any) -> None:
    package.said = package.faults.DDGSException("No results found.")
    assert web("duckduckgo").invoke("bern") == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("RatelimitException", RateLimited), ("TimeoutException", ConnectionFailed), ("DDGSException", ServerError)],
)
def test_its_errors_are_ours(fault: str, kind: Any, package: Any) -> None:
    package.said = getattr(package.faults, fault)("202 blocked")
    with pytest.raises(kind, match="202 blocked"):
        web("duckduckgo", attempts=1).invoke("bern")


def test_it_is_given_no_more_time_than_the_run_has(package: Any) -> None:
    with Run(deadline=5):
        web("duckduckgo").invoke("bern")
    assert package.timeout <= 5


def test_without_the_package_it_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "ddgs", None)
    with pytest.raises(MissingExtra, match=r"chainkit\[search\]"):
        web("duckduckgo").invoke("bern")


def test_the_real_package_has_what_we_call() -> None:
    real = pytest.importorskip("ddgs")
    faults = pytest.importorskip("ddgs.exceptions")
    assert callable(real.DDGS(timeout=1).text)
    assert issubclass(faults.RatelimitException, faults.DDGSException)
    assert issubclass(faults.TimeoutException, faults.DDGSException)

"""Pages of servers that are good, slow, greedy or hostile."""

from __future__ import annotations

import asyncio
import gzip
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from chainkit import Run
from chainkit.errors import (
    BadRequest,
    CompositionError,
    ConnectionFailed,
    DeadlineExceeded,
    EgressBlocked,
    MissingExtra,
    PermissionDenied,
    RateLimited,
    ServerError,
)
from chainkit.search import fetch, pages, web
from chainkit.search.fetching import Fetch
from chainkit.testing import ScriptedPages, ScriptedSearch, check_laws

PAGE = "<html lang=de><head><title>Bern</title></head><body><nav>Menu</nav><main><h1>Bären</h1><p>Bern hält Bären.</p></main></body></html>"


def read(**options: Any) -> Fetch:
    return fetch(**{"pause": 0, "reader": "plain", "robots": False, **options})


@pytest.fixture
def at_once(monkeypatch: Any) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("chainkit.run.layers.retry.pause", lambda failed, error: waits.append(error.retry_after) or 0.0)
    return waits


def resolved(monkeypatch: Any, **hosts: str) -> None:
    """Names that lead where they are told."""
    real = socket.getaddrinfo

    def look(host: Any, *args: Any, **kwargs: Any) -> Any:
        return real(hosts.get(str(host).replace(".", "_").replace("-", "_"), host), *args, **kwargs)

    monkeypatch.setattr("chainkit.run.carriers.guarded.socket.getaddrinfo", look)


# What a page becomes.


def test_a_page_becomes_its_main_text_with_title_and_source(site: Any, run: Run) -> None:
    site.pages["/a"] = (200, {"last-modified": "Fri, 20 Nov 2026 10:00:00 GMT"}, PAGE)
    found = read().invoke(f"{site.url}/a#part")
    assert "Bern hält Bären." in found.text and "Menu" not in found.text
    known = {k: found.metadata[k] for k in ("title", "source", "modified", "trusted")}
    assert known == {
        "title": "Bern",
        "source": f"{site.url}/a",
        "modified": "2026-11-20T10:00:00+00:00",
        "trusted": False,
    }
    assert [(r.kind, r.provider, r.model, r.outcome) for r in run.rows] == [("fetch", "web", "127.0.0.1", "ok")]
    headers = {k.lower(): v for k, v in site.asked[0][1].items()}
    assert headers["user-agent"] == "chainkit"
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers and "authorization" not in headers


def test_all_modes_read_the_same(site: Any, run: Run) -> None:
    site.pages["/a"] = PAGE
    url, chain = f"{site.url}/a", read()
    whole = chain.invoke(url)
    assert asyncio.run(chain.ainvoke(url, run=run)) == whole
    assert chain.batch([url, url]) == [whole, whole]
    assert list(chain.events(url))[-1].value == whole


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/html; charset=iso-8859-1"}, "<p>Straße in Köln</p>".encode("latin-1")),
        ({"content-type": "text/html"}, '<meta charset="windows-1252"><p>Straße in Köln</p>'.encode("cp1252")),
        ({"content-type": "text/html"}, b'<meta http-equiv="Content-Type" content="text/html; charset=latin1">' + "<p>Straße in Köln</p>".encode("latin-1")),
        ({"content-type": "text/html"}, "<p>Straße in Köln</p>".encode()),
        ({}, "<!doctype html><p>Straße in Köln</p>".encode()),
        ({"content-type": "text/plain; charset=utf-16"}, "Straße in Köln".encode("utf-16")),
        ({"content-type": "application/octet-stream"}, "<html><p>Straße in Köln</p></html>".encode()),
        ({"content-type": "text/html; charset=nonsense"}, "<p>Straße in Köln</p>".encode()),
    ],
)  # fmt: skip
def test_letters_are_read_by_header_by_meta_or_by_guess(headers: Any, body: bytes, site: Any, run: Run) -> None:
    site.pages["/a"] = (200, headers, body)
    assert read().invoke(f"{site.url}/a").text == "Straße in Köln"


def test_what_is_no_html_is_read_by_its_own_reader(site: Any, run: Run) -> None:
    pypdf = pytest.importorskip("pypdf")
    import io

    writer, held = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(held)
    site.pages["/paper"] = (200, {"content-type": "application/pdf"}, held.getvalue())
    site.pages["/n.txt"] = (200, {"content-type": "text/plain"}, b"plain words")
    site.pages["/page.php"] = PAGE
    assert read().invoke(f"{site.url}/n.txt").text == "plain words"
    assert read().invoke(f"{site.url}/page.php").metadata["title"] == "Bern"
    with pytest.raises(BadRequest, match="no text") as caught:
        read().invoke(f"{site.url}/paper")
    assert "compressed" not in str(caught.value)


@pytest.mark.parametrize("kind", ["image/png", "video/mp4", "application/zip"])
def test_what_holds_no_text_says_so(kind: str, site: Any, run: Run) -> None:
    site.pages["/x"] = (200, {"content-type": kind}, b"\x89PNG\0\0")
    with pytest.raises(BadRequest, match="no text"):
        read().invoke(f"{site.url}/x")


def test_the_main_part_is_taken_by_the_extractor_where_it_is_installed(site: Any, run: Run) -> None:
    pytest.importorskip("trafilatura")
    words = " ".join(f"Sentence {n} tells something about the bears of Bern and their park." for n in range(40))
    site.pages["/a"] = f"<html><body><div>Menu Login</div><article><h2>Bears</h2><p>{words}</p></article></body></html>"
    found = read(reader="trafilatura").invoke(f"{site.url}/a")
    assert "Sentence 39" in found.text and "Login" not in found.text


def test_without_the_extractor_our_own_reader_reads(site: Any, run: Run, monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trafilatura", None)
    site.pages["/a"] = PAGE
    assert "Bern hält Bären." in read(reader="auto").invoke(f"{site.url}/a").text
    with pytest.raises(MissingExtra, match="trafilatura"):
        read(reader="trafilatura").invoke(f"{site.url}/a")


# Where a URL may not lead.


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://10.1.2.3/", "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://0.0.0.0/", "http://2130706433/", "http://127.1/",
        "http://0x7f000001/", "http://100.64.0.1/", "http://[fe80::1]/", "http://[fd00::1]/",
    ],
)  # fmt: skip
def test_an_address_of_ones_own_network_is_not_asked(url: str) -> None:
    with Run(keep=True) as run, pytest.raises((EgressBlocked, ConnectionFailed)) as caught:
        read().invoke(url)
    assert isinstance(caught.value, EgressBlocked) or "could not connect" not in str(caught.value)
    assert all(r.outcome == "error" for r in run.rows)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "gopher://x/",
        "javascript:alert(1)",
        "data:text/html,x",
        "/etc/passwd",
    ],
)
def test_only_the_web_is_read(url: str) -> None:
    with pytest.raises(EgressBlocked, match="http or https"):
        read().invoke(url)


def test_a_url_with_a_password_is_not_asked_and_not_shown() -> None:
    with pytest.raises(EgressBlocked, match="password") as caught:
        read().invoke("http://me:s3cret@example.org/")
    assert "s3cret" not in str(caught.value)


def test_an_odd_port_is_not_asked_unless_it_is_allowed(monkeypatch: Any, site: Any) -> None:
    with pytest.raises(EgressBlocked, match="no port of the web"):
        read().invoke("http://example.org:22/")
    with pytest.raises(EgressBlocked, match="public"):
        read(ports=None).invoke(f"{site.url}/")
    with pytest.raises(EgressBlocked, match="public"):
        read(ports=[site.port]).invoke(f"{site.url}/")
    assert site.asked == []


def test_a_name_that_leads_into_ones_own_network_is_not_asked(site: Any, monkeypatch: Any) -> None:
    resolved(monkeypatch, evil_example="127.0.0.1")
    with pytest.raises(EgressBlocked, match="no public address"):
        read(ports=None).invoke(f"http://evil.example:{site.port}/")
    assert site.asked == []


def test_a_name_that_changes_its_mind_after_it_was_looked_up_gains_nothing(
    site: Any, monkeypatch: Any, run: Run
) -> None:
    site.pages["/"] = PAGE
    looked: list[Any] = []
    real = socket.getaddrinfo

    def look(host: Any, *args: Any, **kwargs: Any) -> Any:
        looked.append(host)
        return real("127.0.0.1" if host == "files.example" else host, *args, **kwargs)

    monkeypatch.setattr("chainkit.run.carriers.guarded.socket.getaddrinfo", look)
    with Run(private_hosts=["files.example"]):
        assert read().invoke(f"http://files.example:{site.port}/").metadata["title"] == "Bern"
    # Looked up once: the connection went to the address that was judged.
    assert looked.count("files.example") == 1


@pytest.mark.parametrize(
    "turn",
    [
        (302, {"location": "http://10.0.0.1/secret"}, b""),
        (301, {"location": "//169.254.169.254/latest"}, b""),
        (307, {"location": "http://inner.example/"}, b""),
        (302, {"location": "file:///etc/passwd"}, b""),
        (302, {"location": "http://me:pw@127.0.0.1/"}, b""),
        '<html><head><meta http-equiv="refresh" content="0; url=http://10.0.0.1/secret"></head></html>',
        "<html><head><meta http-equiv='Refresh' content='0;URL=http://inner.example/'></head></html>",
    ],
)
def test_no_redirect_leads_into_ones_own_network(turn: Any, site: Any, run: Run, monkeypatch: Any) -> None:
    resolved(monkeypatch, inner_example="192.168.1.1")
    site.pages["/a"] = turn
    with pytest.raises(EgressBlocked):
        read().invoke(f"{site.url}/a")
    assert site.paths == ["/a"]


def test_redirects_and_pages_that_send_on_are_followed(site: Any, run: Run) -> None:
    site.pages["/a"] = (302, {"location": "/b"}, b"")
    site.pages["/b"] = '<html><head><meta http-equiv="refresh" content="0; url=c?x=1"></head><body>wait</body></html>'
    site.pages["/c"] = PAGE
    found = read().invoke(f"{site.url}/a")
    assert (found.id, found.metadata["source"]) == (f"{site.url}/a", f"{site.url}/c?x=1")
    assert site.paths == ["/a", "/b", "/c?x=1"]
    assert len(run.rows) == 3


def test_redirects_without_end_are_given_up(site: Any, run: Run) -> None:
    site.pages["/a"] = (302, {"location": "/a"}, b"")
    with pytest.raises(BadRequest, match="leads on and on"):
        read().invoke(f"{site.url}/a")
    assert len(site.asked) == 6


# How much, how long.


def pouring(block: bytes, headers: dict[str, str]) -> Any:
    def pour(handler: Any) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.close_connection = True
        try:
            for _ in range(4000):
                handler.wfile.write(block)
        except OSError:
            pass

    return pour


def test_a_body_without_end_is_bounded(site: Any, run: Run) -> None:
    site.pages["/a"] = pouring(b"x" * 65536, {"content-type": "text/plain"})
    with pytest.raises(BadRequest, match="max_bytes=1,000,000"):
        read(max_bytes=1_000_000).invoke(f"{site.url}/a")


def test_a_body_that_says_it_is_too_large_is_not_read(site: Any, run: Run) -> None:
    site.pages["/a"] = (200, {}, b"x" * 2000)
    with pytest.raises(BadRequest, match="max_bytes=1,000"):
        read(max_bytes=1000).invoke(f"{site.url}/a")


def test_compression_is_not_asked_for_and_unpacked_only_where_it_was(site: Any, run: Run) -> None:
    site.pages["/a"] = (200, {"content-type": "text/plain", "content-encoding": "gzip"}, gzip.compress(b"packed words"))
    with pytest.raises(BadRequest, match="not asked for"):
        read().invoke(f"{site.url}/a")
    assert read(compressed=True).invoke(f"{site.url}/a").text == "packed words"


def test_a_bomb_is_bounded_after_unpacking(site: Any, run: Run) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    site.pages["/a"] = (200, {"content-type": "text/plain", "content-encoding": "gzip"}, bomb)
    with pytest.raises(BadRequest, match="max_bytes"):
        read(compressed=True, max_bytes=1_000_000).invoke(f"{site.url}/a")
    site.pages["/a"] = (200, {"content-type": "text/plain", "content-encoding": "br"}, b"xx")
    with pytest.raises(Exception, match="compressed"):
        read(compressed=True, attempts=1).invoke(f"{site.url}/a")


def dripping(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "text/plain")
    handler.end_headers()
    handler.close_connection = True
    stop = threading.Event()
    try:
        for _ in range(400):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            stop.wait(0.02)
    except OSError:
        pass


def test_a_server_that_drips_is_left_when_the_time_is_up(site: Any, run: Run) -> None:
    site.pages["/a"] = dripping
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"not here after 0\.2 s"):
        read(timeout=0.2).invoke(f"{site.url}/a")
    assert time.monotonic() - began < 2
    with pytest.raises(ConnectionFailed, match=r"not here after 0\.2 s"):
        asyncio.run(read(timeout=0.2).ainvoke(f"{site.url}/a", run=run))
    with Run(private_hosts=["127.0.0.1"], deadline=0.2), pytest.raises(DeadlineExceeded):
        read(timeout=5).invoke(f"{site.url}/a")


def test_a_cancelled_fetch_leaves_the_server_alone(site: Any, run: Run) -> None:
    begun, ended = threading.Event(), threading.Event()

    def drip(handler: Any) -> None:
        begun.set()
        dripping(handler)
        ended.set()

    site.pages["/a"] = drip

    async def go() -> None:
        task = asyncio.create_task(read().ainvoke(f"{site.url}/a", run=run))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert ended.wait(5)
    assert [r.outcome for r in run.rows] == ["cancelled"]
    # The server's queue was given back.
    site.pages["/b"] = PAGE
    assert read().invoke(f"{site.url}/b").metadata["title"] == "Bern"


def test_an_interrupt_ends_a_fetch_and_gives_its_place_back(site: Any, run: Run, monkeypatch: Any) -> None:
    site.pages["/a"] = PAGE

    async def interrupted(call: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("chainkit.search.asking._send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            read().invoke(f"{site.url}/a")
    assert [r.outcome for r in run.rows] == ["cancelled"]
    assert read().invoke(f"{site.url}/a").metadata["title"] == "Bern"


@pytest.mark.parametrize(
    ("status", "kind"), [(404, BadRequest), (410, BadRequest), (403, PermissionDenied), (401, PermissionDenied)]
)
def test_a_refusal_is_an_error_by_its_status(status: int, kind: Any, site: Any, run: Run) -> None:
    site.pages["/a"] = (status, {}, b"no")
    with pytest.raises(kind, match=str(status)) as caught:
        read().invoke(f"{site.url}/a?token=s3cret")
    assert "s3cret" not in str(caught.value)
    assert len(site.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_asked_again_when_it_says(
    status: int, site: Any, run: Run, at_once: list[float]
) -> None:
    site.pages["/a"] = [(status, {"retry-after": "3"}, b"busy"), PAGE]
    assert read().invoke(f"{site.url}/a").metadata["title"] == "Bern"
    assert at_once == [3.0]


def test_a_server_that_wants_to_be_left_alone_for_long_is(site: Any, run: Run) -> None:
    site.pages["/a"] = (429, {"retry-after": "3600"}, b"busy")
    with pytest.raises(RateLimited, match="429") as caught:
        read(timeout=2).invoke(f"{site.url}/a")
    assert caught.value.retry_after == 3600
    site.pages["/a"] = (503, {"retry-after": "Sat, 01 Jan 2050 00:00:00 GMT"}, b"busy")
    with pytest.raises(ServerError, match="503"):
        read(timeout=2).invoke(f"{site.url}/a")
    assert len(site.asked) == 2


def test_what_no_fetch_can_be_is_refused_when_it_is_made() -> None:
    for wrong in (
        {"timeout": 0},
        {"max_bytes": 0},
        {"pause": -1},
        {"attempts": 0},
        {"user_agent": "a\r\nb: c"},
        {"reader": "x"},
    ):
        with pytest.raises(CompositionError):
            fetch(**wrong)  # type: ignore[arg-type]
    with pytest.raises(CompositionError, match="takes a URL"):
        fetch().invoke(7)  # type: ignore[arg-type]


# Manners.


def test_robots_txt_is_asked_once_for_a_server_and_heeded(site: Any, run: Run) -> None:
    site.pages["/robots.txt"] = (200, {"content-type": "text/plain"}, b"User-agent: *\nDisallow: /private\n")
    site.pages["/a"] = site.pages["/b"] = PAGE
    polite = read(robots=True)
    assert polite.invoke(f"{site.url}/a").text
    assert polite.invoke(f"{site.url}/b").text
    with pytest.raises(PermissionDenied, match=r"robots\.txt"):
        polite.invoke(f"{site.url}/private/x")
    assert site.paths == ["/robots.txt", "/a", "/b"]
    assert [r.path for r in run.rows] == ["fetch > robots", "fetch > page", "fetch > page"]


def test_a_redirect_does_not_lead_around_robots_txt(site: Any, run: Run) -> None:
    site.pages["/robots.txt"] = (200, {}, b"User-agent: chainkit\nDisallow: /private\n")
    site.pages["/a"] = (302, {"location": "/private/x"}, b"")
    with pytest.raises(PermissionDenied):
        read(robots=True).invoke(f"{site.url}/a")
    assert site.paths == ["/robots.txt", "/a"]


@pytest.mark.parametrize(("status", "reads"), [(404, True), (403, True), (500, False), (503, False), (429, False)])
def test_a_robots_txt_that_is_refused_allows_and_one_that_breaks_does_not(
    status: int, reads: bool, site: Any, run: Run
) -> None:
    site.pages["/robots.txt"] = (status, {}, b"x")
    site.pages["/a"] = PAGE
    if reads:
        assert read(robots=True).invoke(f"{site.url}/a").text
    else:
        with pytest.raises((ServerError, RateLimited), match=r"robots\.txt"):
            read(robots=True).invoke(f"{site.url}/a")
        assert site.paths == ["/robots.txt"]


def test_a_huge_robots_txt_is_read_to_its_bound_only(site: Any, run: Run) -> None:
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /private\n" + b"# x\n" * 400_000)
    site.pages["/a"] = PAGE
    assert read(robots=True).invoke(f"{site.url}/a").text
    with pytest.raises(PermissionDenied):
        read(robots=True).invoke(f"{site.url}/private")


def test_a_server_is_asked_one_thing_at_a_time_with_a_pause_between(site: Any, run: Run) -> None:
    for n in range(4):
        site.pages[f"/{n}"] = PAGE
    began = time.monotonic()
    found = pages(how=read(pause=0.1)).invoke([f"{site.url}/{n}" for n in range(4)])
    assert time.monotonic() - began >= 0.29
    assert [r.page.id for r in found] == [f"{site.url}/{n}" for n in range(4)]
    assert site.peak == 1


def test_a_crawl_delay_is_waited_for_unless_it_is_too_long(site: Any, run: Run) -> None:
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nCrawl-delay: 30\n")
    site.pages["/a"] = PAGE
    polite = read(robots=True, timeout=0.5)
    assert polite.invoke(f"{site.url}/a").text
    with pytest.raises(RateLimited, match="due in 30 s"):
        polite.invoke(f"{site.url}/a")
    with Run(parent=run, deadline=1), pytest.raises(DeadlineExceeded):
        read(robots=True, timeout=60).invoke(f"{site.url}/a")


def test_waiting_for_ones_turn_does_not_use_up_the_time_of_a_fetch(site: Any, run: Run) -> None:
    for n in range(6):
        site.pages[f"/{n}"] = PAGE
    found = pages(how=read(pause=0.1, timeout=0.3), concurrency=6).invoke([f"{site.url}/{n}" for n in range(6)])
    assert [r.problem for r in found] == [None] * 6


# Pages of results.


def test_the_pages_of_results_come_side_by_side_and_errors_stay_with_theirs(site: Any, run: Run) -> None:
    site.pages["/a"] = PAGE
    site.pages["/c"] = (200, {"content-type": "image/png"}, b"\x89PNG")
    urls = [f"{site.url}/a", f"{site.url}/missing", "http://10.0.0.1/x", f"{site.url}/c", f"{site.url}/a"]
    search = ScriptedSearch([{"title": f"T{n}", "url": u, "snippet": f"s{n}"} for n, u in enumerate(urls)])
    chain = search | pages(4, how=read())
    found = chain.invoke("x")
    assert [r.page is not None for r in found] == [True, False, False, False, False]
    assert [(r.problem or "").partition(":")[0] for r in found] == ["", "BadRequest", "EgressBlocked", "BadRequest", ""]
    assert found[0].document.text.startswith("# Bären") and found[1].document.text == "s1"
    assert found[0].metadata["title"] == "T0"
    assert asyncio.run(chain.ainvoke("x", run=run)) == found


def test_a_search_may_fetch_its_pages_itself(site: Any, run: Run) -> None:
    site.pages["/search"] = {"results": [{"url": f"{site.url}/{n}", "title": str(n), "content": "c"} for n in range(3)]}
    site.pages["/0"] = site.pages["/1"] = PAGE
    site.pages["/robots.txt"] = (404, {}, b"")
    search = web("searxng", base_url=site.url, fetch=1)
    found = search.invoke("bern")
    assert [r.page is not None for r in found] == [True, False, False]
    assert "fetch" in str(search.graph())
    assert search.retriever(1).invoke("Was hält Bern?")[0].document.source == f"{site.url}/0"


def test_the_time_of_the_run_ends_all_pages(site: Any) -> None:
    site.pages["/a"] = dripping
    with Run(private_hosts=["127.0.0.1"], deadline=0.2), pytest.raises(DeadlineExceeded):
        pages(how=read()).invoke([f"{site.url}/a", f"{site.url}/a"])


@pytest.mark.parametrize("wrong", [{"k": 0}, {"concurrency": 0}])
def test_no_page_at_all_is_no_way_to_fetch_pages(wrong: Any) -> None:
    with pytest.raises(CompositionError):
        pages(**wrong)


def test_pages_of_a_test_stand_in_for_the_web() -> None:
    script = ScriptedPages({"https://a.example/x": PAGE, "https://a.example/y": "plain words"})
    with Run(models={"fetch:*": script}, keep=True) as run:
        assert fetch().invoke("https://a.example/y").text == "plain words"
        found = pages(how=read()).invoke(["https://a.example/x", "https://a.example/z"])
        assert asyncio.run(fetch().ainvoke("https://a.example/y", run=run)).text == "plain words"
    assert "Bern hält Bären." in found[0].text and "404" in (found[1].problem or "")
    assert script.seen == [f"https://a.example/{n}" for n in "yxzy"]
    assert [r.kind for r in run.rows] == ["fetch"] * 4
    check_laws(fetch(), ["https://a.example/y"], runs=lambda: {"models": {"fetch:*": script}})


def test_nothing_is_sent_to_see_what_would_be(site: Any, run: Run) -> None:
    read().render(f"{site.url}/a")
    (ScriptedSearch([{"title": "T", "url": f"{site.url}/a"}]) | pages(how=read())).render("x")
    assert site.asked == []


@pytest.mark.parametrize("reader", ["plain", "auto"])
@pytest.mark.parametrize(
    "body",
    [
        b"<div>" * 20_000 + b"deep words",
        b"<p>" + b"\xff\xfe\x00" * 50 + b"words",
        b"",
        b"<",
        b"<!--",
        b"<script>" + b"x" * 10_000,
    ],
)
def test_a_broken_page_gives_a_text_or_an_error_of_ours(body: bytes, reader: Any, site: Any, run: Run) -> None:
    site.pages["/a"] = (200, {"content-type": "text/html"}, body)
    try:
        assert isinstance(read(reader=reader).invoke(f"{site.url}/a").text, str)
    except BadRequest as error:
        assert "no text" in str(error)


@pytest.mark.slow
def test_ctrl_c_ends_a_program_that_waits_for_a_page(site: Any) -> None:
    begun = threading.Event()

    def drip(handler: Any) -> None:
        begun.set()
        dripping(handler)

    site.pages["/a"] = drip
    program = (
        "from chainkit import Run\nfrom chainkit.search import fetch\n"
        f"with Run(private_hosts=['127.0.0.1']):\n    fetch(robots=False).invoke('{site.url}/a')"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    assert begun.wait(30)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=5)
    assert child.returncode != 0 and "KeyboardInterrupt" in said

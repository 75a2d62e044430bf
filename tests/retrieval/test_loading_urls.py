"""Documents by their address: through the gate, guarded, bounded; sitemaps."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chainkit import Run
from chainkit.errors import BadRequest, ChainkitError, EgressBlocked
from chainkit.retrieval import load
from chainkit.retrieval.loading import sources

PAGE = b"<html lang=en><title>Bells</title><main><h1>Bells</h1><p>They ring.</main>"


class Site:
    """A web site on this machine: what each path answers, and what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append(f"{self.command} {self.path}")
                status, headers, body = site.answers.get(self.path.partition("?")[0], (404, {}, b""))
                if self.command == "HEAD" and "no-head" in headers:
                    status, headers = 405, {}
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 - the server's word

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"

    def put(self, path: str, body: bytes | str, type: str = "text/html", status: int = 200, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        told = {"content-type": type, **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.answers[path] = (status, told, data)


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    monkeypatch.setattr("chainkit.run.layers.retry.pause", lambda failed, error: 0.0)
    found = Site()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    with Run(private_hosts=[found.host]):
        yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def test_a_page_is_loaded_with_a_row_in_the_ledger(site) -> None:
    site.put("/bells", PAGE, last_modified="Tue, 03 Feb 2026 08:00:00 GMT")
    with Run() as run:
        (found,) = load(f"{site.url}/bells?key=secret#part")
    assert found.id == f"{site.url}/bells?key=secret" == found.metadata["source"]
    assert found.text == "# Bells\n\nThey ring."
    assert (found.metadata["title"], found.metadata["language"]) == ("Bells", "en")
    assert found.metadata["modified"] == "2026-02-03T08:00:00+00:00"
    assert [(r.kind, r.provider, r.model, r.path, r.outcome) for r in run.rows] == [
        ("fetch", "web", "127.0.0.1", "load > fetch", "ok")
    ]
    assert "secret" not in str(run.rows[0].facts())


@pytest.mark.parametrize(
    ("path", "type", "body", "text"),
    [
        ("/a.md", "application/octet-stream", b"# A\n", "# A\n"),
        ("/words", "text/plain; charset=iso-8859-1", "Grüße".encode("cp1252"), "Grüße"),
        ("/", "text/html; charset=latin1", "<p>Grüße".encode("cp1252"), "Grüße"),
        ("/data", "application/json; charset=utf-8", b'{"a": 1}', "a: 1"),
        ("/table", "text/csv", b"a,b\n1,2\n", "a | b\na: 1 | b: 2"),
        ("/version-1.2", "text/html", b"<p>x", "x"),
        ("/robots", "text/x-odd", b"plain", "plain"),
    ],
)
def test_what_an_address_holds_is_told_by_its_name_or_the_server(site, path, type, body, text) -> None:
    site.put(path, body, type)
    assert [d.text for d in load(site.url + path, errors="raise")] == [text]


def test_redirects_are_followed_and_judged_anew(site) -> None:
    site.put("/old", b"", status=302, location="/new")
    site.put("/new", PAGE)
    (found,) = load(f"{site.url}/old")
    assert found.id == f"{site.url}/old" and "ring" in found.text
    for place in ("http://169.254.169.254/latest", "http://10.0.0.1/", "file:///etc/passwd", "http://[::1]:1/"):
        site.put("/away", b"", status=307, location=place)
        with pytest.raises(EgressBlocked):
            list(load(f"{site.url}/away", errors="raise"))
    kept = load(f"{site.url}/away")
    assert list(kept) == [] and "no public address" in kept.errors[0].reason
    assert isinstance(kept.errors[0].error, EgressBlocked)
    site.put("/round", b"", status=301, location="/round")
    with pytest.raises(BadRequest, match="more than 5 redirects"):
        list(load(f"{site.url}/round", errors="raise"))


def test_a_page_that_sends_its_reader_elsewhere_is_followed_and_judged_anew(site) -> None:
    site.put("/start", '<meta http-equiv="Refresh" content="0; URL=/bells">')
    site.put("/bells", PAGE)
    assert "ring" in next(load(f"{site.url}/start")).text
    site.put("/start", "<META content=\"1;url='http://192.168.0.1/router'\" HTTP-EQUIV=refresh><p>Wait")
    with pytest.raises(EgressBlocked, match=r"192\.168\.0\.1 is no public address"):
        list(load(f"{site.url}/start", errors="raise"))
    site.put("/ping", '<meta http-equiv="refresh" content="0;/pong">')
    site.put("/pong", '<meta http-equiv="refresh" content="0;/ping">')
    with pytest.raises(BadRequest, match="send their reader elsewhere"):
        list(load(f"{site.url}/ping", errors="raise"))
    site.put("/self", '<meta http-equiv="refresh" content="300"><meta http-equiv="refresh" content="0;/self"><p>news')
    assert next(load(f"{site.url}/self")).text == "news"


def test_without_leave_nothing_on_this_machine_is_asked(site) -> None:
    port = site.host.partition(":")[2]
    found = load(f"http://localhost:{port}/")
    assert list(found) == [] and "no public address" in found.errors[0].reason and site.asked == []
    with pytest.raises(EgressBlocked, match="may hold no password") as told:
        list(load(f"http://ada:secret@{site.host}/", errors="raise"))
    assert "secret" not in str(told.value)
    kept = load([f"http://ada:secret@{site.host}/a?key=secret", "ftp://example.org/a"])
    assert list(kept) == [] and "secret" not in str(kept.errors)
    assert "by http or https, and this is ftp:" in kept.errors[1].reason


def test_size_is_bounded_and_a_bomb_is_not_unpacked(site) -> None:
    site.put("/big", b"x" * 5000, "text/plain")
    site.put("/bomb", gzip.compress(bytes(1_000_000)), content_encoding="gzip")
    site.put("/busy", b"", status=503, retry_after="0")
    found = load([f"{site.url}/{name}" for name in ("big", "bomb", "busy", "none")], max_bytes=1000)
    assert list(found) == []
    said = [u.reason for u in found.errors]
    assert said[0].endswith("holds more bytes than are taken; the bound is max_bytes=1,000")
    assert "compressed (gzip)" in said[1] or "max_bytes" in said[1]
    assert "answered 503" in said[2] and "answered 404" in said[3]


def test_stamps_are_what_the_server_says_or_a_hash_of_the_content(site) -> None:
    site.put("/tagged", PAGE, etag='"a1"')
    site.put("/dated", PAGE, last_modified="Tue, 03 Feb 2026 08:00:00 GMT")
    site.put("/plain", PAGE)
    site.put("/deaf", PAGE, no_head="1", etag='"b2"')
    tagged, dated, plain, deaf = sources([f"{site.url}/{n}" for n in ("tagged", "dated", "plain", "deaf")])
    assert [tagged.stamp(), dated.stamp()] == ['etag:"a1"', "date:Tue, 03 Feb 2026 08:00:00 GMT"]
    assert site.asked == ["HEAD /tagged", "HEAD /dated"]
    assert deaf.stamp() == 'etag:"b2"' and plain.stamp().startswith("hash:") and plain.stamp() == plain.stamp()
    asked = len(site.asked)
    assert "ring" in next(iter(plain.read())).text and len(site.asked) == asked, "what was hashed is not fetched again"


def listed(*urls: str, tag: str = "url", root: str = "urlset") -> str:
    inside = "".join(f"<{tag}><loc>{url}</loc><lastmod>2026-02-03</lastmod></{tag}>" for url in urls)
    return f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inside}</{root}>'


def test_a_sitemap_means_its_pages_those_of_sitemaps_in_it_too(site, tmp_path) -> None:
    site.put("/one.html", PAGE)
    site.put("/two.html", "<p>two")
    site.put("/a.xml", listed(f"{site.url}/one.html", f"{site.url}/one.html#again"), "application/xml")
    site.put(
        "/b.xml.gz", gzip.compress(listed(f"{site.url}/two.html", f"{site.url}/gone").encode()), "application/gzip"
    )
    index = listed(
        f"{site.url}/a.xml", f"{site.url}/b.xml.gz", f"{site.url}/c.xml", "http://10.0.0.1/d.xml",
        tag="sitemap", root="sitemapindex",
    )  # fmt: skip
    site.put("/sitemap.xml", index, "text/xml")
    (tmp_path / "sitemap.xml").write_text(index)
    (tmp_path / "sitemap.xml.gz").write_bytes(gzip.compress(index.encode()))
    for where in (f"{site.url}/sitemap.xml", tmp_path / "sitemap.xml", tmp_path / "sitemap.xml.gz"):
        found = load(where)
        assert [(d.id, d.text) for d in found] == [
            (f"{site.url}/one.html", "# Bells\n\nThey ring."),
            (f"{site.url}/two.html", "two"),
        ]
        assert [u.path for u in found.errors] == [f"{site.url}/gone", f"{site.url}/c.xml", "http://10.0.0.1/d.xml"]
        assert "no public address" in found.errors[2].reason
    (first, *_) = sources(f"{site.url}/sitemap.xml")
    assert first.stamp() == "lastmod:2026-02-03T00:00:00+00:00"
    assert next(iter(first.read())).metadata["modified"] == "2026-02-03T00:00:00+00:00"


def test_sitemaps_are_bounded_and_other_xml_is_a_file(site) -> None:
    site.put("/sitemap.xml", listed(*(f"{site.url}/{n}" for n in range(20))), "text/xml")
    with pytest.raises(ChainkitError, match="the bound is max_urls=10"):
        load(f"{site.url}/sitemap.xml", max_urls=10)
    site.put("/sitemap.xml", listed(f"{site.url}/sitemap.xml", tag="sitemap", root="sitemapindex"), "text/xml")
    with pytest.raises(ChainkitError, match="no documents at"):
        load(f"{site.url}/sitemap.xml")
    for n in range(6):
        site.put(f"/{n}.xml", listed(f"{site.url}/{n + 1}.xml", tag="sitemap", root="sitemapindex"), "text/xml")
    found = load(f"{site.url}/0.xml")
    assert list(found) == [] and "go deeper than 3" in found.errors[0].reason
    laughs = "<!DOCTYPE x [<!ENTITY a 'ha'>]>"
    site.put("/laughs.xml", listed("http://&a;").replace("?>", "?>" + laughs), "text/xml")
    with pytest.raises(ChainkitError, match="declares entities of its own"):
        load(f"{site.url}/laughs.xml")
    site.put("/other.xml", "<feed>bells</feed>", "text/xml")
    assert next(load(f"{site.url}/other.xml")).text == "<feed>bells</feed>"

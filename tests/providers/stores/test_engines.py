"""What the conformance suite does not ask of the stores on embedded engines."""

from __future__ import annotations

import os
import random
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from chainkit import index, step
from chainkit.documents import Chunk, Document
from chainkit.errors import ChainkitError, CompositionError, MissingExtra
from chainkit.retrieval.filters import condition, matches
from chainkit.retrieval.store import Entry
from chainkit.retrieval.stores import store
from chainkit.testing import store_conformance
from chainkit.testing.stores import ids, vector


sys.path.insert(0, str(Path(__file__).parent))
from store_engines import BATCH, PACKAGES, SHARED, engines, killed, made, opened, other

pytestmark = pytest.mark.slow


def one(id: str, text: str, stamp: str = "", **metadata: Any) -> Entry:
    document = Document(id, text, metadata)
    return Entry(document, (Chunk(id, text, 0, len(text), (), metadata),), [vector(ascii(text))], stamp)


def found(held: Any, k: int, where: Any = None) -> list[str]:
    """Documents that are found, by whatever it searches by."""
    if "text" in held.searches:
        return ids(held.search_text(["common"], k, condition(where))[0])
    return ids(held.search_vectors([vector("x")], k, condition(where))[0])


@engines()
def test_after_a_kill_nothing_acknowledged_is_lost_and_the_rest_can_be_put(name: str, tmp_path: Path) -> None:
    told = killed(name, tmp_path, after=4)
    held = opened(name, tmp_path)
    stamps = held.stamps()
    for start in told:
        wanted = [made(n) for n in range(start, start + BATCH)]
        for before, after in zip(wanted, held.get([e.document.id for e in wanted]), strict=True):
            assert stamps[before.document.id] == before.stamp
            assert (after.document.text, after.chunks) == (before.document.text, before.chunks)
    for before in held.get(list(stamps)):
        assert before.document.text == made(int(before.document.id[1:])).document.text, "half a document has no stamp"
    everything = range(told[-1] + 3 * BATCH)
    held.put([made(n) for n in everything])
    assert set(held.stamps()) >= {f"d{n}" for n in everything}
    assert len(set(found(held, 10_000))) == len(held.stamps())
    held.close()


@engines(*SHARED)
def test_two_processes_write_at_once(name: str, tmp_path: Path) -> None:
    here = opened(name, tmp_path)
    with other(name, tmp_path, 5 * BATCH, "there") as process:
        assert process.stdout is not None
        process.stdout.readline()
        for start in range(0, 5 * BATCH, BATCH):
            here.put([made(n, "here") for n in range(start, start + BATCH)])
        assert process.wait(60) == 0
    wanted = {f"{who}{n}" for who in ("here", "there") for n in range(5 * BATCH)}
    assert set(here.stamps()) == wanted and set(found(here, 10_000)) == wanted
    here.close()


@pytest.mark.slow
@engines(*SHARED)
def test_two_processes_that_put_the_same_documents_keep_them_once(name: str, tmp_path: Path) -> None:
    here = opened(name, tmp_path)
    with other(name, tmp_path, 3 * BATCH) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for start in range(2 * BATCH, 0, -BATCH):
            here.put([made(n) for n in range(start, start + BATCH)])
        assert process.wait(60) == 0
    word = "common" if "text" in here.searches else ""
    wanted = [c.id for n in range(3 * BATCH) for c in made(n).chunks if word in c.text]
    assert sorted(found(here, 10_000)) == sorted(wanted)
    here.close()


@engines()
def test_a_file_that_is_no_such_store_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "it").write_text("a letter to my aunt\n" * 300)
    with pytest.raises(ChainkitError, match="it"):
        opened(name, tmp_path)
    assert (tmp_path / "it").read_text().startswith("a letter")


@engines()
def test_a_missing_package_says_what_to_install(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    with pytest.raises(MissingExtra) as caught:
        opened(name, tmp_path)
    assert f"pip install 'chainkit[{name}]'" in str(caught.value)


@engines()
def test_an_unknown_option_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CompositionError, match="option"):
        opened(name, tmp_path, colour="red")


@engines()
def test_a_closed_store_says_so(name: str, tmp_path: Path) -> None:
    held = opened(name, tmp_path)
    held.put([one("a", "common")])
    held.close()
    for use in (held.stamps, lambda: held.put([one("b", "b")]), lambda: found(held, 3)):
        with pytest.raises(ChainkitError, match="closed"):
            use()
    again = opened(name, tmp_path)
    assert set(again.stamps()) == {"a"}
    again.close()


@engines()
def test_after_a_fork_it_works_or_says_why_not(name: str, tmp_path: Path) -> None:
    held = opened(name, tmp_path)
    held.put([made(n) for n in range(30)])
    found(held, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if not child:
        signal.alarm(30)
        try:
            held.put([made(30)])
            os._exit(0 if "d30" in found(held, 1000) and len(held.stamps()) == 31 else 1)
        except ChainkitError as error:
            os._exit(2 if "fork" in str(error) else 3)
        finally:
            os._exit(4)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == (0 if name in ("tantivy", "faiss") else 2)
    if name in ("tantivy", "faiss"):
        assert "d30" in found(held, 1000)
    held.close()


@engines()
def test_huge_k_and_half_a_character_and_long_things(name: str, tmp_path: Path) -> None:
    odd = [
        one("half \ud83d", "common \ud83d end", "s", note="\ud83d"),
        one("n\x00ul", "common a\x00b", "s", note="\x00"),
    ]
    long = one("x" * 50_000, "common " + "y" * 100_000, "s" * 1000, note="z" * 100_000, **{"f" * 5000: 1})
    held = opened(name, tmp_path)
    held.put([*odd, long])
    assert [e.document.text for e in held.get([o.document.id for o in odd])] == [o.document.text for o in odd]
    assert set(found(held, 10**9)) == {e.document.id for e in (*odd, long)}
    assert found(held, 5, {"note": "z" * 100_000}) == [long.document.id]
    held.close()


@engines()
def test_a_stamp_is_changed_alone(name: str, tmp_path: Path) -> None:
    held: Any = opened(name, tmp_path)
    held.put([made(1), made(2)])
    held.restamp("d1", "new")
    assert held.stamps() == {"d1": "new", "d2": "stamp2"} and held.get(["d1"])[0].stamp == "new"
    assert held.get(["d1"])[0].document == made(1).document and len(held) == 2
    held.close()


@pytest.mark.slow
@engines()
def test_it_conforms_with_thousands_of_documents(name: str, tmp_path: Path) -> None:
    way = ("vectors",) if name in ("faiss", "chroma") else ("text",)
    many = 3_000 if name == "chroma" else 10_000  # which takes a second for a thousand
    cases = store_conformance(lambda f: opened(name, f), searches=way, many=many)
    (case,) = [c for c in cases if c.name == "many documents"]
    case.check(tmp_path)


VALUES: list[Any] = [
    "de", "DE", "it's", 'say "x"', "a:b", "back\\slash", "2024-01-02T03:04:05+00:00", "", "ü€😀", "%_*?", "l" * 300, "l" * 301,
    0, 1, -1, 2.5, -0.25, 1e300, 10**15, 1.0, True, False, None, ["de", 1], [], [True, "x", 2.5], {"in": "side"},
]  # fmt: skip
FIELDS = ["year", "a:b", "mit Leerzeichen", "ключ", "year:1", "$x"[1:], "it's"]


def _filter(lots: random.Random, depth: int = 2) -> dict[str, Any]:
    if depth and lots.random() < 0.4:
        op = lots.choice(["$and", "$or", "$not"])
        parts = [_filter(lots, depth - 1) for _ in range(lots.randint(1, 3))]
        return {op: parts[0] if op == "$not" else parts}
    value = lots.choice([v for v in VALUES if isinstance(v, str | int | float)])
    op = lots.choice(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists"])
    held = {"$in": [value, "de"], "$nin": [value, 1], "$exists": lots.random() < 0.5}
    return {lots.choice(FIELDS): {op: held.get(op, value)}}


@engines()
def test_any_filter_finds_what_it_means(name: str, tmp_path: Path) -> None:
    lots = random.Random(5)
    known = [{f: lots.choice(VALUES) for f in lots.sample(FIELDS, 3)} for _ in range(80)]
    held = opened(name, tmp_path)
    held.put([one(f"d{n}", f"common {n}", "s", **m) for n, m in enumerate(known)])
    for _ in range(80):
        where = _filter(lots)
        right = {f"d{n}" for n, m in enumerate(known) if matches(condition(where), m)}
        assert set(found(held, 1000, where)) == right, where
    held.close()


@step
def letters(texts: list[str]) -> list[list[float]]:
    """A cheap embedding: how often some letters stand in a text."""
    return [[1.0 + t.lower().count(letter) for letter in "aeinrst"] for t in texts]


@pytest.mark.parametrize(
    "stores",
    [("tantivy",), ("lancedb",), ("tantivy", "faiss"), ("tantivy", "chroma"), ("sqlite", "faiss")],
    ids="+".join,
)
def test_an_index_lives_in_it(stores: tuple[str, ...], tmp_path: Path) -> None:
    for name in stores:
        pytest.importorskip(PACKAGES.get(name, "sqlite3"))
    (tmp_path / "a.md").write_text("# Urlaub\n\nDreißig Tage im Jahr.")
    (tmp_path / "b.md").write_text("# Büro\n\nDie Büros schließen um sechs.")
    spec: Any = tuple(f"{n}:{tmp_path / n}" for n in stores)
    embed = None if stores == ("tantivy",) else letters
    held = index(str(tmp_path / "*.md"), store=spec if len(spec) > 1 else spec[0], embed=embed)
    first = held.search("Wann schließt das Büro?", k=1)[0]
    assert first.document.metadata["title"] == "Büro" and "sechs" in first.text
    held.close()
    again = index(store=spec if len(spec) > 1 else spec[0], embed=embed)
    assert len(again) == 2 and again.search("Urlaub", k=1)[0].document.headings == ("Urlaub",)
    again.close()


def test_tantivy_waits_for_another_writer_and_then_says_so(tmp_path: Path) -> None:
    tantivy = pytest.importorskip("tantivy")
    held = opened("tantivy", tmp_path, wait=0.05)
    writer = tantivy.Index.open(str(tmp_path / "it")).writer()
    with pytest.raises(ChainkitError, match="another process"):
        held.put([made(1)])
    writer.wait_merging_threads()
    held.put([made(1)])
    assert set(held.stamps()) == {"d1"}


def test_tantivy_leaves_a_folder_of_other_files_alone(tmp_path: Path) -> None:
    pytest.importorskip("tantivy")
    (tmp_path / "letter.txt").write_text("dear aunt")
    with pytest.raises(ChainkitError, match="other files"):
        store(f"tantivy:{tmp_path}")
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_faiss_is_exact_and_its_graph_nearly_so(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("faiss")
    many = [one(f"d{n}", f"text{n}", "s", n=n) for n in range(1500)]
    exact, graph, cells = store("faiss"), store("faiss", how="HNSW32"), store("faiss", how="IVF16,Flat", probe=8)
    matrix = numpy.array([e.vectors[0] for e in many])
    asked = [vector(f"asked{n}") for n in range(20)]
    right = [{f"d{n}" for n in numpy.argsort(-(matrix @ numpy.array(v)))[:10]} for v in asked]
    for held, least in ((exact, 1.0), (graph, 0.95), (cells, 0.8)):
        held.put(many[:700])
        held.search_vectors(asked, 10)
        held.put(many[700:])
        near = [set(ids(f)) for f in held.search_vectors(asked, 10)]
        assert sum(len(a & b) for a, b in zip(near, right, strict=True)) >= least * 200
        assert len(held.search_vectors(asked, 10, condition({"n": {"$gte": 1490}}))[0]) == 10
        held.remove([f"d{n}" for n in range(0, 1500, 2)])
        assert all(int(i[1:]) % 2 for f in held.search_vectors(asked, 10) for i in ids(f))
        held.close()


def test_faiss_knows_only_what_faiss_knows(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    with pytest.raises(CompositionError, match="no index 'Nope'"):
        store("faiss", how="Nope")


@engines("lancedb", "chroma")
def test_a_table_may_have_any_name(name: str, tmp_path: Path) -> None:
    option = {"lancedb": "table", "chroma": "collection"}[name]
    for n, odd in enumerate(["a", "Küche & Bad", "../up", "x" * 80, "con", ".."]):
        held = opened(name, tmp_path, **{option: odd})
        assert held.stamps() == {}, f"{odd} is a place of its own"
        held.put([one(f"d{n}", "common")])
        held.close()
    held = opened(name, tmp_path, **{option: "../up"})
    assert set(held.stamps()) == {"d2"} and [p.name for p in tmp_path.iterdir()] == ["it"]
    held.close()


def test_documents_without_vectors_are_kept_where_text_is_searched_and_told_where_not(tmp_path: Path) -> None:
    pytest.importorskip("chromadb")
    bare = Entry(Document("a", "common"), (Chunk("a", "common", 0, 6),), None, "s")
    with pytest.raises(CompositionError, match="has no vectors"):
        opened("chroma", tmp_path).put([bare])
    for name in SHARED:
        pytest.importorskip(PACKAGES[name])
        held = opened(name, tmp_path / name)
        held.put([bare])
        held.put([one("b", "common")])
        assert set(held.stamps()) == {"a", "b"}
        if "vectors" in held.searches:
            assert ids(held.search_vectors([vector("x")], 9)[0]) == ["b"]
        if "text" in held.searches:
            assert set(found(held, 9)) == {"a", "b"}
        held.close()

"""What every store must do, one case after the other."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chainkit.documents import Chunk, Document
from chainkit.retrieval.filters import condition, matches
from chainkit.retrieval.splitting import split
from chainkit.retrieval.store import Entry, Store
from chainkit.testing.store_talk import (
    ALL,
    DIMENSIONS,
    LONG,
    OFFICE,
    SHOP,
    Talk,
    bare,
    entry,
    ids,
    refused,
    scenario,
    vector,
)  # fmt: skip

# Keeping.


@scenario("what was put is there")
def _put(talk: Talk) -> None:
    with talk.open() as store:
        assert isinstance(store, Store), "it has all that a store has"
        store.put(ALL)
        assert store.stamps() == {"shop.md": "s1", "büro.md": "s2", "long.md": "s3"}
        found = store.get(["long.md", "nobody", "shop.md"])
        assert [bare(e) for e in found] == [bare(LONG), bare(SHOP)]


@scenario("regions come back")
def _regions(talk: Talk) -> None:
    document = Document("p.pdf", "one two three", {"source": "p.pdf"}, ((0, {"page": 1}), (8, {"page": 2})))
    held = Entry(document, tuple(split(document, 8)), [vector("a"), vector("b")], "x")
    with talk.open() as store:
        store.put([held])
        assert bare(store.get(["p.pdf"])[0]) == bare(held)


@scenario("a known id is replaced, all of it")
def _upsert(talk: Talk) -> None:
    with talk.open() as store:
        store.put(ALL)
        new = entry("long.md", "Only theta now.", "s4")
        store.put([new])
        assert store.stamps()["long.md"] == "s4" and len(store.stamps()) == 3
        assert bare(store.get(["long.md"])[0]) == bare(new)
        if "text" in store.searches:
            assert ids(store.search_text(["epsilon"], 5)[0]) == []
            assert ids(store.search_text(["theta"], 5)[0]) == ["long.md"]
        if "vectors" in store.searches:
            found = store.search_vectors([vector("Only theta now.")], 50)[0]
            assert ids(found).count("long.md") == 1 and found[0].score > 0.999


@scenario("the same document twice in one put is kept once")
def _twice(talk: Talk) -> None:
    with talk.open() as store:
        store.put([entry("a", "first words", "1"), entry("a", "second words", "2")])
        assert store.stamps() == {"a": "2"} and store.get(["a"])[0].document.text == "second words"


@scenario("what was removed is gone")
def _remove(talk: Talk) -> None:
    with talk.open() as store:
        store.put(ALL)
        assert store.remove(["long.md", "nobody"]) == 1
        assert set(store.stamps()) == {"shop.md", "büro.md"} and store.get(["long.md"]) == []
        assert store.remove(["long.md"]) == 0 and store.remove([]) == 0
        if "text" in store.searches:
            assert store.search_text(["epsilon"], 5) == [[]]
        if "vectors" in store.searches:
            assert "long.md" not in ids(store.search_vectors([vector("x")], 50)[0])
        store.put([LONG])
        assert store.stamps()["long.md"] == "s3"


@scenario("an empty store answers")
def _empty(talk: Talk) -> None:
    with talk.open() as store:
        store.put([])
        assert store.stamps() == {} and store.get(["a"]) == [] and store.remove(["a"]) == 0
        if "text" in store.searches:
            assert store.search_text(["shop", ""], 3) == [[], []] and store.search_text([], 3) == []
        if "vectors" in store.searches:
            assert store.search_vectors([vector("x")], 3) == [[]] and store.search_vectors([], 3) == []


@scenario("a document without chunks is refused")
def _no_chunks(talk: Talk) -> None:
    with talk.open() as store:
        refused(lambda: store.put([SHOP, Entry(Document("e", ""), (), None)]), "has no chunks")
        assert store.stamps() == {}, "nothing of a refused put is kept"


@scenario("any text and any id is kept exactly")
def _unicode(talk: Talk) -> None:
    texts = {
        "a/b c#d?e%20.md": "Straße, naïve café — “quotes” ‚and‘ more",
        "日本語.txt": "東京は日本の首都です。",
        "😀": "👩‍👩‍👧 family 👍🏽 and z̸a̷l̶g̵o̴",
        "x" * 300: "الْعَرَبِيَّة and עברית",
        "' or 1=1 --": "'; drop table documents; -- \\ \" \x01 \u2028 tab\tend",
    }
    with talk.open() as store:
        store.put([entry(i, t, f"s-{n}", note=t, **{"mit Leerzeichen": 1}) for n, (i, t) in enumerate(texts.items())])
        assert set(store.stamps()) == set(texts)
        for name, text in texts.items():
            (held,) = store.get([name])
            assert held.document.text == text and held.document.metadata["note"] == text
        assert store.remove(list(texts)) == len(texts) and store.stamps() == {}


# Searching.


@scenario("terms find their chunks, the best first", "text")
def _terms(talk: Talk) -> None:
    with talk.open() as store:
        store.put(ALL)
        shop, office, none = store.search_text(["When does the shop open?", "buros schliessen", "zebra"], 3)
        assert ids(shop)[0] == "shop.md" and ids(office) == ["büro.md"] and none == []
        assert shop[0].document == SHOP.chunks[0] and shop[0].score > 0
        many = store.search_text(["epsilon zeta gamma"], 50)[0]
        assert [r.score for r in many] == sorted((r.score for r in many), reverse=True)
        assert all(LONG.document.text[r.document.start : r.document.end] == r.text for r in many)
        assert len(store.search_text(["epsilon"], 2)[0]) == 2 and store.search_text(["epsilon"], 0) == [[]]


@scenario("a heading's words are found", "text")
def _headings(talk: Talk) -> None:
    with talk.open() as store:
        store.put([entry("a", "# Urlaub\n\nDreißig Tage."), entry("b", "# Anderes\n\nNichts davon.")])
        assert ids(store.search_text(["Urlaub"], 3)[0]) == ["a"]


@scenario("no query breaks it", "text")
def _odd_queries(talk: Talk) -> None:
    odd = [
        '"',
        "AND OR NOT",
        "a* OR NEAR(",
        "",
        "   ",
        "😀",
        "the",
        "x" * 100_000,
        "shop " * 5_000,
        "'; drop",
        "field:x",
    ]
    with talk.open() as store:
        store.put(ALL)
        found = store.search_text(odd, 3)
        assert len(found) == len(odd) and found[3] == [] and ids(found[8])[0] == "shop.md"


@scenario("the nearest vectors come first", "vectors")
def _vectors(talk: Talk) -> None:
    with talk.open() as store:
        store.put(ALL)
        asked = [vector(OFFICE.chunks[0].text), vector("something else")]
        first, second = store.search_vectors(asked, 50)
        assert first[0].document == OFFICE.chunks[0] and abs(first[0].score - 1) < 1e-3
        held = [(c, v) for e in ALL for c, v in zip(e.chunks, e.vectors or (), strict=True)]
        wanted = {c.key: sum(a * b for a, b in zip(v, asked[1], strict=True)) for c, v in held}
        assert len(second) == len(held)
        assert all(abs(r.score - wanted[r.document.key]) < 1e-3 for r in second)
        assert [r.score for r in second] == sorted((r.score for r in second), reverse=True)
        assert len(store.search_vectors(asked, 2)[1]) == 2 and store.search_vectors(asked, 0) == [[], []]


@scenario("a vector's length does not count", "vectors")
def _lengths(talk: Talk) -> None:
    with talk.open() as store:
        long = [x * 1000 for x in vector("a")]
        store.put([Entry(SHOP.document, SHOP.chunks, [long], "s"), entry("b", "b")])
        found = store.search_vectors([[x * 0.001 for x in vector("a")]], 1)[0]
        assert ids(found) == ["shop.md"] and abs(found[0].score - 1) < 1e-3


@scenario("bad vectors are refused and nothing is lost", "vectors")
def _bad_vectors(talk: Talk) -> None:
    with talk.open() as store:
        store.put([SHOP])
        one = Document("x", "x", {})
        held = (Chunk("x", "x", 0, 1),)
        good = vector("x")
        wrong: list[tuple[list[list[float]], str]] = [
            ([[1.0, 2.0]], "2 numbers"),
            ([[]], "0 numbers"),
            ([[math.nan] * DIMENSIONS], "nowhere"),
            ([[math.inf, *good[1:]]], "nowhere"),
            ([[0.0] * DIMENSIONS], "nowhere"),
            ([good, good], "1 chunks and 2 vectors"),
        ]
        for bad, why in wrong:
            refused(partial(store.put, [OFFICE, Entry(one, held, bad, "s")]), why)
        refused(lambda: store.search_vectors([[1.0, 2.0]], 3), "2 numbers")
        refused(lambda: store.search_vectors([[0.0] * DIMENSIONS], 3), "nowhere")
        assert store.stamps() == {"shop.md": "s1"}
        assert ids(store.search_vectors([good], 9)[0]) == ["shop.md"]


FILTERS: tuple[Mapping[str, Any], ...] = (
    {"language": "de"},
    {"language": {"$ne": "de"}},
    {"year": {"$gte": 2021, "$lt": 2024}},
    {"year": 2024},
    {"year": 2023.5},
    {"year": {"$gt": "2000"}},
    {"open": True},
    {"open": {"$ne": True}},
    {"open": 1},
    {"tags": "y"},
    {"tags": {"$in": ["y", "z"]}},
    {"tags": {"$nin": ["y"]}},
    {"language": {"$in": ["de", "fr"]}, "year": {"$lte": 2024}},
    {"$or": [{"language": "en"}, {"tags": "x"}]},
    {"$not": {"$or": [{"language": "en"}, {"tags": "x"}]}},
    {"$and": [{"year": {"$exists": True}}, {"language": {"$exists": False}}]},
    {"nothing": "there"},
    {"nothing": {"$ne": "there"}},
    {"source": "büro.md"},
    {"language": {"$gt": "de"}},
    {"mit Leerzeichen": 1},
)


@scenario("filters mean the same everywhere")
def _filters(talk: Talk) -> None:
    blank = entry("blank.md", "epsilon nothing known", "s", **{"mit Leerzeichen": 1})
    texts = "shop nine Büros Weihnachten epsilon alpha lead gamma"
    with talk.open() as store:
        store.put([*ALL, blank])
        for where in FILTERS:
            wanted = condition(where)
            right = {e.document.id for e in (*ALL, blank) if matches(wanted, e.document.metadata)}
            if "text" in store.searches:
                assert set(ids(store.search_text([texts], 99, wanted)[0])) == right, f"terms with {where}"
            if "vectors" in store.searches:
                assert set(ids(store.search_vectors([vector("x")], 99, wanted)[0])) == right, f"vectors with {where}"


@scenario("a filter leaves k to be found")
def _filtered_k(talk: Talk) -> None:
    many = [entry(f"d{n}", f"common word number{n}", rare=n % 50 == 0) for n in range(200)]
    with talk.open() as store:
        store.put(many)
        if "text" in store.searches:
            assert len(store.search_text(["common"], 4, condition({"rare": True}))[0]) == 4
        if "vectors" in store.searches:
            assert len(store.search_vectors([vector("x")], 4, condition({"rare": True}))[0]) == 4


# Lasting.


@scenario("reopened, it holds the same", "disk")
def _reopen(talk: Talk) -> None:
    with talk.open() as store:
        store.put(ALL)
        store.remove(["shop.md"])
    with talk.open() as store:
        assert set(store.stamps()) == {"büro.md", "long.md"}
        assert bare(store.get(["long.md"])[0]) == bare(LONG)
        if "text" in store.searches:
            assert ids(store.search_text(["Weihnachten"], 3)[0]) == ["büro.md"]
        if "vectors" in store.searches:
            assert ids(store.search_vectors([vector(OFFICE.chunks[0].text)], 1)[0]) == ["büro.md"]
            refused(lambda: store.put([Entry(SHOP.document, SHOP.chunks, [[1.0, 2.0]], "s")]), "2 numbers")


@scenario("closing twice does nothing")
def _close(talk: Talk) -> None:
    store = talk.opened(talk.folder)
    store.put([SHOP])
    store.close()
    store.close()


@scenario("many threads write and search at once")
def _threads(talk: Talk) -> None:
    errors: list[BaseException] = []

    def write(store: Store, who: int) -> None:
        for n in range(10):
            store.put([entry(f"{who}-{n % 5}", f"writer{who} version{n}", f"{n}")])

    def search(store: Store, who: int) -> None:
        for _ in range(20):
            if "text" in store.searches:
                store.search_text(["writer1 version3"], 5)
            if "vectors" in store.searches:
                store.search_vectors([vector("x")], 5)

    def tried(job: Callable[[Store, int], None], store: Store, who: int) -> None:
        try:
            job(store, who)
        except BaseException as error:
            errors.append(error)

    with talk.open() as store:
        jobs = [(write, n) for n in range(3)] + [(search, n) for n in range(3)]
        threads = [threading.Thread(target=tried, args=(job, store, who)) for job, who in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.stamps() == {f"{who}-{n}": f"{n + 5}" for who in range(3) for n in range(5)}


@scenario("many documents", "many")
def _many(talk: Talk, many: int) -> None:
    made = [entry(f"d{n}", f"document number{n} about topic{n % 97}", f"{n}", seed=n, n=n) for n in range(many)]
    with talk.open() as store:
        for start in range(0, many, 1000):
            store.put(made[start : start + 1000])
        assert len(store.stamps()) == many
        last = many - 1
        if "text" in store.searches:
            assert ids(store.search_text([f"number{last}"], 3)[0]) == [f"d{last}"]
        if "vectors" in store.searches:
            assert ids(store.search_vectors([vector(f"{last}")], 1)[0]) == [f"d{last}"]
        assert store.remove([f"d{n}" for n in range(0, many, 2)]) == (many + 1) // 2
        assert len(store.stamps()) == many // 2

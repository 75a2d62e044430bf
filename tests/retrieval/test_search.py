"""Searching an index: by terms, by vectors, by both, and what may follow."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit import Run, index
from chainkit.documents import Chunk, Document, Retrieved
from chainkit.errors import (
    ChainkitError,
    CompositionError,
    ConnectionFailed,
    DeadlineExceeded,
    MissingExtra,
    OutputError,
)
from chainkit.retrieval import Decay, Queries, Rrf, Weighted, hyde, judging, multi_query, nearest, rewritten, store
from chainkit.retrieval.fusion import fused
from chainkit.retrieval.memory import MemoryStore
from chainkit.retrieval.reordering import diverse
from chainkit.testing import ScriptedEmbedder, ScriptedModel, ScriptedReranker, check_laws

TEXTS = [
    Document(
        "hours",
        "# Hours\n\nThe shop opens at nine.\n\n# Holidays\n\nClosed at Christmas.",
        {"language": "en", "year": 2020},
    ),
    Document("preise", "# Preise\n\nEine Glocke kostet zwölf Euro.", {"language": "de", "year": 2024}),
    Document("bells", "Bells ring at nine. A bell costs twelve euros.", {"language": "en", "year": 2024}),
]


@pytest.fixture(scope="module")
def hybrid():
    return index(TEXTS, embed=ScriptedEmbedder())


def ids(found: list[Retrieved]) -> list[str]:
    return [r.document.id for r in found]


def hit(name: str, score: float = 1.0, text: str = "") -> Retrieved:
    return Retrieved(Chunk(name, text or name, 0, len(text or name)), score)


# Fusion.


def test_reciprocal_ranks_are_summed() -> None:
    both = [("text", [hit("a"), hit("b")]), ("vectors", [hit("b"), hit("c")])]
    found = fused(both, Rrf(k=60))
    assert ids(found) == ["b", "a", "c"]
    assert [r.score for r in found] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert ids(fused(both, Rrf(k=60, vectors=0.1))) == ["b", "a", "c"]
    assert ids(fused(both, Rrf(k=0, text=0, vectors=1))) == ["b", "c", "a"]


def test_weighted_scores_are_brought_to_one_scale() -> None:
    both = [("text", [hit("a", 30), hit("b", 10)]), ("vectors", [hit("b", 0.9), hit("c", 0.4), hit("d", 0.3)])]
    found = {r.document.id: r.score for r in fused(both, Weighted(text=1, vectors=2))}
    assert found == pytest.approx({"b": 2.0, "a": 1.0, "c": 2 * (0.1 / 0.6), "d": 0.0})


def test_a_single_list_keeps_its_scores() -> None:
    assert fused([("text", [hit("a", 3.5)])], Rrf()) == [hit("a", 3.5)]


@pytest.mark.parametrize("wrong", [lambda: Rrf(text=-1), lambda: Weighted(0, 0), lambda: Rrf(k=-1), lambda: Decay(0)])
def test_weights_that_mean_nothing_are_refused(wrong) -> None:
    with pytest.raises(CompositionError):
        wrong()


def test_equal_scores_stand_in_the_order_of_their_names() -> None:
    lists = [("text", [hit("b")]), ("vectors", [hit("a")])]
    assert ids(fused(lists, Rrf())) == ids(fused(lists[::-1], Rrf())) == ["a", "b"]


# An index with vectors.


def test_an_index_with_an_embedder_searches_both_ways(hybrid) -> None:
    text = ids(hybrid.search("shop opens", 3, by="text"))
    vectors = ids(hybrid.search("shop opens", 9, by="vectors"))
    assert text == ["hours"] and len(vectors) == 4
    assert ids(hybrid.search("shop opens", 3))[0] == "hours"


def test_the_heading_counts_for_the_vector_too(hybrid) -> None:
    assert ids(hybrid.search("Preise", 1, by="vectors")) == ["preise"]


def test_filters_hold_for_both_ways(hybrid) -> None:
    for by in ("text", "vectors", "hybrid"):
        found = hybrid.search("bell nine costs Glocke", 9, by=by, where={"language": "en", "year": {"$gt": 2020}})
        assert set(ids(found)) == {"bells"}


def test_dates_and_paths_become_texts_that_filters_compare() -> None:
    held = index(
        [Document("a", "one", {"day": datetime(2024, 5, 1, tzinfo=UTC)}), Document("b", "one", {"tags": {"x"}})]
    )
    assert ids(held.search("one", where={"day": {"$gte": datetime(2024, 1, 1, tzinfo=UTC)}})) == ["a"]
    assert ids(held.search("one", where={"tags": "x"})) == ["b"]


def test_many_questions_at_once_are_the_same_as_one_by_one(hybrid) -> None:
    questions = ["shop opens", "Glocke", "zebra", "bell nine"]
    for options in (
        {},
        {"by": "text"},
        {"by": "vectors"},
        {"diversity": 0.3, "expand": 1},
        {"rerank": ScriptedReranker()},
    ):
        one_by_one = [hybrid.search(q, 3, **options) for q in questions]
        together = hybrid.search_many(questions, 3, **options)
        assert [[r.document for r in found] for found in together] == [[r.document for r in f] for f in one_by_one]


WORDS = st.lists(st.sampled_from("alpha beta gamma delta épsilon ζeta 九".split()), min_size=1, max_size=6).map(
    " ".join
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=8), WORDS, st.integers(1, 5), st.sampled_from(["text", "vectors", "hybrid"])
)
def test_a_search_gives_at_most_k_chunks_once_each_in_order(texts, question, k, by) -> None:
    held = index([Document(f"d{n}", t) for n, t in enumerate(texts)], embed=ScriptedEmbedder())
    found = held.search(question, k, by=by)
    assert len(found) <= k and len({r.document.key for r in found}) == len(found)
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
    assert found == held.retriever(k, by=by).invoke(question) == held.search_many([question], k, by=by)[0]


def test_the_laws_hold_for_a_retriever(hybrid) -> None:
    check_laws(hybrid.retriever(2), ["shop opens", "Glocke"])
    judge = ScriptedModel("2")
    check_laws(hybrid.retriever(2, rerank=judging(judge), queries=multi_query(ScriptedModel("a\nb"))), ["shop"])


def test_what_a_search_asks_stands_in_the_ledger(hybrid) -> None:
    with Run(keep=True) as run:
        hybrid.retriever(2, queries=ScriptedModel("bells"), rerank=ScriptedReranker()).invoke("Glocke?")
    assert [row.kind for row in run.rows] == ["chat", "embed", "rerank"]


def test_documents_without_text_are_kept_and_never_found() -> None:
    held = index([Document("empty", "  \n "), Document("a", "words")], embed=ScriptedEmbedder())
    assert len(held) == 2 and "empty" in {d.id for d in held}
    assert ids(held.search("words empty", 9)) == ["a"]


# What may follow a search.


def test_a_reranker_has_the_last_word_and_its_scores_stand(hybrid) -> None:
    found = hybrid.search("bell", 2, rerank=ScriptedReranker())
    assert found[0].score == pytest.approx(1.0) or 0 <= found[0].score <= 1
    judged = hybrid.search("bell nine shop", 3, rerank=judging(ScriptedModel("Passages 3 and 1.")))
    plain = hybrid.search("bell nine shop", 3)
    assert judged[0].document == plain[2].document and judged[1].document == plain[0].document


def test_a_judge_that_names_nothing_leaves_the_order(hybrid) -> None:
    plain = ids(hybrid.search("bell nine", 3))
    for said in ("0", "none of them", "99, 1000000000000", ""):
        assert ids(hybrid.search("bell nine", 3, rerank=judging(ScriptedModel(said)))) == plain


def test_an_embedder_reranks_by_cosine(hybrid) -> None:
    assert ids(hybrid.search("Eine Glocke kostet zwölf Euro.", 1, by="text", rerank=nearest(ScriptedEmbedder()))) == [
        "preise"
    ]


def test_queries_are_rewritten_multiplied_or_made_up(hybrid) -> None:
    assert ids(hybrid.search("hello, uh, where?", 1, by="text", queries=rewritten(ScriptedModel('"Glocke"')))) == [
        "preise"
    ]
    said = ScriptedModel("1. Glocke\n- shop\n3) zebra\n4. bells")
    asked = multi_query(said, n=2).invoke("nine")
    assert asked == Queries(("nine", "Glocke", "shop"), ("nine", "Glocke", "shop"))
    made_up = hyde(ScriptedModel("Eine Glocke kostet zwölf Euro.")).invoke("price?")
    assert made_up == Queries(("price?",), ("price?", "Eine Glocke kostet zwölf Euro."))
    assert ids(
        hybrid.search("price?", 1, by="vectors", queries=hyde(ScriptedModel("Eine Glocke kostet zwölf Euro.")))
    ) == ["preise"]
    assert ids(hybrid.search("x", 1, by="text", queries=lambda q: ["Glocke"])) == ["preise"]
    with pytest.raises(OutputError, match="no query"):
        hybrid.search("x", queries=lambda q: 3)


def test_diversity_leaves_repetitions_out() -> None:
    copies = [Document(f"copy{n}", "The shop opens at nine.") for n in range(5)]
    held = index([*copies, Document("other", "The shop sells bells, and much else for travellers.")])
    assert "other" not in ids(held.search("shop opens", 3))
    assert "other" in ids(held.search("shop opens", 3, diversity=0.7))
    assert ids(held.search("shop opens", 3, diversity=0.0)) == ids(held.search("shop opens", 3))


def test_maximal_marginal_relevance_is_the_papers() -> None:
    found = [hit("a", 1.0, "red bell"), hit("b", 0.9, "red bell"), hit("c", 0.5, "blue door"), hit("d", 0.0, "green")]
    # After a: b has 0.5*0.9 - 0.5*1, c 0.5*0.5 - 0, d 0 - 0.
    assert ids(diverse(found, 4, 0.5)) == ["a", "c", "d", "b"]


def test_what_is_newer_comes_first() -> None:
    now = datetime.now(UTC)
    old, new = ((now - timedelta(days=d)).isoformat() for d in (365, 1))
    held = index(
        [
            Document("old", "bell bell", {"modified": old}),
            Document("new", "bell", {"modified": new}),
            Document("undated", "bell one two three four five six"),
        ]
    )
    assert ids(held.search("bell", 1)) == ["old"]
    assert ids(held.search("bell", 3, decay=Decay(30)))[0] == "new"
    assert ids(held.search("bell", 1, decay=Decay(30, weight=0.0))) == ["old"]


def test_a_score_below_zero_does_not_grow_with_age() -> None:
    found = [hit("old", -0.1), hit("new", -0.2)]
    dated = [
        Retrieved(Chunk(r.document.id, "x", 0, 1, (), {"modified": when}), r.score)
        for r, when in zip(found, (0, 86_400 * 99))
    ]
    assert ids(Decay(1)(dated, now=86_400 * 99)) == ["new", "old"]


@pytest.fixture
def story():
    text = "# One\n\n" + "\n\n".join(f"Alpha{n} stands here." for n in range(6)) + "\n\n# Two\n\nOmega."
    return text, index([Document("s", text)], size=25)


def test_a_chunk_comes_with_its_neighbours(story) -> None:
    text, held = story
    (found,) = held.search("Alpha3", 1, expand=1)
    assert found.text == "Alpha2 stands here.\n\nAlpha3 stands here.\n\nAlpha4 stands here."
    assert text[found.document.start : found.document.end] == found.text


def test_a_chunk_comes_with_its_section_or_its_document(story) -> None:
    text, held = story
    (section,) = held.search("Alpha3", 1, expand="section")
    assert section.text.startswith("# One") and section.text.endswith("Alpha5 stands here.")
    (whole,) = held.search("Alpha3", 1, expand="document")
    assert whole.text == text and whole.document.span == (0, len(text))


def test_what_grows_together_is_given_once(story) -> None:
    text, held = story
    found = held.search("Alpha2 Alpha3 Alpha4", 3, expand=1)
    assert len(found) == 1 and found[0].text == text[found[0].document.start : found[0].document.end]
    assert "Alpha1" in found[0].text and "Alpha5" in found[0].text


# What is refused.


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"by": "magic"}, "by='magic'"),
        ({"diversity": 2}, "diversity=2"),
        ({"expand": -1}, "expand=-1"),
        ({"expand": True}, "expand=True"),
        ({"fetch": 1}, "fewer than k"),
        ({"fusion": "rrf"}, "fuses nothing"),
        ({"where": {"year": {"$bigger": 3}}}, "no operator '\\$bigger'"),
        ({"where": {"year": object()}}, "compares with object"),
        ({"rerank": 3}, "rerank= is int"),
    ],
)
def test_an_option_that_means_nothing_is_refused_when_it_is_given(hybrid, options, why) -> None:
    with pytest.raises(CompositionError, match=why):
        hybrid.retriever(3, **options)


def test_vectors_need_a_model_and_a_store_that_keeps_them() -> None:
    with pytest.raises(CompositionError, match="needs vectors"):
        index(["a"]).search("a", by="vectors")
    with pytest.raises(CompositionError, match="no store 'sqlte'"):
        store("sqlte:x")
    with pytest.raises(CompositionError, match="both say where"):
        index(["a"], path="x", store="memory")
    with pytest.raises(CompositionError, match="embed= is int"):
        index(["a"], embed=3)


def test_plain_sqlite_says_what_vectors_need(tmp_path) -> None:
    from chainkit.retrieval.sqlite import SqliteStore

    with pytest.raises(MissingExtra, match=r"pip install 'chainkit\[sqlite\]'"):
        index(["a"], store=SqliteStore(tmp_path / "x", driver="sqlite3"), embed=ScriptedEmbedder())


# Where it lives.


class Small(ScriptedEmbedder):
    label = "another model"


def test_another_model_for_the_vectors_is_noticed(tmp_path) -> None:
    path = tmp_path / "it.index"
    index(["some words"], path=path, embed=ScriptedEmbedder()).close()
    again = index(path=path, embed=Small())
    with pytest.raises(ChainkitError, match="vectors of another model"):
        again.search("words")
    assert again.search("words", by="text")


def test_files_are_embedded_anew_for_another_model_or_another_cut(tmp_path) -> None:
    folder, path = tmp_path / "f", tmp_path / "it.index"
    folder.mkdir()
    (folder / "a.md").write_text("The shop opens at nine. It closes at six.")
    index(folder, path=path).close()
    with Run(keep=True) as run:
        held = index(folder, path=path, embed=ScriptedEmbedder(), run=run)
    assert run.calls == 1 and held.refresh() == 0
    assert ids(held.search("shop", by="vectors"))
    held.close()
    assert len(index(folder, path=path, size=30).search("shop closes", 9)) == 2


def test_two_stores_are_one_index(tmp_path) -> None:
    held = index(TEXTS, store=(f"sqlite:{tmp_path / 'it.index'}", "memory"), embed=ScriptedEmbedder())
    assert ids(held.search("shop opens", 1)) == ["hours"]
    assert held.remove("hours") == 1 and "hours" not in ids(held.search("shop opens", 9))
    with pytest.raises(CompositionError, match="takes one store, or two"):
        index(TEXTS, store=("memory",) * 3)


def test_an_index_in_memory_is_saved_with_its_vectors(hybrid, tmp_path) -> None:
    hybrid.save(tmp_path / "it.index")
    again = index(path=tmp_path / "it.index", embed=ScriptedEmbedder())
    for by in ("text", "vectors"):
        assert ids(again.search("shop opens", 3, by=by)) == ids(hybrid.search("shop opens", 3, by=by))


class Far(MemoryStore):
    """A store on a server that fails now and then."""

    name = "far"
    remote = True
    failures = 0

    def search_text(self, queries, k, where=None):
        if self.failures:
            self.failures -= 1
            raise ConnectionFailed("far is down", code="unreachable")
        return super().search_text(queries, k, where)


def test_a_search_on_a_server_passes_the_gate_and_is_tried_again() -> None:
    far = Far()
    retriever = index(TEXTS, store=far).retriever(1)
    far.failures = 1
    with Run(keep=True) as run:
        assert ids(retriever.invoke("shop", run=run)) == ["hours"]
    assert [(r.kind, r.provider, r.outcome) for r in run.rows] == [("search", "far", "error"), ("search", "far", "ok")]
    assert run.cost.high == 0


def test_a_server_is_asked_from_a_loop_too() -> None:
    retriever = index(TEXTS, store=Far(), embed=ScriptedEmbedder()).retriever(1)
    with Run(keep=True) as run:
        assert ids(asyncio.run(retriever.ainvoke("shop opens", run=run))) == ["hours"]
    assert [r.kind for r in run.rows] == ["search", "embed", "search"]


class Hanging(MemoryStore):
    """A server that does not answer until it is let go."""

    name = "hanging"
    remote = True

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def search_text(self, queries, k, where=None):
        self.let_go.wait(20)
        return super().search_text(queries, k, where)


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_a_server_that_hangs_is_left_when_the_time_is_over(how: str) -> None:
    store = Hanging()
    retriever = index(TEXTS, store=store).retriever(1).timeout(0.1)
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        retriever.invoke("shop") if how == "invoke" else asyncio.run(_asked(retriever, store))
    assert time.monotonic() - start < 5
    store.let_go.set()


async def _asked(retriever, store) -> None:
    try:
        await retriever.ainvoke("shop")
    finally:
        store.let_go.set()

"""A query and documents in, the documents in order out."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chainkit import Run, identity, load, parallel, reranker, step
from chainkit.documents import Document, Chunk, Retrieved
from chainkit.errors import CompositionError, ReplyMalformed
from chainkit.models.rerank import Ranked, RerankRequest, ranking
from chainkit.testing import ScriptedReranker, check_laws
from task_server import Asked, TaskServer, Told, told

DOCUMENTS = ["a cat sat", "dogs bark", "the cat and the dog"]


def answer(asked: Asked) -> Told:
    """Scores a document by its length, and tells the best in order."""
    body = asked.json
    found = sorted(enumerate(body["documents"]), key=lambda pair: -len(pair[1]))[: body.get("top_k")]
    rows = [{"index": i, "relevance_score": min(1.0, len(d) / 100)} for i, d in found]
    return told({"data": rows, "model": "r", "usage": {"total_tokens": 7}})


def test_the_results_are_best_first_and_hold_the_very_objects_that_were_given() -> None:
    passage = Chunk("wiki", "dogs bark", 0, 9)
    documents = ["short", Document("a", "the longest of all texts"), passage, Retrieved(passage, 0.5)]
    with TaskServer(answer) as server:
        chain = reranker("voyage:rerank-2.5", base_url=server.url, api_key="k")
        found = chain.invoke({"query": "dogs", "documents": documents})
        assert server.asked[0].json["documents"] == ["short", "the longest of all texts", "dogs bark", "dogs bark"]
    assert [r.index for r in found] == [1, 2, 3, 0]
    assert found[0] == Ranked(1, 0.24, documents[1])
    assert all(a is b for a, b in zip(found.documents, [documents[i] for i in (1, 2, 3, 0)], strict=True))
    assert found[3].text == "short"
    assert found.usage.input == 7


def test_top_n_is_asked_for_in_the_vendors_own_word() -> None:
    with TaskServer(answer) as server:
        chain = reranker("voyage:rerank-2.5", base_url=server.url, api_key="k", top_n=2)
        assert len(chain.invoke({"query": "q", "documents": DOCUMENTS})) == 2
        assert server.asked[0].json["top_k"] == 2
    with pytest.raises(CompositionError, match="top_n=0"):
        reranker("voyage:rerank-2.5", top_n=0)


def test_more_documents_than_one_request_holds_are_ranked_as_one() -> None:
    documents = [f"cat {'dog ' * (i % 9)}" for i in range(40)]
    whole = ScriptedReranker().invoke({"query": "cat dog", "documents": documents})
    parts = ScriptedReranker(most=7)
    assert parts.invoke({"query": "cat dog", "documents": documents}).results == whole.results
    assert len(parts.seen) == 6
    best = ScriptedReranker(most=7, top_n=3).invoke({"query": "cat dog", "documents": documents})
    assert best.results == whole.results[:3]


def test_no_documents_need_no_request() -> None:
    with Run() as run:
        assert ScriptedReranker().invoke({"query": "q", "documents": []}).results == ()
    assert run.rows == ()


def test_it_stands_behind_a_parallel_and_keeps_the_laws() -> None:
    chain = parallel(query=identity(), documents=step(lambda _: DOCUMENTS)) | ScriptedReranker(top_n=1)
    assert chain.invoke("cat").documents == ["a cat sat"]
    check_laws(ScriptedReranker(), [{"query": "cat", "documents": DOCUMENTS}])


@pytest.mark.parametrize(
    ("value", "says"),
    [("cats", "query"), ({"query": "q"}, "documents"), ({"query": "q", "documents": [3]}, "item 0 is int")],
)
def test_what_it_cannot_rank_is_refused(value: object, says: str) -> None:
    with pytest.raises(CompositionError, match=says):
        ScriptedReranker().invoke(value)  # type: ignore[arg-type]


def test_a_document_that_was_never_sent_is_malformed() -> None:
    with pytest.raises(ReplyMalformed, match="document 3, and 2 were sent"):
        ranking(RerankRequest("m", query="q", texts=("a", "b")), [(3, 0.5)])


def test_it_can_be_shown_dumped_loaded_and_pickled() -> None:
    chain = reranker("jina:jina-reranker-v2-base-multilingual", top_n=2)
    [shown] = chain.render({"query": "q", "documents": DOCUMENTS})
    assert shown.url == "https://api.jina.ai/v1/rerank"
    assert shown.body["top_n"] == 2
    assert load(chain.dump()) == chain
    assert pickle.loads(pickle.dumps(chain)) == chain

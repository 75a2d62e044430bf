"""What of the bridges needs no other library: packing, their objects as chains, and what is said where they are missing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace as Thing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit import Budget, Run, index
from chainkit.documents import Chunk, Document, Retrieved
from chainkit.errors import BudgetExceeded, MissingExtra
from chainkit.interop import langchain as lc
from chainkit.interop import llamaindex as li
from chainkit.interop.packing import KEY, document_of, packed, passage_of, score_of
from chainkit.testing import check_laws

TEXT = st.text(max_size=30)
METADATA = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=5) | st.sampled_from(["score", "start_index", "added"]),
    st.text(max_size=9) | st.integers() | st.booleans(),
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(TEXT.filter(bool), TEXT, METADATA, st.lists(st.tuples(st.integers(0, 30), METADATA), max_size=3))
def test_a_document_is_packed_and_comes_back(name: str, text: str, metadata: dict[str, Any], regions: Any) -> None:
    document = Document(name, text, metadata, tuple(sorted(regions, key=lambda r: r[0])))
    found = packed(document)
    back = document_of(found.id, found.text, found.metadata)
    assert (back.id, back.text, back.metadata, back.regions) == (name, text, metadata, document.regions)


@settings(max_examples=50, deadline=None)
@given(TEXT.filter(bool), TEXT, METADATA, st.integers(0, 10**9), st.lists(TEXT, max_size=3), st.floats(-1, 1))
def test_a_passage_is_packed_and_comes_back(
    name: str, text: str, metadata: dict[str, Any], start: int, headings: list[str], score: float
) -> None:
    chunk = Chunk(name, text, start, start + len(text), tuple(headings), metadata)
    found = packed(Retrieved(chunk, score))
    back = passage_of(found.id, found.text, found.metadata, score_of(found.metadata, 7))
    assert back == Retrieved(chunk, score)
    assert back.document.headings == chunk.headings
    assert back.document.metadata == metadata
    assert all(isinstance(v, str | int | float) for v in found.metadata.values())


def test_what_other_libraries_say_of_a_place_is_heeded_where_we_said_nothing() -> None:
    found = passage_of("n1", "abc", {"page": 2}, 0.5, document="d", start=4, end=7)
    assert (found.document.key, found.document.metadata) == (("d", 4, 7), {"page": 2})
    ours = packed(Chunk("a", "abc", 1, 4))
    assert passage_of("n1", "abc", ours.metadata, 0.5, document="d", start=9, end=12).document.key == ("a", 1, 4)
    assert KEY not in found.document.metadata


class Theirs:
    """A retriever, and embeddings, as LangChain's are called."""

    def invoke(self, question: str) -> list[Any]:
        return [Thing(id="1", page_content=question, metadata={"source": "x"})]

    async def ainvoke(self, question: str) -> list[Any]:
        return self.invoke(question)

    def embed_query(self, text: str) -> list[float]:
        return [1.0, float(len(text))]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)


def test_the_laws_hold_for_what_is_theirs() -> None:
    check_laws(lc.from_retriever(Theirs()), ["q"])
    check_laws(lc.from_embeddings(Theirs()), ["q", ["a", "bb"]])


def test_their_embeddings_make_an_index_and_stand_in_the_ledger() -> None:
    embed = lc.from_embeddings(Theirs())
    with Run() as run:
        assert [list(v) for v in embed.invoke(["a", "bb"])] == [[1.0, 1.0], [1.0, 2.0]]
    assert [(row.kind, row.provider, row.model, row.cost.high) for row in run.rows] == [
        ("embed", "langchain", "Theirs", None)
    ]
    with pytest.raises(BudgetExceeded):
        embed.invoke("a", run=Run(budget=Budget(usd=1)))
    queries = lc.from_embeddings(Theirs(), queries=True)
    assert len(asyncio.run(queries.ainvoke(["a", "b"]))) == 2
    assert index(["one", "three words here"], embed=embed).search("three words here", 1)[0].text == "three words here"


def test_what_a_loader_gives_goes_into_an_index_and_is_found_again_by_its_source() -> None:
    class Loader:
        def lazy_load(self) -> list[Any]:
            return [Thing(id=None, page_content=f"page {n}", metadata={"source": "a.pdf", "page": n}) for n in (1, 2)]

    wiki = index(lc.from_loader(Loader()))
    wiki.add(lc.from_loader(Loader()))
    assert sorted(document.id for document in wiki) == ["a.pdf", "a.pdf#2"]


def test_nodes_of_theirs_are_passages() -> None:
    class Node:
        node_id, metadata, start_char_idx, end_char_idx = "n1", {"page": 2}, 5, 8
        source_node = Thing(node_id="doc")

        def get_content(self) -> str:
            return "abc"

    class Retriever:
        def retrieve(self, question: str) -> list[Any]:
            return [Thing(node=Node(), score=0.5), Thing(node=Node(), score=None)]

        async def aretrieve(self, question: str) -> list[Any]:
            return self.retrieve(question)

    chain = li.from_retriever(Retriever())
    first, second = chain.invoke("q")
    assert (first.document.key, first.score, second.score) == (("doc", 5, 8), 0.5, 0.5)
    check_laws(chain, ["q"])


@pytest.mark.parametrize(
    ("library", "package", "use"),
    [
        ("langchain", "langchain_core", lambda: lc.to_document(Document("a", "b"))),
        ("llamaindex", "llama_index", lambda: li.to_document(Document("a", "b"))),
    ],
)
def test_where_the_library_is_missing_its_line_is_said(library: str, package: str, use: Any, monkeypatch: Any) -> None:
    for name in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'chainkit\[{library}\]'"):
        use()


def test_the_bridges_import_neither_library() -> None:
    script = (
        "import sys, chainkit.interop.langchain, chainkit.interop.llamaindex\n"
        "print([m for m in sys.modules if m.startswith(('langchain', 'llama_index'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"

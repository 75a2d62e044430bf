"""LlamaIndex's objects as ours and ours as theirs. Runs where llama-index-core is installed (`make peers`)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("llama_index.core", reason="llama-index-core is installed by `make peers`")
from llama_index.core import SimpleDirectoryReader  # noqa: E402
from llama_index.core.base.base_retriever import BaseRetriever  # noqa: E402
from llama_index.core.embeddings import MockEmbedding  # noqa: E402
from llama_index.core.llms import MockLLM  # noqa: E402
from llama_index.core.readers.base import BaseReader  # noqa: E402
from llama_index.core.schema import Document as Theirs  # noqa: E402
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode  # noqa: E402
from llama_index.core.tools import FunctionTool, ToolOutput  # noqa: E402

from chainkit import Message, Run, agent, index, step  # noqa: E402
from chainkit.documents import Chunk, Document, Retrieved  # noqa: E402
from chainkit.errors import CompositionError  # noqa: E402
from chainkit.interop import llamaindex as li  # noqa: E402
from chainkit.messages import Media, ToolCall  # noqa: E402
from chainkit.models.reply import Reply  # noqa: E402
from chainkit.testing import ScriptedEmbedder, ScriptedModel  # noqa: E402
from chainkit.usage import Usage  # noqa: E402

CHUNK = Chunk("a.md", "nine o'clock", 10, 22, ("Hours", "Shop"), {"source": "a.md", "year": 2020})


class Found(BaseRetriever):
    """Finds two, and says in which mode it was asked."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        node = TextNode(
            id_="n1", text="plainly " + query_bundle.query_str, metadata={"page": 2}, start_char_idx=5, end_char_idx=14,
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="doc")},
        )  # fmt: skip
        return [NodeWithScore(node=node, score=0.5), NodeWithScore(node=TextNode(id_="n2", text="x"))]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(id_="n1", text="awaited " + query_bundle.query_str))]


@pytest.mark.parametrize("document", [
    Document("a", "text", {"source": "a.md", "n": 1}),
    Document("b", "first second", {}, ((0, {"page": 1}), (6, {"page": 2}))),
])  # fmt: skip
def test_a_document_comes_back_as_it_was(document: Document) -> None:
    assert li.from_document(li.to_document(document)) == document


def test_a_chunk_comes_back_with_its_document_span_and_headings() -> None:
    theirs = li.to_passage(Retrieved(CHUNK, 0.5))
    assert (theirs.node.start_char_idx, theirs.node.end_char_idx, theirs.score) == (10, 22, 0.5)
    assert theirs.node.source_node.node_id == "a.md"
    assert "chainkit" not in theirs.node.get_content(metadata_mode="llm")
    assert li.from_passage(theirs) == Retrieved(CHUNK, 0.5)


def test_readers_give_documents_with_ids_that_stay(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("The shop opens at nine.")
    (tmp_path / "b.md").write_text("The office is closed.")
    found = [list(li.from_reader(SimpleDirectoryReader(str(tmp_path)))) for _ in range(2)]
    assert {d.id for d in found[0]} == {str(tmp_path / "a.md"), str(tmp_path / "b.md")}
    assert [d.id for d in found[0]] == [d.id for d in found[1]]
    assert found[0][0].metadata["source"] == found[0][0].id

    async def all_of() -> list[Document]:
        return [d async for d in li.afrom_reader(SimpleDirectoryReader(str(tmp_path)))]

    assert {d.id for d in asyncio.run(all_of())} == {d.id for d in found[0]}
    assert index(li.from_reader(SimpleDirectoryReader(str(tmp_path)))).search("shop")[0].text.startswith("The shop")

    class Old(BaseReader):
        def load_data(self) -> list[Theirs]:
            return [Theirs(text="t", id_="t1")]

    assert [d.id for d in li.from_reader(Old())] == ["t1"]


def test_our_documents_are_their_reader() -> None:
    documents = [Document("a.md", "one", {"source": "a.md"}), Document("b", "two")]
    reader = li.to_reader(documents)
    assert isinstance(reader, BaseReader)
    assert [d.get_content() for d in reader.load_data()] == ["one", "two"]
    assert [d.node_id for d in asyncio.run(reader.aload_data())] == ["a.md", "b"]
    assert list(li.from_reader(reader)) == documents


def test_their_retriever_is_a_chain_in_both_modes() -> None:
    chain = li.from_retriever(Found())
    first, second = chain.invoke("q")
    assert (first.document.id, first.document.span, first.score, first.text) == ("doc", (5, 14), 0.5, "plainly q")
    assert (second.document.id, second.score) == ("n2", 0.5)
    assert asyncio.run(chain.ainvoke("q"))[0].text == "awaited q"


def test_our_index_is_their_retriever_in_both_modes() -> None:
    wiki = index([Document(f"{n}.md", f"The shop number {n} opens at nine.", {"n": n}) for n in range(6)])
    retriever = li.to_retriever(wiki, k=3)
    assert len(retriever.retrieve("shop")) == 3
    (first, *_) = asyncio.run(retriever.aretrieve("number 4"))
    assert first.node.metadata["n"] == 4
    assert li.from_retriever(retriever).invoke("number 4") == wiki.search("number 4", 3)
    assert len(li.to_retriever(wiki.retriever(2)).retrieve("shop")) == 2
    with pytest.raises(CompositionError, match="index or a chain"):
        li.to_retriever(7)  # type: ignore[arg-type]


def test_our_retriever_answers_in_their_query_engine() -> None:
    from llama_index.core.query_engine import RetrieverQueryEngine

    wiki = index([Document("a.md", "The shop opens at nine.")])
    engine = RetrieverQueryEngine.from_args(li.to_retriever(wiki), llm=MockLLM())
    answer = engine.query("When does the shop open?")
    assert "nine" in str(answer)
    assert answer.source_nodes[0].node.source_node.node_id == "a.md"


def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    if a < 0:
        raise ValueError("only numbers from 0")
    return a + b


def test_their_tool_is_called_by_our_agent() -> None:
    ours = li.from_tool(FunctionTool.from_defaults(add))
    assert ours.name == "add"
    assert ours.parameters["properties"]["a"]["type"] == "integer"
    calls = Reply((ToolCall("add", {"a": 1}, "c"),), "tool_calls", "tool_calls", Usage())
    model = ScriptedModel(lambda turns: turns[-1].parts[0].text if turns[-1].role == "tool" else calls)
    assert agent(model, [ours]).invoke("q").value == "3"
    assert asyncio.run(agent(model, [ours]).ainvoke("q")).value == "3"

    class Failing(FunctionTool):
        def call(self, *args, **kwargs) -> ToolOutput:
            return ToolOutput(content="no way", tool_name="add", raw_input={}, raw_output=None, is_error=True)

    failing = li.from_tool(Failing(add, FunctionTool.from_defaults(add).metadata))
    assert agent(model, [failing]).invoke("q").value == "no way"


def test_our_tools_are_theirs_in_both_modes() -> None:
    theirs = li.to_tool(add)
    assert theirs.metadata.get_parameters_dict()["properties"]["a"]["type"] == "integer"
    assert theirs.metadata.name == "add"
    assert theirs.call(a=1).content == "3"
    assert asyncio.run(theirs.acall(a=1)).content == "3"
    assert li.from_tool(theirs)(a=2, b=2) == "4"
    assert theirs.metadata.to_openai_tool()["function"]["parameters"]["required"] == ["a"]


def test_their_language_model_is_a_chain_that_stands_in_the_ledger() -> None:
    chain = li.from_llm(MockLLM())
    with Run() as run:
        reply = chain.invoke("hi")
    assert "hi" in str(reply)
    assert "hi" in str(asyncio.run(chain.ainvoke("hi")))
    assert [(row.kind, row.provider, row.outcome) for row in run.rows] == [("chat", "llamaindex", "ok")]
    with pytest.raises(CompositionError, match="asked in texts"):
        chain.invoke(Message("user", (Media("image", "image/png", b"x"),)))


def test_embeddings_go_both_ways() -> None:
    ours = li.from_embedding(MockEmbedding(embed_dim=4))
    assert list(ours.invoke("a").vector) == [0.5] * 4
    assert len(asyncio.run(ours.ainvoke(["a", "b"]))) == 2
    theirs = li.to_embedding(ScriptedEmbedder())
    plain = [list(v) for v in ScriptedEmbedder().invoke(["a", "b"])]
    assert theirs.get_text_embedding_batch(["a", "b"]) == plain
    assert asyncio.run(theirs.aget_text_embedding_batch(["a", "b"])) == plain
    assert theirs.get_query_embedding("a") == asyncio.run(theirs.aget_query_embedding("a")) == plain[0]
    assert li.from_embedding(theirs).invoke(["a"])[0] == plain[0]


def test_any_chain_of_passages_is_a_retriever() -> None:
    chunks = [replace(CHUNK, start=n) for n in range(4)]
    chain = step(lambda q: [Retrieved(c, 1.0) for c in chunks])
    assert len(li.to_retriever(chain).retrieve("q")) == 4
    assert len(li.to_retriever(chain, k=2).retrieve("q")) == 2

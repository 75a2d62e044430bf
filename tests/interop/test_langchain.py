"""LangChain's objects as ours and ours as theirs. Runs where langchain-core is installed (`make peers`)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("langchain_core", reason="langchain-core is installed by `make peers`")
from langchain_core.document_loaders import BaseLoader  # noqa: E402
from langchain_core.documents import Document as Theirs  # noqa: E402
from langchain_core.embeddings import DeterministicFakeEmbedding  # noqa: E402
from langchain_core.language_models import GenericFakeChatModel  # noqa: E402
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage  # noqa: E402
from langchain_core.output_parsers import StrOutputParser  # noqa: E402
from langchain_core.prompts import ChatPromptTemplate  # noqa: E402
from langchain_core.retrievers import BaseRetriever  # noqa: E402
from langchain_core.runnables import RunnableLambda  # noqa: E402
from langchain_core.tools import ToolException, tool as their_tool  # noqa: E402

from chainkit import Budget, Message, Messages, Run, ToolContext, agent, index, message, step, tool  # noqa: E402
from chainkit.documents import Chunk, Document, Retrieved  # noqa: E402
from chainkit.errors import BudgetExceeded, CompositionError  # noqa: E402
from chainkit.interop import langchain as lc  # noqa: E402
from chainkit.interop.langchain.messages import from_messages, to_messages  # noqa: E402
from chainkit.messages import Media, Text, ToolCall, ToolResult  # noqa: E402
from chainkit.models.reply import Reply  # noqa: E402
from chainkit.testing import ScriptedEmbedder, ScriptedModel, check_laws  # noqa: E402
from chainkit.usage import Usage  # noqa: E402

CHUNK = Chunk("a.md", "nine o'clock", 10, 22, ("Hours", "Shop"), {"source": "a.md", "year": 2020})


class Found(BaseRetriever):
    """Finds two, and says in which mode it was asked."""

    def _get_relevant_documents(self, query, *, run_manager):
        return [Theirs("plainly " + query, id="1", metadata={"source": "x"}), Theirs("no id")]

    async def _aget_relevant_documents(self, query, *, run_manager):
        return [Theirs("awaited " + query, id="1", metadata={"source": "x"})]


class Pages(BaseLoader):
    """A file of two pages, and a text."""

    def lazy_load(self):
        yield Theirs("one", metadata={"source": "a.pdf", "page": 1})
        yield Theirs("two", metadata={"source": "a.pdf", "page": 2})
        yield Theirs("three")


# Documents.


@pytest.mark.parametrize("document", [
    Document("a", "text", {"source": "a.md", "n": 1}),
    Document("b", "first second", {}, ((0, {"page": 1}), (6, {"page": 2}))),
])  # fmt: skip
def test_a_document_comes_back_as_it_was(document: Document) -> None:
    assert lc.from_document(lc.to_document(document)) == document
    assert lc.to_document(document).id == document.id


def test_a_chunk_comes_back_with_its_document_span_and_headings() -> None:
    theirs = lc.to_document(Retrieved(CHUNK, 0.5))
    assert (theirs.page_content, theirs.metadata["source"], theirs.metadata["start_index"]) == (
        "nine o'clock",
        "a.md",
        10,
    )
    assert theirs.id == "a.md#10-22"
    assert lc.from_passage(theirs) == Retrieved(CHUNK, 0.5)
    assert lc.from_passage(Theirs(**{**theirs.model_dump(), "id": None})).document == CHUNK
    assert all(isinstance(v, str | int | float) for v in theirs.metadata.values())


def test_a_passage_of_theirs_has_the_place_that_their_splitters_say() -> None:
    found = lc.from_passage(Theirs("abc", id="d", metadata={"start_index": 7, "relevance_score": 0.25}))
    assert (found.document.id, found.document.span, found.score) == ("d", (7, 10), 0.25)
    assert found.document.metadata["start_index"] == 7


def test_loaders_give_documents_with_ids_that_stay() -> None:
    found = list(lc.from_loader(Pages()))
    assert [d.id for d in found[:2]] == ["a.pdf", "a.pdf#2"]
    assert found[2].id.startswith("text-")
    assert [d.metadata.get("page") for d in found] == [1, 2, None]

    async def all_of() -> list[Document]:
        return [d async for d in lc.afrom_loader(Pages())]

    assert asyncio.run(all_of()) == found
    assert index(lc.from_loader(Pages())).search("two")[0].document.metadata["page"] == 2


def test_our_documents_are_their_loader() -> None:
    documents = [Document("a.md", "one", {"source": "a.md"}), Document("b", "two")]
    loader = lc.to_loader(documents)
    assert isinstance(loader, BaseLoader)
    assert [d.page_content for d in loader.load()] == ["one", "two"]
    assert [d.id for d in asyncio.run(loader.aload())] == ["a.md", "b"]
    assert list(lc.from_loader(loader)) == documents


# Retrievers.


def test_their_retriever_is_a_chain_in_both_modes() -> None:
    chain = lc.from_retriever(Found())
    found = chain.invoke("q")
    assert (found[0].document.id, found[0].text) == ("1", "plainly q")
    assert [r.score for r in found] == [1.0, 0.5]
    assert asyncio.run(chain.ainvoke("q"))[0].text == "awaited q"
    assert [len(found) for found in chain.batch(["a", "b"])] == [1, 1]
    assert chain.invoke(ScriptedModel("said").invoke("x"))[0].text == "plainly said"


def test_the_laws_hold_for_their_retriever() -> None:
    class Same(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Theirs(query, id="1")]

    check_laws(lc.from_retriever(Same()), ["q"])


def test_an_error_of_theirs_has_its_place() -> None:
    class Broken(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            raise ValueError("no index")

    with pytest.raises(ValueError, match="no index") as told:
        lc.from_retriever(Broken()).invoke("q")
    assert "at: langchain Broken" in "".join(told.value.__notes__)


def test_our_index_is_their_retriever_in_both_modes() -> None:
    wiki = index([Document(f"{n}.md", f"The shop number {n} opens at nine.", {"n": n}) for n in range(6)])
    retriever = lc.to_retriever(wiki, k=3, tags=["wiki"])
    assert isinstance(retriever, BaseRetriever)
    assert len(retriever.invoke("shop")) == 3
    assert len(retriever.invoke("shop", k=5)) == 5
    (one,) = asyncio.run(retriever.ainvoke("number 4", k=1))
    assert one.metadata["n"] == 4
    assert lc.from_passage(one).document.id == "4.md"
    assert retriever.tags == ["wiki"]
    filtered = lc.to_retriever(wiki.retriever(2, where={"n": {"$gte": 4}}))
    assert {d.metadata["n"] for d in filtered.invoke("shop")} == {4, 5}
    assert len(filtered.invoke("shop", k=1)) == 1
    back = lc.from_retriever(retriever)
    assert back.invoke("number 4")[0].document == wiki.search("number 4")[0].document


def test_any_chain_of_passages_is_a_retriever_and_nothing_else() -> None:
    chain = step(lambda q: [Retrieved(CHUNK, 1.0)] * 4)
    assert len(lc.to_retriever(chain).invoke("q")) == 4
    assert len(lc.to_retriever(chain, k=2).invoke("q")) == 2
    with pytest.raises(CompositionError, match="index or a chain"):
        lc.to_retriever("wiki")  # type: ignore[arg-type]


# Vector stores.


def test_a_vector_store_over_our_stores() -> None:
    for store in ("memory", "sqlite"):
        made = lc.to_vector_store(store, DeterministicFakeEmbedding(size=8))
        made.add_texts(["a", "b"], [{"n": 1}, {"n": 2}], ids=["1", "2"])
        found = made.similarity_search_with_score("b", k=1)
        assert [(d.id, d.page_content, d.metadata) for d, _ in found] == [("2", "b", {"n": 2})]
        assert found[0][1] == pytest.approx(1, abs=1e-5)
        assert [d.id for d in made.similarity_search("b", k=2, filter={"n": 1})] == ["1"]
        assert made.similarity_search_by_vector(made.embeddings.embed_query("a"), k=1)[0].id == "1"
        assert {d.id for d in made.max_marginal_relevance_search("a", k=2)} == {"1", "2"}
        assert made.similarity_search_with_relevance_scores("b", k=1)[0][1] == pytest.approx(1, abs=1e-5)
        assert made.as_retriever(search_kwargs={"k": 1}).invoke("a")[0].id == "1"
        assert asyncio.run(made.amax_marginal_relevance_search("a", k=1))[0].id == "1"
        assert asyncio.run(made.asimilarity_search_by_vector(made.embeddings.embed_query("a"), k=1))[0].id == "1"
        made.delete()
        assert made.similarity_search("a") == []


def test_our_index_is_a_vector_store_with_the_places_of_its_chunks() -> None:
    wiki = index([Document("a.md", "# Hours\n\nThe shop opens at nine.\n\n# Other\n\nNo.")], embed=ScriptedEmbedder())
    made = lc.to_vector_store(wiki)
    found = made.similarity_search("The shop opens at nine.", k=2)
    chunks = {lc.from_passage(d).document for d in found}
    assert chunks == {r.document for r in wiki.search("shop", 2)}
    plain = lc.to_vector_store(index(["The shop opens at nine."]))
    assert plain.similarity_search("shop")[0].page_content == "The shop opens at nine."
    assert plain.embeddings is None


def test_a_vector_store_is_made_from_texts_as_theirs_are() -> None:
    kind = type(lc.to_vector_store("memory", ScriptedEmbedder()))
    made = kind.from_texts(["a", "b"], DeterministicFakeEmbedding(size=8), ids=["1", "2"])
    assert made.similarity_search("a", k=1)[0].id == "1"
    again = kind.from_documents([Theirs("c", id="3")], DeterministicFakeEmbedding(size=8))
    assert again.get_by_ids(["3"])[0].page_content == "c"


# Tools.


@their_tool
def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    if a < 0:
        raise ToolException("only numbers from 0")
    return a + b


def test_their_tool_is_called_by_our_agent() -> None:
    ours = lc.from_tool(add)
    assert (ours.name, ours.description) == ("add", "Add two numbers.")
    assert ours.parameters["properties"]["a"]["type"] == "integer"
    for arguments, answer in (({"a": 1}, "3"), ({"a": -1}, "only numbers from 0")):
        calls = Reply((ToolCall("add", arguments, "c"),), "tool_calls", "tool_calls", Usage())
        model = ScriptedModel(lambda turns, calls=calls: turns[-1].parts[0].text if turns[-1].role == "tool" else calls)
        assert agent(model, [ours]).invoke("q").value == answer
        assert asyncio.run(agent(model, [ours]).ainvoke("q")).value == answer
    assert ours(a=1, b=1) == 2


def test_our_tools_are_theirs_in_both_modes() -> None:
    def sub(a: int, b: int = 1) -> int:
        """Subtract."""
        return a - b

    async def later(a: int) -> str:
        """Wait."""
        return f"{a}!"

    for ours, arguments, answer in (
        (sub, {"a": 3}, "2"),
        (tool(later), {"a": 3}, "3!"),
        (tool(step(lambda text: text.upper()), name="up", description="Up."), {"input": "x"}, "X"),
        (lc.from_tool(add), {"a": 1}, "3"),
    ):
        theirs = lc.to_tool(ours)
        assert theirs.invoke(arguments) == answer
        assert asyncio.run(theirs.ainvoke(arguments)) == answer
    assert lc.to_tool(sub).args["a"]["type"] == "integer"
    with pytest.raises(Exception, match="do not fit|validation|does not fit|valid integer"):
        lc.to_tool(sub).invoke({"a": "x"})

    def needs(context: ToolContext) -> str:
        """Needs."""
        return ""

    with pytest.raises(CompositionError, match="ToolContext"):
        lc.to_tool(needs)


# Models.


def test_their_chat_model_is_a_chain_that_stands_in_the_ledger() -> None:
    said = AIMessage("hello", usage_metadata={"input_tokens": 3, "output_tokens": 1, "total_tokens": 4})
    chain = lc.from_chat_model(GenericFakeChatModel(messages=iter([said, said])))
    with Run() as run:
        reply = chain.invoke("hi")
    assert (str(reply), reply.usage.input, reply.finish_reason) == ("hello", 3, "stop")
    assert [(row.kind, row.provider, row.usage.output, row.outcome) for row in run.rows] == [
        ("chat", "langchain", 1, "ok")
    ]
    assert run.cost.high is None
    assert str(asyncio.run(chain.ainvoke(message("user", "hi")))) == "hello"
    with pytest.raises(BudgetExceeded):
        chain.invoke("hi", run=Run(budget=Budget(usd=1)))


def test_messages_of_every_kind_go_there_and_back() -> None:
    turns = Messages((
        message("system", "S"),
        Message("user", (Text("what?"), Media("image", "image/png", b"\x89"), Media("document", "application/pdf", url="https://x.test/a"))),
        Message("assistant", (Text("wait"), ToolCall("look", {"at": "box"}, "c1"))),
        Message("tool", (ToolResult("c1", "a cat", "look"),)),
        message("assistant", "a cat"),
    ))  # fmt: skip
    theirs = to_messages(turns)
    assert [type(m) for m in theirs] == [SystemMessage, HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert from_messages(theirs) == turns


def test_embeddings_go_both_ways() -> None:
    theirs = DeterministicFakeEmbedding(size=6)
    ours = lc.from_embeddings(theirs)
    assert list(ours.invoke("a").vector) == theirs.embed_query("a")
    with Run() as run:
        assert [list(v) for v in asyncio.run(ours.ainvoke(["a", "b"], run=run))] == theirs.embed_documents(["a", "b"])
    assert [row.kind for row in run.rows] == ["embed"]
    back = lc.to_embeddings(ours)
    assert back.embed_documents(["a"]) == theirs.embed_documents(["a"])
    assert asyncio.run(back.aembed_query("a")) == back.embed_query("a")
    assert index(["the shop", "the office"], embed=ours).search("the shop", 1)[0].text == "the shop"


# Runnables.


def test_our_chain_is_a_runnable_in_every_mode() -> None:
    runnable = lc.to_runnable(ScriptedModel("one two"))
    asked = ChatPromptTemplate.from_messages([("system", "S"), ("human", "{q}")])
    whole = asked | runnable | StrOutputParser()
    assert whole.invoke({"q": "hi"}) == "one two"
    assert asyncio.run(whole.ainvoke({"q": "hi"})) == "one two"
    assert list(whole.stream({"q": "hi"})) == ["one ", "two"]
    assert whole.batch([{"q": "a"}, {"q": "b"}]) == ["one two", "one two"]

    async def streamed() -> list[str]:
        return [piece async for piece in whole.astream({"q": "hi"})]

    assert asyncio.run(streamed()) == ["one ", "two"]
    seen = runnable.chain.seen[0].messages
    assert [(m.role, m.text) for m in seen] == [("system", "S"), ("user", "hi")]
    found = lc.to_runnable(index(["the shop"]).retriever()).invoke("shop")
    assert [type(d) for d in found] == [Theirs]


def test_their_runnable_is_a_chain() -> None:
    loud = lc.from_runnable(RunnableLambda(lambda text: AIMessage(text.upper())))
    assert str((step(str.strip) | loud).invoke(" a ")) == "A"
    assert str(asyncio.run(loud.ainvoke("a"))) == "A"
    counted = lc.from_runnable(RunnableLambda(lambda messages: [type(m).__name__ for m in messages]))
    assert counted.invoke(Messages((message("system", "S"), message("user", "u")))) == ["SystemMessage", "HumanMessage"]
    asked = lc.from_runnable(ChatPromptTemplate.from_messages([("system", "S"), ("human", "{q}")]))
    said: Any = (asked | ScriptedModel("yes").text).invoke({"q": "u"})
    assert said == "yes"

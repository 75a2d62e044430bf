"""What must type-check, with the types that must be inferred. Checked by pyright and mypy, never run."""

from __future__ import annotations

from pathlib import Path
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, assert_type

from pydantic import BaseModel

from chainkit import (
    debate,
    hedge,
    mixture,
    agreed,
    cascade,
    chatting,
    likely,
    Chain,
    Fill,
    Message,
    Reply,
    Verdict,
    average,
    branch,
    completion,
    each,
    embedder,
    best,
    best_of,
    consistent,
    ensemble,
    fields,
    fuse,
    image_model,
    index,
    judge,
    pairwise,
    rank,
    loop,
    median,
    medoid,
    model,
    parallel,
    prompt,
    race,
    reranker,
    sequence,
    speaker,
    step,
    transcriber,
    union,
    vote,
    weighted,
)
from chainkit.documents import Document, Retrieved
from chainkit.search import WebResult, as_retrieved, fetch, pages, web
from chainkit.evaluate import (
    Case,
    Estimate,
    Report,
    aevaluate,
    calibration_error,
    cases,
    compare,
    evaluate,
    exact,
    judged,
    split,
)
from chainkit.errors import ChainkitError
from chainkit.interop import langchain as lc
from chainkit.interop import llamaindex as li
from chainkit.memory import Memory, SqliteMemory, last, memory, recall, tokens
from chainkit.messages import Media, Messages
from chainkit.models.embed import Embeddings
from chainkit.models.image import Images
from chainkit.models.rerank import Reranked, RerankInput
from chainkit.retrieval import (
    Answer,
    Decay,
    Extraction,
    Queries,
    Store,
    Summary,
    Weighted,
    answering,
    conversational,
    extract,
    judging,
    multi_query,
    store,
    summarise,
)
from chainkit.retrieval import load as load_documents
from chainkit.retrieval.loading import Loading, Source, Unread, sources
from chainkit.retrieval.sqlite import SqliteStore
from chainkit.tools.tool import Tool
from chainkit.models.speak import Speech
from chainkit.models.transcribe import Transcript
from chainkit.streaming import Partial

Promptable = str | Message | Sequence[Message]


class Book(BaseModel):
    title: str
    year: int


class Ask(BaseModel):
    genre: str


def length(text: str) -> int:
    return len(text)


async def later(number: int) -> float:
    return number / 2


def shout(text: str) -> str:
    return text.upper()


gpt = model("openai:gpt-5-mini", temperature=0)
assert_type(gpt, Chain[Promptable, Reply])
assert_type(gpt.invoke("hi"), Reply)
books = model("openai:gpt-5-mini", output=Book)
assert_type(books, Chain[Promptable, Book])
assert_type(books.invoke("a book"), Book)
assert_type(model("openai:gpt-5-mini", output=list[Book]), Chain[Promptable, list[Book]])
assert_type(model("openai:gpt-5-mini", output={"type": "object"}), Chain[Promptable, Any])

asked = prompt("A {{ genre }} book", genre=str)
assert_type(asked | gpt, Chain[Mapping[str, Any], Reply])
assert_type(asked | books, Chain[Mapping[str, Any], Book])
assert_type(asked | "openai:gpt-5-mini", Chain[Mapping[str, Any], Reply])
assert_type((asked | books).invoke({"genre": "sea"}), Book)
typed = prompt("A {{ genre }} book", vars=Ask)
assert_type(typed | books, Chain[Ask | Mapping[str, Any], Book])

assert_type(gpt.text, Chain[Promptable, str])
assert_type(gpt.text | length, Chain[Promptable, int])
assert_type(gpt.text | length | later, Chain[Promptable, float])
assert_type(gpt.text.retry(2).timeout(3) | shout, Chain[Promptable, str])
assert_type(step(length), Chain[str, int])
assert_type(step(later), Chain[int, float])
assert_type(step(length).then(lambda n: n + 1), Chain[str, int])
assert_type(sequence(step(shout), step(length), step(later)), Chain[str, float])
assert_type(parallel(step(length), step(shout)), Chain[str, tuple[int, str]])
assert_type(each(step(length)), Chain[Iterable[str], list[int]])

several = ensemble("openai:a", "anthropic:b", combine=vote())
assert_type(
    ensemble(books, books, combine=vote(key=lambda b: b.title, ties=judge("openai:a"))).answer.invoke("x"), Book
)
assert_type(ensemble(books, books, combine=weighted({"openai:a": 2}, abstain=["unknown"])).answer.invoke("x"), Book)
assert_type(several, Chain[Promptable, Verdict[Reply]])
assert_type(several.answer, Chain[Promptable, Reply])
assert_type(several.answer.text, Chain[Promptable, str])
assert_type(several.invoke("hi").value, Reply)
choice = ensemble("openai:a", "cohere:b", output=Literal["spam", "ham"], combine=vote())
assert_type(choice.answer.invoke("hi"), Literal["spam", "ham"])
same = ensemble(books, books, combine=judge("openai:a"))
assert_type(same.invoke("x").value, Book)
assert_type(ensemble(books, books, combine=fields({"title": vote()})).invoke("x").value, Book)
assert_type(ensemble("openai:a", "openai:b", combine=average()).invoke("x").value, float)
assert_type(ensemble("openai:a", "openai:b", combine=median(Decimal)).answer, Chain[Promptable, Decimal])
assert_type(ensemble(books, books, combine=medoid("characters")).answer, Chain[Promptable, Book])
assert_type(ensemble("openai:a", "openai:b", output=list[str], combine=union(2)).invoke("x").value, list[str])
written = ensemble(books, books, combine=fuse(model("openai:a", output=Book)))
assert_type(written.answer, Chain[Promptable, Book])
assert_type(race(books, books), Chain[Promptable, Verdict[Book]])
assert_type(mixture(["openai:a", books], "openai:b").answer, Chain[Promptable, Reply])
assert_type(mixture([books], books, layers=3).answer, Chain[Promptable, Book])
assert_type(debate(["openai:a", "openai:b"], judge="openai:c"), Chain[Promptable, Verdict[Reply]])
assert_type(debate([books, books], rounds=3, combine=vote()).invoke("x").value, Book)
assert_type(hedge(books, after="p95"), Chain[Promptable, Verdict[Book]])
assert_type(hedge("openai:a", "openai:b", after=0.5).answer, Chain[Promptable, Reply])


def title_length(question: object, book: Book) -> float:
    return len(book.title)


def longer(question: object, a: Book, b: Book) -> Literal["first", "second", "tie"]:
    return "first" if len(a.title) > len(b.title) else "second"


def count(books: list[Book]) -> int:
    return len(books)


assert_type(ensemble(books, books, combine=count).answer, Chain[Promptable, int])
assert_type(consistent(books, 3), Chain[Promptable, Verdict[Book]])
assert_type(consistent("openai:a", 3, temperatures=[0.5, 1.0], frugal=True), Chain[Promptable, Verdict[Reply]])
assert_type(consistent(books, 3, combine=count).invoke("x").value, int)
assert_type(best_of(books, 3, score=lambda book: len(book.title), enough=3), Chain[Promptable, Verdict[Book]])
assert_type(best_of(books, 3, score=judge("openai:a", "openai:b", swap=True)).answer, Chain[Promptable, Book])
assert_type(best_of("openai:a", 3, score=gpt.text | length, seed=1), Chain[Promptable, Verdict[Reply]])
assert_type(ensemble(books, books, combine=rank("openai:a")).answer, Chain[Promptable, Book])
assert_type(ensemble(books, books, combine=pairwise("openai:a", plan="knockout")).answer, Chain[Promptable, Book])
assert_type(ensemble(books, books, combine=best(title_length)).invoke("x").value, Book)
assert_type(ensemble(books, books, combine=pairwise(longer)).invoke("x").value, Book)
assert_type(cascade("openai:a", "openai:b", accept=likely(0.9)), Chain[Promptable, Verdict[Reply]])
assert_type(cascade(books, books, accept=lambda book: True), Chain[Promptable, Verdict[Book]])
assert_type(cascade(consistent(books, 3), consistent(books, 5), accept=agreed(0.8)).answer, Chain[Promptable, Book])
assert_type(cascade(consistent(books, 3), books, accept=[agreed(0.8)]).invoke("x").value, Book)
assert_type(ensemble(several.answer, several.answer, combine=vote()).answer, Chain[Promptable, Reply])

assert_type(gpt.fallback("anthropic:b"), Chain[Promptable, Reply])
assert_type(step(length).fallback(step(length)), Chain[str, int])

with gpt.stream("hi") as text:
    for piece in text:
        assert_type(piece, str)
    assert_type(text.value, Reply)
with books.stream("hi") as growing:
    for part in growing:
        assert_type(part, Partial[Book])
    assert_type(growing.value, Book)
assert_type(books.batch(["a"]), list[Book])
assert_type(books.batch(["a"], errors="keep"), list[Book | ChainkitError])
for number, book in books.batch_as_completed(["a"]):
    assert_type(number, int)
    assert_type(book, Book)

heard = transcriber("openai:whisper-1", timestamps="word")
assert_type(heard.invoke(b"RIFF"), Transcript)
assert_type(heard.text.invoke(b"RIFF"), str)
assert_type((heard.text | gpt).invoke(b"RIFF"), Reply)
assert_type(embedder("voyage:voyage-4").invoke(["a"]), Embeddings)
assert_type(completion("openai:davinci-002", stop="x").invoke(Fill("a", "b")), Reply)
assert_type(prompt("{{ a }}", a=str) | completion("openai:davinci-002"), Chain[Mapping[str, Any], Reply])
assert_type(reranker("cohere:rerank-v3.5").invoke({"query": "q", "documents": ["a"]}), Reranked)
assert_type(image_model("openai:gpt-image-1", size="auto").invoke("a cat").image, Media)
assert_type(image_model("openai:gpt-image-1").invoke({"prompt": "green", "images": [b"a"]}), Images)
assert_type((gpt.text | speaker("openai:tts-1", voice="alloy")).invoke("hi"), Speech)

assert_type(loop(step(shout), until=lambda text: len(text) > 3), Chain[str, str])
chosen: Chain[str, Any] = branch(lambda text: len(text) > 3, step(shout), step(length))


measured = evaluate(gpt, cases("a.csv"), [exact(), lambda value, expected: value == expected], save="a.jsonl")
assert_type(measured, Report)
assert_type(measured.mean(), Estimate)
assert_type(split([Case("a")], 0.5), tuple[list[Case], list[Case]])
assert_type(compare({"a": gpt, "b": books, "c": "openai:a"}, [("x", 1)], judged("openai:a")).best, str)
assert_type(compare([gpt, shout], "a.csv").differences()[0].p, float)
evaluate(shout, [Case("a", "A")], calibration_error())

loaded = load_documents(["docs", Path("a.pdf")], kinds=["pdf"], max_pages=9, progress=lambda done, total, path: None)
assert_type(loaded, Loading)
assert_type(list(loaded), list[Document])
assert_type(loaded.errors, tuple[Unread, ...])
assert_type(sources("docs", exclude="*.log"), list[Source])
wiki = index("docs/**/*.md", embed="local:minilm", store="memory")
assert_type(wiki.retriever(3, where={"year": {"$gte": 2020}}, fusion=Weighted()), Chain[str, list[Retrieved]])
assert_type(wiki.search("q", 3, by="text", expand="section", decay=Decay(30)), list[Retrieved])
assert_type(wiki.search_many(["q"]), list[list[Retrieved]])
assert_type(multi_query("openai:a").invoke("q"), Queries)
assert_type(judging("openai:a"), Chain[RerankInput, Reranked])
wiki.retriever(3, queries=lambda question: [question], rerank="cohere:rerank-v3.5")
assert_type(wiki.answering("openai:a", verify="quotes", unsupported="drop", context=900), Chain[str, Answer])
assert_type(answering(wiki.retriever(3), gpt, verify=gpt), Chain[str, Answer])
assert_type(
    answering(lambda question: [question], "openai:a", focus=0.4).invoke("q").citations[0].span, tuple[int, int]
)
assert_type(conversational(wiki, "openai:a", verify="overlap").invoke({"question": "a", "turns": []}), Answer)
assert_type(summarise("openai:a", "refine", words=9).invoke("q"), Summary)
assert_type(extract("openai:a", Book), Chain[Any, Extraction[Book]])
assert_type(extract("openai:a", list[Book]).invoke("q").values[0].value, Book)
assert_type(wiki.as_tool(name="wiki", k=3), Tool[..., str])
any_store: Store = SqliteStore("it.index")
held_memory: Memory = SqliteMemory()
assert_type(store("qdrant:http://localhost:6333/wiki").search_text(["q"], 3), list[list[Retrieved]])


assert_type(chatting("openai:a", memory="sqlite", keep=last(4)), Chain[Promptable | Mapping[str, Any], Reply])
assert_type(
    chatting(books, memory=held_memory, keep=[tokens(9), recall(2)]).invoke({"conversation": "a", "message": "b"}), Book
)
assert_type(chatting(gpt, memory=held_memory, keep=lambda turns: turns[-4:]).text.invoke("a"), str)
assert_type(memory("sqlite").turns("ada"), Messages)
lc.to_retriever(wiki, k=2)
assert_type(lc.from_retriever(object()), Chain[str, list[Retrieved]])
assert_type(li.from_retriever(object()).invoke("q"), list[Retrieved])
assert_type(lc.from_embeddings(object()).invoke(["a"]), Embeddings)


async def asynchronous() -> None:
    assert_type(await aevaluate(books, cases([])), Report)
    assert_type(await books.ainvoke("x"), Book)
    assert_type(await books.abatch(["x"]), list[Book])
    async for piece in gpt.astream("x"):
        assert_type(piece, str)


assert_type(web("brave", count=3, safe="strict").invoke("q"), list[WebResult])
assert_type((web("brave") | pages(3)).invoke("q"), list[WebResult])
assert_type((web("brave") | as_retrieved()).invoke("q"), list[Retrieved])
assert_type(web("brave").retriever(3).invoke("q"), list[Retrieved])
assert_type(fetch(pause=0).invoke("u"), Document)

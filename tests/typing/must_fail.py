"""What must not type-check: each line that ends in `# error` must be reported, and no other."""

from __future__ import annotations

from pydantic import BaseModel

from chainkit import (
    average,
    best_of,
    cascade,
    chatting,
    completion,
    consistent,
    embedder,
    ensemble,
    fields,
    debate,
    hedge,
    index,
    mixture,
    judge,
    medoid,
    model,
    pairwise,
    parallel,
    prompt,
    reranker,
    sequence,
    step,
    transcriber,
    union,
    vote,
)
from chainkit.retrieval import load as load_documents
from chainkit.evaluate import compare, evaluate, exact
from chainkit.retrieval import answering, extract, summarise
from chainkit.search import fetch, web


class Book(BaseModel):
    title: str


def length(text: str) -> int:
    return len(text)


def half(number: int) -> float:
    return number / 2


def by_year(book: Book) -> int:
    return len(book.title)


gpt = model("openai:a")
books = model("openai:a", output=Book)

step(length) | step(length)  # error
step(length).then(length)  # error
books | length  # error
gpt | half  # error
gpt | gpt  # error
books.text  # error
gpt.answer  # error
sequence(step(length), step(length))  # error
step(half).invoke("three")  # error
prompt("{{ x }}", x=str).invoke("three")  # error
model("openai:a", temprature=0)  # error
model("openai:a", temperature="hot")  # error
ensemble("openai:a", "openai:b")  # error
ensemble("openai:a", combine=vote(), quorom=2)  # error
vote(ties="last")  # error
vote(at_leest=0.5)  # error
ensemble(model("openai:a", output=int), combine=union())  # error
medoid("chars")  # error
fields(none="skip")  # error
average(int)  # error
consistent(books, "three")  # error
best_of(books, 3)  # error
best_of(books, 3, score=length)  # error
judge("openai:a", way="alone")  # error
ensemble(books, books, combine=pairwise("openai:a", plan="league"))  # error
cascade(books, books)  # error
hedge(books)  # error
debate(books)  # error
mixture([books])  # error
cascade(books, books, accept=0.8)  # error
parallel(step(length), step(half))  # error (pyright)
wrong: str = gpt.invoke("hi")  # error
other: int = books.invoke("hi").title  # error
for piece in gpt.stream("hi"):
    number: int = piece  # error
ensemble(books, books, combine=vote()).invoke("x").value.titel  # error
transcriber("openai:whisper-1", timestamps="letter")  # error
embedder("voyage:voyage-4") | model("openai:a")  # error
completion("openai:a", tools=[])  # error
completion("openai:a").invoke(3)  # error
reranker("cohere:rerank-v3.5").invoke({"question": "q"})  # error
evaluate(model("openai:a"))  # error
evaluate(3, [])  # error
evaluate(model("openai:a"), [], "exact")  # error
compare({"a": 3}, [])  # error
exact(key="lower")  # error
load_documents("docs", max_page=3)  # error
load_documents("docs", max_pages="3")  # error
load_documents(3)  # error
load_documents("docs", errors="ignore")  # error
index("docs", embd="local:minilm")  # error
index("docs", size="big")  # error
index("docs").search("q", by="magic")  # error
index("docs").retriever(3, wher={"a": 1})  # error
index("docs").retriever(3).invoke(3)  # error
index("docs").answering("openai:a", verfy="quotes")  # error
index("docs").answering("openai:a", unsupported="hide")  # error
answering(index("docs"), "openai:a").invoke("q").text.titel  # error
summarise("openai:a", "guess")  # error
extract("openai:a", list[int]).invoke("q").values[0].value.titel  # error
web("brave", cuont=3)  # error
web("brave", safe="on")  # error
web("brave", recency="hour")  # error
web("brave").invoke(3)  # error
web("brave").invoke("q")[0].titel  # error
fetch(robot=False)  # error
fetch().invoke("u").txt  # error
chatting("openai:a")  # error
chatting("openai:a", memory=3)  # error
chatting("openai:a", memory="sqlite", keep=7)  # error
chatting(books, memory="sqlite").invoke({"message": "a"}).titel  # error

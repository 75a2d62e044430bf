"""`chainkit ask "question" --docs PATH --model ...`: an answer from documents, by one model or several."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainkit.cli.screen import Json
from chainkit.errors import CompositionError
from chainkit.run.run import Run

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.cli.screen import Screen
    from chainkit.retrieval import Index


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    docs: Annotated[str | None, typer.Option(help="A folder, file or glob of documents to answer from.")] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="provider:name; repeat it for an ensemble.")
    ] = None,
    embed: Annotated[
        str | None, typer.Option(help="provider:name of an embedding model: the search is then hybrid.")
    ] = None,
    kept: Annotated[
        str | None, typer.Option("--index", help="A file that keeps the index: only what changed is read again.")
    ] = None,
    web: Annotated[
        str | None, typer.Option(help="A search engine of the web to answer from, such as duckduckgo or wikipedia.")
    ] = None,
    k: Annotated[int, typer.Option(help="How many chunks each model is given.")] = 3,
    max_tokens: Annotated[int | None, typer.Option(help="The longest answer, in tokens.")] = None,
    json: Json = False,
) -> None:
    """Answer a question: from documents or from the web, where they are named."""
    screen: Screen = context.obj
    if web is not None and (docs, kept) != (None, None):
        raise CompositionError("--web and --docs both say where the answer is to be found", cure="ask twice")
    found: Index | Chain[str, Any] | None = None
    if docs is not None or kept is not None:
        found = searched(docs, kept, embed, screen)
    elif web is not None:
        found = from_the_web(web, k)
    chain = answering(model or ["local:smollm2-135m"], found, k=k, max_tokens=max_tokens)
    chain.check()
    start = time.monotonic()
    with Run() as run:
        result = chain.invoke(question)
    show(result, run, time.monotonic() - start, screen, json=json)


def searched(docs: str | None, kept: str | None, embed: str | None, screen: Screen) -> Index:
    """The documents as an index; what is read shows its progress."""
    from chainkit.retrieval import index

    with screen.progress("reading") as told:
        found = index(docs, path=kept, embed=embed, progress=told)
    screen.note(f"{len(found)} documents")
    for error in found.errors:
        screen.note(f"left out: {error}")
    return found


def from_the_web(engine: str, k: int) -> Chain[str, Any]:
    """The passages of the first pages that a search of the web finds."""
    from chainkit.search import web

    return web(engine, fetch=3).retriever(k)


def answering(
    models: list[str], found: Index | Chain[str, Any] | None, *, k: int, max_tokens: int | None
) -> Chain[Any, Any]:
    """One model, or an ensemble that votes; over documents or as they are."""
    from chainkit.ensembles.members import ensemble
    from chainkit.ensembles.vote import vote
    from chainkit.models.chat import model as make

    options: dict[str, Any] = {} if max_tokens is None else {"max_tokens": max_tokens}
    members: list[Any] = [make(m, **options) for m in models]
    if found is not None:
        from chainkit.retrieval import answering as grounded

        members = [grounded(found, m, k) for m in members]
    return members[0] if len(members) == 1 else ensemble(*members, combine=vote(early=False))


def show(result: Any, run: Run, seconds: float, screen: Screen, *, json: bool) -> None:
    """The answer, its citations, the ballots where several answered, and what it took."""
    answer = result.value if hasattr(result, "ballots") else result
    if json:
        screen.json(facts(result, answer, run, seconds))
        return
    screen.say(str(answer))
    for number, citation in enumerate(getattr(answer, "citations", ()), 1):
        screen.note(f"  [{number}] {cited(citation)}")
    if hasattr(result, "ballots"):
        screen.note(f"agreement {result.agreement:.0%}")
        for ballot in result.ballots:
            screen.note(f"  {ballot}")
    screen.note(f"{run.calls} calls, {run.usage.total or 0} tokens, {run.cost}, {seconds:.1f} s")


def facts(result: Any, answer: Any, run: Run, seconds: float) -> dict[str, Any]:
    """The same as data."""
    data: dict[str, Any] = {
        "answer": str(answer),
        "found": getattr(answer, "found", None),
        "citations": [cited(c) for c in getattr(answer, "citations", ())],
        "calls": run.calls,
        "tokens": run.usage.total,
        "cost": str(run.cost),
        "seconds": round(seconds, 2),
    }
    if hasattr(result, "ballots"):
        data |= {"agreement": result.agreement, "ballots": [str(b) for b in result.ballots]}
    return data


def cited(citation: Any) -> str:
    """A citation as one line: where, and the words."""
    source = citation.document.metadata.get("source") or citation.document.id
    words = " ".join(citation.quote.split())
    return f"{source}: “{words if len(words) <= 100 else words[:99] + '…'}”"

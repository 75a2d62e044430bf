"""`chainkit demo`: an ensemble answers from real documents, on a real model, on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainkit.cli.ask import cited, facts
from chainkit.cli.pull import fetch
from chainkit.cli.screen import Json
from chainkit.errors import ChainkitError
from chainkit.run.run import Run

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.cli.screen import Screen
    from chainkit.retrieval import Index

MODEL = "local:smollm2-135m"
QUESTIONS = (
    "What may Congress not do to the freedom of speech?",
    "Wo steht das Lager?",
    "How many attempts does a model step have?",
)
STYLES = {
    "brief": "Answer the question in one short sentence, using the words of the passage.",
    "quoting": "Read the passage. Copy the sentence of the passage that answers the question.",
    "plain": "You answer questions from a text. Be brief.",
}


def demo(
    context: typer.Context,
    docs: Annotated[
        Path | None, typer.Option(help="Documents to answer from, instead of those of the repository.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the graph and the ledger are written.")] = Path("demo-output"),
    model: Annotated[str, typer.Option(help="Which model answers.")] = MODEL,
    ask: Annotated[
        list[str] | None, typer.Option(help="Your own question, instead of the three; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Pull a small model, index documents, ask three questions, let three members vote on each."""
    screen: Screen = context.obj
    start = time.monotonic()
    if model.startswith("local:"):
        fetch(model.removeprefix("local:"), screen)
    found = documents(docs)
    ready = time.monotonic() - start
    screen.note(f"{len(found)} documents indexed, model ready: {ready:.1f} s")
    chain = members(found, model)
    with Run() as run:
        answers = [_asked(chain, question, screen, json=json) for question in ask or QUESTIONS]
    written = write(out, chain, run)
    total = time.monotonic() - start
    if json:
        screen.json({"answers": answers, "seconds": round(total, 1), "written": [str(w) for w in written]})
        return
    screen.say()
    screen.note(f"{run.calls} calls, {run.usage.total or 0} tokens, {run.cost}, {total:.1f} s in all")
    for path in written:
        screen.note(f"wrote {path}")


def documents(docs: Path | None) -> Index:
    """The repository's own documents, or the given ones. Raises ChainkitError where neither is there."""
    from chainkit.retrieval import index

    if docs is not None:
        return index(docs)
    places = [p for p in (Path("cookbook/data"), Path("docs")) if p.is_dir()]
    if not places:
        msg = "the demo's documents lie in the repository (docs/ and cookbook/data/), and this is not it"
        raise ChainkitError(msg, cure="run it in a clone, or name a folder: chainkit demo --docs PATH")
    found = index()
    for place in places:
        found.add(*index(place))
    return found


def members(found: Index, model: str) -> Chain[str, Any]:
    """One model, asked in three ways; the common answer wins."""
    from chainkit.ensembles.members import ensemble
    from chainkit.ensembles.vote import vote
    from chainkit.models.chat import model as make

    chat = make(model, temperature=0, max_tokens=48)
    styled = [found.answering(chat, k=1, instruction=text).named(name) for name, text in STYLES.items()]
    return ensemble(*styled, combine=vote(early=False))


def _asked(chain: Chain[str, Any], question: str, screen: Screen, *, json: bool) -> dict[str, Any]:
    start = time.monotonic()
    with Run() as run:
        verdict = chain.invoke(question)
    took = time.monotonic() - start
    if not json:
        _show(question, verdict, screen)
        screen.note(f"  agreement {verdict.agreement:.0%}, {run.usage.total or 0} tokens, {took:.1f} s")
    return {"question": question, **facts(verdict, verdict.value, run, took)}


def _show(question: str, verdict: Any, screen: Screen) -> None:
    screen.say(f"\n{question}")
    screen.say(f"  {verdict.value}")
    for citation in verdict.value.citations:
        screen.note(f"  [{citation.number}] {cited(citation)}")
    for ballot in verdict.ballots:
        screen.note(f"  {ballot}")


def write(folder: Path, chain: Chain[Any, Any], run: Run) -> list[Path]:
    """The graph as SVG and the ledger as a table."""
    folder.mkdir(parents=True, exist_ok=True)
    graph, ledger = folder / "graph.svg", folder / "ledger.md"
    graph.write_text(chain.graph().svg(), encoding="utf-8")
    ledger.write_text(table(run), encoding="utf-8")
    return [graph, ledger]


def table(run: Run) -> str:
    """The ledger as Markdown."""
    lines = [
        "| # | place | model | outcome | input | output | cost | seconds |",
        "|---:|---|---|---|---:|---:|---:|---:|",
    ]
    for row in run.rows:
        cells = (
            row.id, row.path, f"{row.provider}:{row.model}", row.outcome, row.usage.input, row.usage.output, row.cost,
            f"{row.seconds or 0:.2f}",
        )  # fmt: skip
        lines.append("| " + " | ".join("" if c is None else str(c) for c in cells) + " |")
    lines.append(f"| | **all** | | {run.calls} calls | {run.usage.input} | {run.usage.output} | {run.cost} | |")
    return "\n".join(lines) + "\n"

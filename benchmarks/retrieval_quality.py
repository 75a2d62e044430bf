"""How well an index finds the passage that answers a question: `python -m benchmarks.retrieval_quality`.

    python -m benchmarks.retrieval_quality choose      the settings of the fusion, on one half of the questions
    python -m benchmarks.retrieval_quality measure     every way of searching, on the other half and on all
    python -m benchmarks.retrieval_quality table       the Markdown tables of docs/retrieval_quality.md

The questions and texts: benchmarks/data/README.md. German questions are asked of the German texts, English ones of the English.
A question counts as answered at the rank of the first chunk that holds its quote. Vectors are kept under benchmarks/.cache.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.build_questions import DATA, LANGUAGES, WAYS, Question, documents, halves, questions
from chainkit import embedder, index, model, step
from chainkit.documents import Retrieved
from chainkit.evaluate.statistics import Estimate, difference, mean
from chainkit.retrieval.embedding import Embedding
from chainkit.retrieval.fusion import Fusion, Rrf, Weighted, fused
from chainkit.retrieval.queries import hyde, multi_query
from chainkit.retrieval.reranking import judging, nearest

KEPT = Path(__file__).parent / ".cache" / "embeddings"
RESULT = DATA / "retrieval_quality.json"
MODELS = ("minilm", "e5-small")
LLM = "local:smollm2-135m"
DEEP = 20
"""How far down a right chunk is looked for."""
ASKED_OF_LLM, FEW = 15, 5
"""Questions of each language that the language model is asked for, and the chunks that it is shown: it is slow."""


# Vectors, made once.


class Kept:
    """A local embedding model whose vectors are kept in a file."""

    def __init__(self, name: str, task: str) -> None:
        self.name, self.task, self.file = name, task, KEPT / f"{name}-{task}.json"
        self.known: dict[str, list[float]] = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.seconds, self.made = 0.0, 0

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        keys = [hashlib.blake2b(t.encode(), digest_size=16).hexdigest() for t in texts]
        new = {k: t for k, t in zip(keys, texts, strict=True) if k not in self.known}
        if new:
            start = time.process_time()
            asked: Any = embedder(f"local:{self.name}", task=self.task)  # pyright: ignore[reportArgumentType]
            for key, vector in zip(new, asked.invoke(list(new.values())).vectors, strict=True):
                self.known[key] = [round(x, 6) for x in vector]
            self.seconds, self.made = self.seconds + time.process_time() - start, self.made + len(new)
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self.known))
        return [self.known[k] for k in keys]


@cache
def kept(name: str) -> Embedding:
    """Both sides of a model."""
    sides = [step(Kept(name, task), name=f"local:{name}") for task in ("document", "query")]
    return Embedding(sides[0], sides[1])


@cache
def built(language: str, name: str | None) -> Any:
    """The index of a language's texts."""
    made: Any = index(documents(language), embed=None if name is None else kept(name))  # type: ignore[arg-type]
    return made


# Ranks.


def rank(found: Sequence[Retrieved], question: Question) -> int:
    """Where the first chunk stands that holds the quote; 0 where none does."""
    return next((n for n, r in enumerate(found, 1) if question.answered_by(r.document)), 0)


def ranks(asked: Sequence[Question], name: str | None, deep: int = DEEP, **options: Any) -> list[int]:
    """The rank of each question's passage."""
    held = {q.language: built(q.language, name).retriever(deep, **options) for q in asked}
    return [rank(held[q.language].invoke(q.question), q) for q in asked]


def scores(found: Sequence[int]) -> dict[str, list[float]]:
    """hit@1, hit@5 and the reciprocal rank of each question."""
    return {
        "hit@1": [float(r == 1) for r in found],
        "hit@5": [float(0 < r <= 5) for r in found],
        "mrr": [1 / r if r else 0.0 for r in found],
    }


# Choosing how to fuse, on one half.


@cache
def lists(question: Question, name: str, fetch: int) -> tuple[tuple[Any, list[Retrieved]], ...]:
    """What each way of searching finds for a question."""
    held = built(question.language, name)
    return tuple((by, held.search(question.question, fetch, by=by)) for by in ("text", "vectors"))


def candidates() -> Iterator[tuple[Fusion, int]]:
    """The fusions that are tried, and how many candidates of each way they get."""
    for k, text, fetch in product((0, 2, 5, 10, 20, 40, 60, 100), (0.5, 0.75, 1.0, 1.5, 2.0), (20, 50, 100, 200)):
        yield Rrf(k, text, 1.0), fetch
    for text, fetch in product((0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), (20, 50, 100, 200)):
        yield Weighted(text, round(1 - text, 2)), fetch


def tried(asked: Sequence[Question], name: str, fusion: Fusion, fetch: int) -> float:
    """The mean reciprocal rank of a fusion."""
    found = [rank(fused(list(lists(q, name, fetch)), fusion)[:DEEP], q) for q in asked]
    return sum(scores(found)["mrr"]) / len(found)


def choose() -> None:
    """Every fusion on the first half, best first: its mean over languages and models, and the worst gap to a single way."""
    cells = [(language, name, halves(language)[0]) for language in LANGUAGES for name in MODELS]
    single = {
        (language, name): max(sum(scores(ranks(asked, name, by=by))["mrr"]) / len(asked) for by in ("text", "vectors"))
        for language, name, asked in cells
    }
    rows: list[tuple[float, float, Fusion, int, list[float]]] = []
    for fusion, fetch in candidates():
        found = [tried(asked, name, fusion, fetch) for _, name, asked in cells]
        gaps = [f - single[language, name] for f, (language, name, _) in zip(found, cells, strict=True)]
        rows.append((sum(found) / len(found), min(gaps), fusion, fetch, found))
    rows.sort(key=lambda r: -r[0])
    good = [f"{fusion} of {fetch}" for _, worst, fusion, fetch, _ in rows if worst >= 0]
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    result["chosen"] = {"tried": len(rows), "at_least_both": good}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print({f"{a} {b}": round(v, 4) for (a, b), v in single.items()})
    for row in rows:
        print(f"{row[0]:.4f} worst gap {row[1]:+.4f} {row[2]} fetch={row[3]} {[round(f, 3) for f in row[4]]}")


# Measuring, on the other half.


def ways() -> dict[str, tuple[str | None, dict[str, Any]]]:
    """Every way of searching that is measured: (embedding model, options of the retriever)."""
    found: dict[str, tuple[str | None, dict[str, Any]]] = {"lexical": (None, {})}
    for name in MODELS:
        found[f"dense, {name}"] = name, {"by": "vectors"}
        found[f"hybrid, {name}"] = name, {}
        found[f"hybrid, {name}, by ranks"] = name, {"fusion": Rrf(), "fetch": 100}
    for name, other in (MODELS, MODELS[::-1]):
        found[f"hybrid, {name}, reranked by {other}"] = name, {"rerank": nearest(kept(other)), "fetch": DEEP}  # type: ignore[arg-type]
    return found


def by_llm() -> dict[str, tuple[str | None, dict[str, Any]]]:
    """Ways that ask the language model, and for comparison one that does not."""
    asked: Any = model(LLM, temperature=0, max_tokens=80)
    short: Any = model(LLM, temperature=0, max_tokens=12)
    return {
        "hybrid, e5-small": ("e5-small", {}),
        "its 5 best judged by smollm2-135m": ("e5-small", {"rerank": judging(short), "fetch": FEW}),
        "hyde by smollm2-135m": ("e5-small", {"queries": hyde(asked)}),
        "3 queries more by smollm2-135m": ("e5-small", {"queries": multi_query(asked, 3)}),
    }


def estimated(values: Sequence[float]) -> list[float]:
    """[mean, low, high]."""
    found = mean(values)
    return [found.value, found.low, found.high]


def figures(found: Sequence[int]) -> dict[str, list[float]]:
    """The three figures of a way."""
    return {name: estimated(values) for name, values in scores(found).items()}


def gap(one: Sequence[int], other: Sequence[int]) -> list[float]:
    """How much better the reciprocal rank of one is: [mean, low, high]."""
    pairs = zip(scores(one)["mrr"], scores(other)["mrr"], strict=True)
    found: Estimate = difference([a - b for a, b in pairs])
    return [found.value, found.low, found.high]


def measure() -> None:
    """Every way on the half that nothing was chosen on, and on all questions, written to a file."""
    kept_on = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    result: dict[str, Any] = {"asked": {}, "llm": {}, **kept_on, "held_out": {}, "all": {}, "ways": {}, "gaps": {}}
    for language in LANGUAGES:
        for part, asked in (("held_out", halves(language)[1]), ("all", questions(language))):
            found = {word: ranks(asked, name, **options) for word, (name, options) in ways().items()}
            result["asked"][f"{part} {language}"] = len(asked)
            result[part][language] = {word: figures(r) for word, r in found.items()}
            if part == "all":
                result["ways"][language] = _by_way(asked, found)
            else:
                result["gaps"][language] = _gaps(found)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result))


def measure_llm() -> None:
    """The ways that ask the language model, on some questions, added to the file."""
    result = json.loads(RESULT.read_text())
    for language in LANGUAGES:
        asked = halves(language)[1][:ASKED_OF_LLM]
        result["asked"][f"llm {language}"] = len(asked)
        result["llm"][language] = {}
        for word, (name, options) in by_llm().items():
            built(language, name)
            start = time.perf_counter()
            found = ranks(asked, name, FEW, **options)
            # Its questions' vectors are kept: how long a search by itself takes is not to be seen here.
            spent = {"seconds": (time.perf_counter() - start) / len(asked)} if options else {}
            result["llm"][language][word] = {**figures(found), **spent}
            print(language, word, result["llm"][language][word], flush=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


def _by_way(asked: Sequence[Question], found: Mapping[str, Sequence[int]]) -> dict[str, dict[str, Any]]:
    """hit@5 by how the question was written."""
    chosen = ("lexical", "dense, e5-small", "hybrid, e5-small")
    return {
        way: {
            "questions": sum(q.way == way for q in asked),
            **{
                w: estimated([float(0 < r <= 5) for r, q in zip(found[w], asked, strict=True) if q.way == way])
                for w in chosen
            },
        }
        for way in WAYS
    }


def _gaps(found: Mapping[str, Sequence[int]]) -> dict[str, list[float]]:
    """Hybrid search over each of its two halves."""
    made: dict[str, list[float]] = {}
    for name in MODELS:
        made[f"{name} over lexical"] = gap(found[f"hybrid, {name}"], found["lexical"])
        made[f"{name} over dense"] = gap(found[f"hybrid, {name}"], found[f"dense, {name}"])
    return made


# Tables.


def shown(found: Sequence[float]) -> str:
    """A figure as the page shows it."""
    return f"{found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f})"


def table(result: Mapping[str, Any], part: str = "held_out") -> str:
    """The Markdown tables of both languages."""
    lines: list[str] = []
    for language in LANGUAGES:
        lines += ["", f"{language}: {result['asked'][f'{part} {language}']} questions", ""]
        lines += ["| | hit@1 | hit@5 | MRR |", "|---|---|---|---|"]
        for word, found in result[part][language].items():
            lines.append(f"| {word} | " + " | ".join(shown(found[m]) for m in ("hit@1", "hit@5", "mrr")) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        known = json.loads(RESULT.read_text())
        print(*(table(known, p) for p in ("held_out", "all", "llm")), sep="\n")
    else:
        {"choose": choose, "measure": measure, "llm": measure_llm}[sys.argv[1]]()

"""How well the small local embedding models find the page that answers a question, in German and in English.

    python -m benchmarks.embedding

60 questions, in other words than the pages they ask about, over the company wiki of the cookbook, among the articles of
two constitutions. Each page counts by its best passage. Intervals are of 2,000 bootstrap samples of the questions.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from chainkit import embedder, index

ROOT = Path(__file__).parent
WIKI, TEXTS = ROOT.parent / "cookbook/data/wiki", ROOT.parent / "cookbook/data/texts"
MODELS = ("minilm", "e5-small")


def passages() -> list[tuple[str, str]]:
    """(page, paragraph) of every paragraph; the constitutions only stand in the way."""
    found = []
    for file in sorted([*WIKI.rglob("*.md"), *TEXTS.glob("*.md")]):
        title, page = "", f"{file.parent.name}/{file.stem}"
        for block in file.read_text(encoding="utf-8").split("\n\n"):
            text = " ".join(block.split())
            if text.startswith("#"):
                title = text.lstrip("# ")
            elif text:
                found.append((page, f"{title}: {text}"))
    return found


def ranks_dense(name: str, questions: list[dict], held: list[tuple[str, str]]) -> tuple[list[int], float]:
    """The rank of the right page for each question, and passages embedded in a second of CPU time."""
    start = time.process_time()
    documents = embedder(f"local:{name}", task="document").invoke([text for _, text in held])
    rate = len(held) / (time.process_time() - start)
    asked = embedder(f"local:{name}", task="query").invoke([q["question"] for q in questions])
    found = []
    for question, vector in zip(questions, asked, strict=True):
        scores = sorted(
            (
                (sum(a * b for a, b in zip(vector, d, strict=True)), page)
                for d, (page, _) in zip(documents, held, strict=True)
            ),
            reverse=True,
        )
        found.append(_rank([page for _, page in scores], question))
    return found, rate


def ranks_lexical(questions: list[dict]) -> list[int]:
    """The same by the lexical index."""
    retriever = index(str(WIKI.parent / "**/*.md")).retriever(50)
    return [
        _rank([_page(r.document.metadata["source"]) for r in retriever.invoke(q["question"])], q) for q in questions
    ]


def _page(source: str) -> str:
    return f"{Path(source).parent.name}/{Path(source).stem}"


def _rank(pages: list[str], question: dict) -> int:
    wanted = f"{question['language']}/{question['page']}"
    seen = list(dict.fromkeys(pages))
    return seen.index(wanted) + 1 if wanted in seen else 1000


def interval(values: list[float]) -> str:
    """The mean, and 95 % of what other questions of the kind would give."""
    chance = random.Random(0)
    means = sorted(sum(chance.choices(values, k=len(values))) / len(values) for _ in range(2000))
    return f"{sum(values) / len(values):.2f} ({means[50]:.2f}-{means[1949]:.2f})"


def main() -> None:
    lines = (ROOT / "data/wiki_questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions, held = [json.loads(line) for line in lines], passages()
    print(f"{len(questions)} questions, {len(held)} passages\n")
    print("| | questions | hit@1 | hit@5 | MRR | passages a CPU second |")
    print("|---|---|---|---|---|---|")
    rows = [("lexical", ranks_lexical(questions), None)]
    rows += [(f"`local:{name}`", *ranks_dense(name, questions, held)) for name in MODELS]
    for name, ranks, rate in rows:
        for language, word in (("en", "English"), ("de", "German")):
            some = [r for r, q in zip(ranks, questions, strict=True) if q["language"] == language]
            cells = [interval([float(r <= k) for r in some]) for k in (1, 5)] + [interval([1 / r for r in some])]
            print(f"| {name} | {word} | {' | '.join(cells)} | {f'{rate:.0f}' if rate else ''} |")


if __name__ == "__main__":
    main()

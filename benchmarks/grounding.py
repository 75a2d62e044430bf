"""Answers of a small local model from real text: are its citations true, and does it refuse what the text does not hold?

    python -m benchmarks.grounding record [MODE ...]     asks, and keeps the answers under benchmarks/.cache/grounding
    python -m benchmarks.grounding check overlap         the answers kept, through the check of today
    python -m benchmarks.grounding table                 checks them, writes benchmarks/data/grounding.json, prints the table

Fifty questions that the texts answer and fifty that they do not (benchmarks/data/README.md), half German, half English. The
texts are written to files, and indexed as files. What an answer shows as verified is checked here without the library: the file
is read again, the quote must be the characters at its span, the figures of the sentence must stand in the passage, and so must
most of its different words, compared by their first letters, in the passage or the headings before it.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.build_questions import DATA, LANGUAGES, Question, documents, halves, questions
from chainkit import Messages, embedder, index, model, step
from chainkit.evaluate.statistics import mean
from chainkit.retrieval import Answer

CACHE = Path(__file__).parent / ".cache" / "grounding"
RESULT = DATA / "grounding.json"
LLM = "local:smollm2-135m"
MODES = {
    "overlap": '`verify="overlap"`', "quotes": '`verify="quotes"`', "reader": "a reader for the model",
    "focused": "the reader, `focus=0.4`",
}  # fmt: skip
"""What is measured, and how its column is called. The reader is no language model: it copies the sentence of the passages that is
nearest to the question by the vectors of minilm, which shows what search and check do where the model is faithful."""
LONGEST = {"overlap": 60, "quotes": 120}
"""Tokens of an answer: it is slow, and what is cut off is left out."""
PASSAGES = 2
EACH = 25
"""Questions of each language that the texts answer."""


def folder(language: str) -> Path:
    """The texts of a language as files."""
    where = CACHE / "texts" / language
    where.mkdir(parents=True, exist_ok=True)
    for document in documents(language):
        (where / f"{document.id.replace('/', '-')}.md").write_text(document.text, encoding="utf-8")
    return where


@cache
def index_of(language: str) -> Any:
    """The index of the files."""
    return index(folder(language))


@cache
def answering(language: str, mode: str) -> Any:
    """The chain from a question to an answer."""
    if mode in ("reader", "focused"):
        focus = 0.4 if mode == "focused" else None
        return index_of(language).answering(step(nearest_sentence), PASSAGES, focus=focus)
    asked = model(LLM, temperature=0, max_tokens=LONGEST[mode], attempts=1)
    return index_of(language).answering(asked, PASSAGES, verify=mode)


def nearest_sentence(messages: Messages) -> str:
    """The reader: the one sentence of the passages that is nearest to the question, and the number of its passage."""
    shown, _, question = messages[-1].text.rpartition("Question: ")
    passages = re.findall(r'<passage\S* number="(\d+)"[^>]*>\n(.*?)</passage', shown, re.DOTALL)
    found = [(" ".join(s.split()), n) for n, text in passages for s in re.split(r"(?<=[.!?])\s+|\n\n", text)]
    found = [(s, n) for s, n in found if len(s) > 30 and not s.startswith("#")]
    if not found:
        return "Not in the documents."
    asked, *vectors = embedder("local:minilm").invoke([question, *(s for s, _ in found)]).vectors
    near = [sum(a * b for a, b in zip(asked, v, strict=True)) for v in vectors]
    sentence, number = found[near.index(max(near))]
    return f"{sentence} [{number}]"


def asked() -> list[Question]:
    """All questions: first those that the texts answer."""
    known = [q for language in LANGUAGES for q in halves(language)[1][:EACH]]
    return [*known, *questions(name="unanswerable")]


def record(mode: str) -> None:
    """Ask everything that was not asked yet."""
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / f"{mode}.jsonl"
    done = {row["id"] for row in rows(mode)}
    for question in asked()[:: 2 if mode == "quotes" else 1]:
        if question.id in done:
            continue
        start = time.perf_counter()
        try:
            found = kept(answering(question.language, mode).invoke(question.question))
        except Exception as error:  # noqa: BLE001 - a model that fails is a result
            found = {"error": f"{type(error).__name__}: {error}"[:300]}
        row = {"id": question.id, "seconds": time.perf_counter() - start, **found}
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def checked_anew(mode: str) -> None:
    """What the model said in an earlier run through today's check: no model is asked. Answers that failed are left out."""
    by_id, held = {q.id: q for q in asked()}, [r for r in rows(mode) if "error" not in r]
    made: list[dict[str, Any]] = []
    for row in held:
        question = by_id[row["id"]]
        said: Any = step(lambda _, said=row["said"]: said)
        answer = index_of(question.language).answering(said, PASSAGES, verify=mode).invoke(question.question)
        made.append({**row, **kept(answer)})
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in made]
    (CACHE / f"{mode}.jsonl").write_text("".join(lines), encoding="utf-8")


def kept(answer: Answer) -> dict[str, Any]:
    """What of an answer is written down."""
    return {
        "text": answer.text, "found": answer.found, "said": answer.said, "confidence": answer.confidence,
        "unsupported": list(answer.unsupported),
        "passages": [[c.document.id, *c.document.span] for c in answer.chunks],
        "citations": [
            {"number": c.number, "sentence": c.sentence, "quote": c.quote, "span": list(c.span), "by": c.by,
             "file": c.document.id, "chunk": list(c.document.span)} for c in answer.citations
        ],
    }  # fmt: skip


def rows(mode: str) -> list[dict[str, Any]]:
    """The answers that are there."""
    file = CACHE / f"{mode}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


# The check, without the library.


SMALL = frozenset(
    """the and are for you that this with from not can has have had its was were will would your which who whom what
    been but his her our out how all any may must shall should could does did
    das dass der die den dem des ein eine einen einem einer eines ist sind war waren wird werden wurde wurden nicht und oder aber
    mit nach von vom zum zur bei aus auf für über unter durch als wie auch nur noch man sie wir ihr sich kann können muss müssen
    soll sollen hat haben hatte dies diese dieser dieses""".split()
)
"""Words that say nothing by themselves."""


def words(text: str) -> list[str]:
    """Words of three letters and more, by their first four, small ones left out."""
    return [w[:4] for w in re.findall(r"[^\W\d_]{3,}", text.lower()) if w not in SMALL]


def faults(citation: Mapping[str, Any], text: str, file: str) -> list[str]:
    """What is wrong with a citation."""
    (start, end), (first, last) = citation["span"], citation["chunk"]
    found: list[str] = []
    if file[start:end] != citation["quote"] or not citation["quote"].strip():
        found.append("the quote does not stand there")
    if not first <= start < end <= last:
        found.append("the quote is outside its passage")
    if f"[{citation['number']}]" not in text or citation["sentence"] not in text:
        found.append("the answer does not show it")
    passage = file[first:last]
    over = re.findall(r"^#+ .*", file[:first], re.MULTILINE)
    around = set(words("\n".join([passage, *over])))
    sentence = re.sub(r"^\W*\d+[.)]\s", "", citation["sentence"])
    own = set(words(sentence))
    if any(f not in re.findall(r"\d+", passage) for f in re.findall(r"\d+", sentence)):
        found.append("a figure is not in the passage")
    if own and sum(w in around for w in own) < len(own) / 2:
        found.append("most words are not in the passage")
    return found


def correct(row: Mapping[str, Any], question: Question) -> bool:
    """Whether an answer has one of the words that a right one has."""
    return any(word.lower() in row["text"].lower() for word in question.expected)


def share(values: Iterable[bool]) -> list[float]:
    """[share, low, high, how many]; of nothing it may be anything."""
    found = mean([float(v) for v in values])
    return [found.value, found.low, found.high, found.n] if found.n else [0.0, 0.0, 1.0, 0]


def measured(mode: str) -> dict[str, Any]:
    """The figures of a mode."""
    by_id = {q.id: q for q in asked()}
    every = [r for r in rows(mode) if r["id"] in by_id]
    good = [r for r in every if "error" not in r]
    known = [r for r in good if by_id[r["id"]].document]
    unknown = [r for r in good if not by_id[r["id"]].document]
    checked = [
        (r["id"], c, faults(c, r["text"], Path(c["file"]).read_text(encoding="utf-8")))
        for r in good
        for c in r["citations"]
    ]
    wrong = [{"id": i, "sentence": c["sentence"], "faults": f} for i, c, f in checked if f]
    return {
        "asked": len(every), "errors": len(every) - len(good), "citations": len(checked), "wrong": wrong,
        "verified": share(not f for _, _, f in checked), "answered": share(r["found"] for r in known),
        "passage_shown": share(_shown(r, by_id[r["id"]]) for r in known),
        "correct": share(r["found"] and correct(r, by_id[r["id"]]) for r in known),
        "correct_of_answered": share(correct(r, by_id[r["id"]]) for r in known if r["found"]),
        "refused": share(not r["found"] for r in unknown),
        "refused_unasked": sum(not r["said"] for r in unknown),
        "unsupported_sentences": sum(len(r["unsupported"]) for r in good),
        "seconds": sum(r["seconds"] for r in every) / max(1, len(every)),
        "by_language": {
            language: {
                "correct": share(r["found"] and correct(r, by_id[r["id"]]) for r in known if by_id[r["id"]].language == language),
                "refused": share(not r["found"] for r in unknown if by_id[r["id"]].language == language),
            }
            for language in LANGUAGES
        },
    }  # fmt: skip


def _shown(row: Mapping[str, Any], question: Question) -> bool:
    """Whether the model saw the passage that answers."""
    from benchmarks.build_questions import place

    start = place(question) + len(question.quote) // 2
    name = f"{question.document.replace('/', '-')}.md"
    return any(Path(p[0]).name == name and p[1] <= start < p[2] for p in row["passages"])


ROWS = {
    "citations that verify": "verified", "answered, of those the texts answer": "answered",
    "the right passage was shown": "passage_shown", "right, of all of these": "correct",
    "right, of those answered": "correct_of_answered", "refused, of those the texts do not answer": "refused",
}  # fmt: skip


def cell(found: Sequence[float]) -> str:
    """A share as the page shows it."""
    if not found[3]:
        return "there were none"
    return f"{found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f}, of {found[3]:.0f})"


def table(result: Mapping[str, Any]) -> str:
    """The Markdown table of docs/retrieval_quality.md."""
    lines = ["| | " + " | ".join(MODES[m] for m in result) + " |", "|---|" + "---|" * len(result)]
    lines += [f"| {word} | " + " | ".join(cell(result[m][key]) for m in result) + " |" for word, key in ROWS.items()]
    return "\n".join(
        [*lines, "| seconds a question | " + " | ".join(f"{result[m]['seconds']:.1f}" for m in result) + " |"]
    )


def main(what: str, *modes: str) -> None:
    """Record, or check and write."""
    if what in ("record", "check"):
        for mode in modes or tuple(MODES):
            {"record": record, "check": checked_anew}[what](mode)
        return
    result = {mode: measured(mode) for mode in MODES if rows(mode)}
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(result))


if __name__ == "__main__":
    main(*sys.argv[1:])

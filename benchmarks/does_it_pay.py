"""Does an ensemble pay on small local models? `python -m benchmarks.does_it_pay record`, then `... table`.

`record` asks each member every case once, with the real models on this machine, and keeps the answers under
benchmarks/.cache/answers (about half an hour; taken up again where it was stopped). `table` runs the real drivers and
combiners over these answers (only the judge is asked anew), writes benchmarks/data/does_it_pay.json, and prints the tables
of docs/ensembles.md. How the cases were made: `build_cases.py`.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from chainkit import agreed, cascade, embedder, ensemble, index, judge, medoid, model, route, step, vote
from chainkit.chain import Chain
from chainkit.evaluate import Case, Comparison, Report, calibrate, cases, evaluate, exact, split

DATA = Path(__file__).parent / "data"
ANSWERS = Path(__file__).parent / ".cache" / "answers"
LLM = "local:smollm2-135m"
SAMPLES = 5
Topic = Literal["Pakete", "Netzwerk", "Sicherheit", "Installation"]


def task(name: str) -> list[Case]:
    """The cases of a task."""
    return cases(DATA / f"{name}.jsonl")


# German: which part of a handbook does a paragraph come from?


def topic(question: str, **options: Any) -> Chain[str, Any]:
    """The language model, asked in these words."""

    def ask(text: str) -> str:
        found: str = model(LLM, output=Topic, max_tokens=12, **options).invoke(f"{text}\n\n{question}")
        return found

    return step(ask)


GERMAN = "Wovon handelt dieser Absatz: Pakete, Netzwerk, Sicherheit oder Installation?"
ENGLISH = "What is this paragraph about: Pakete (packages), Netzwerk (networks), Sicherheit (security) or Installation?"


@cache
def examples() -> list[Case]:
    """Labelled paragraphs that are no cases: eight of each topic."""
    return task("topic_examples")


@cache
def centroids(spec: str) -> dict[str, list[float]]:
    """Each topic's mean vector."""
    vectors = embedder(spec).invoke([c.input for c in examples()]).vectors
    sums: dict[str, list[float]] = {}
    for case, vector in zip(examples(), vectors, strict=True):
        whole = sums.setdefault(case.expected, [0.0] * len(vector))
        sums[case.expected] = [a + b for a, b in zip(whole, vector, strict=True)]
    return sums


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """How alike two directions are."""
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def nearest_topic(spec: str) -> Chain[str, str]:
    """The topic whose examples an embedding model finds nearest."""

    def ask(text: str) -> str:
        vector = embedder(spec).invoke(text).vector
        return max(centroids(spec), key=lambda name: cosine(vector, centroids(spec)[name]))

    return step(ask)


@cache
def _found() -> Any:
    return index([c.input for c in examples()])


def lexical_topic(text: str) -> str:
    """The topic of most of the five examples that share most words."""
    topics = {c.input: c.expected for c in examples()}
    hits = _found().retriever(5).invoke(text)
    counted = Counter(topics[h.document.text] for h in hits)
    return counted.most_common(1)[0][0] if counted else "Pakete"


# English: which word belongs in the gap?


def gap(question: str, **options: Any) -> Chain[Any, str]:
    """The language model, held to the options."""

    def ask(case: dict[str, Any]) -> str:
        allowed: Any = Literal[tuple(case["options"])]  # type: ignore[misc]
        text = f"{case['passage']}\n\n{question.format(options=', '.join(case['options']))}"
        found: Any = model(LLM, output=allowed, max_tokens=40, **options).invoke(text)
        return str(found)

    return step(ask)


WHICH = "Which of these belongs in the gap ____: {options}?"
FILL = "Options: {options}. The missing command or file is:"


def nearest_word(spec: str) -> Chain[Any, str]:
    """The option whose filled sentence an embedding model finds nearest to the passage."""

    def ask(case: dict[str, Any]) -> str:
        sentence = next(s for s in re.split(r"(?<=[.:;]) ", case["passage"]) if "____" in s)
        filled = [sentence.replace("____", o) for o in case["options"]]
        passage, *vectors = embedder(spec).invoke([case["passage"].replace("____", ""), *filled]).vectors
        near = [cosine(passage, v) for v in vectors]
        return str(case["options"][near.index(max(near))])

    return step(ask)


def lexical_word(case: dict[str, Any]) -> str:
    """The option that shares most groups of three letters with the passage."""
    passage = case["passage"].lower()
    shared = [
        sum(o[i : i + 3].lower() in passage for i in range(len(o) - 2)) / max(1, len(o) - 2) for o in case["options"]
    ]
    return str(case["options"][shared.index(max(shared))])


def samples(make: Callable[..., Chain[Any, str]], question: str) -> Chain[Any, Any]:
    """Five samples, as a list."""
    drawn = [make(question, temperature=0.8, seed=seed) for seed in range(1, SAMPLES + 1)]
    return ensemble(*drawn, combine=list, concurrency=1).answer


def members(name: str) -> dict[str, Chain[Any, Any]]:
    """The members of a task, by name; `samples` gives five answers."""
    if name == "topics":
        return {
            "e5-small, examples": nearest_topic("local:e5-small"),
            "minilm, examples": nearest_topic("local:minilm"),
            "word search, examples": step(lexical_topic),
            "smollm2, German prompt": topic(GERMAN, temperature=0),
            "smollm2, English prompt": topic(ENGLISH, temperature=0),
            "samples": samples(topic, GERMAN),
        }
    return {
        "e5-small, filled sentence": nearest_word("local:e5-small"),
        "minilm, filled sentence": nearest_word("local:minilm"),
        "letters in common": step(lexical_word),
        "smollm2, asked which": gap(WHICH, temperature=0),
        "smollm2, asked to fill": gap(FILL, temperature=0),
        "samples": samples(gap, WHICH),
    }


def record(name: str) -> dict[str, Report]:
    """Every member's answers, from the file where they are there."""
    ANSWERS.mkdir(parents=True, exist_ok=True)
    found: dict[str, Report] = {}
    for word, chain in members(name).items():
        file = ANSWERS / f"{name}-{re.sub(r'[^a-z0-9]+', '-', word.lower())}.jsonl"
        found[word] = evaluate(chain, task(name), [exact()], save=file, concurrency=1, progress=True, name=word)
    return found


class Recorded:
    """The members of a task as they answered, and what each answer cost. Asked one case at a time."""

    def __init__(self, name: str) -> None:
        self.reports = record(name)
        self.tokens = 0
        self.seconds = 0.0
        self.calls = 0

    def chain(self, word: str, sample: int | None = None) -> Chain[Any, str]:
        """A member that answers as it did, or one of its samples."""
        rows = {key(r.case.input): r for r in self.reports[word].rows}

        def answer(question: Any) -> str:
            row = rows[key(question)]
            self.tokens += ((row.usage.input or 0) + (row.usage.output or 0)) // (1 if sample is None else SAMPLES)
            self.seconds += row.seconds / (1 if sample is None else SAMPLES)
            self.calls += 1
            return str(row.value if sample is None else row.value[sample])

        return step(answer).named(word if sample is None else f"{word} {sample}")

    def singles(self) -> dict[str, Chain[Any, str]]:
        """Every member, and the first sample."""
        return {w: self.chain(w) for w in self.reports if w != "samples"}

    def samples(self) -> list[Chain[Any, str]]:
        """The language model's five samples."""
        return [self.chain("samples", i) for i in range(SAMPLES)]


def key(question: Any) -> str:
    """A case's input as a key."""
    return json.dumps(question, sort_keys=True)


def weights(reports: Sequence[Report], known: set[str], chance: float = 0.25) -> list[float]:
    """Log-odds of each member's accuracy over chance, on the cases named: what a vote of theirs is worth."""
    found: list[float] = []
    for report in reports:
        scores = [r.scores["exact"] for r in report.rows if r.case.id in known]
        right = (sum(scores) + 1) / (len(scores) + 2)
        found.append(max(0.0, math.log(right * (1 - chance) / ((1 - right) * chance))))
    return found


def crossed(held: Recorded, name: str) -> Chain[Any, Any]:
    """A weighted vote whose weights were learned on the half of the cases that it is not asked."""
    one, other = split(task(name), 0.5, seed=1)
    singles = held.singles()
    reports = [held.reports[w] for w in singles]
    halves = {"one": {str(c.id) for c in one}, "other": {str(c.id) for c in other}}
    first = {key(c.input) for c in one}
    arms = {
        half: ensemble(*singles.values(), combine=vote(weights=weights(reports, halves[learned])), concurrency=1).answer
        for half, learned in (("one", "other"), ("other", "one"))
    }
    return route(lambda question: "one" if key(question) in first else "other", arms)


def ensembles(held: Recorded, name: str) -> dict[str, Chain[Any, Any]]:
    """What is compared with the members: real drivers and combiners over their answers."""
    singles = held.singles()
    quick = list(singles.values())[:3]
    everyone = list(singles.values())
    return {
        "self-consistency, 5 samples": ensemble(*held.samples(), combine=vote(), frugal=True, concurrency=1).answer,
        "vote of the 3 without a language model": ensemble(*quick, combine=vote(), frugal=True, concurrency=1).answer,
        "vote of all 5": ensemble(*everyone, combine=vote(), frugal=True, concurrency=1).answer,
        "weighted vote of all 5": crossed(held, name),
        "medoid of all 5": ensemble(*everyone, combine=medoid(), concurrency=1).answer,
        "judge (smollm2) of the first 3": ensemble(*quick, combine=judge(LLM), concurrency=1).answer,
        "cascade: the first 2 agree, else all 5": cascade(
            ensemble(*quick[:2], combine=vote(), concurrency=1),
            ensemble(*everyone, combine=vote(), concurrency=1),
            accept=agreed(1.0),
        ).answer,
    }


def measured(name: str) -> dict[str, dict[str, Any]]:
    """Accuracy, tokens and seconds a case of every member and ensemble of a task."""
    held = Recorded(name)
    chains = {**held.singles(), "smollm2, one sample": held.samples()[0], **ensembles(held, name)}
    reports: dict[str, Report] = {}
    spent: dict[str, tuple[float, float, float]] = {}
    for word, chain in chains.items():
        held.tokens, held.seconds, held.calls = 0, 0.0, 0
        report = reports[word] = evaluate(chain, task(name), [exact()], concurrency=1, name=word)
        count = len(report)
        asked = (report.usage.input or 0) + (report.usage.output or 0)
        seconds = sum(r.seconds for r in report.rows) if report.calls else 0.0
        spent[word] = (
            (held.tokens + asked) / count,
            (held.seconds + seconds) / count,
            (held.calls + report.calls) / count,
        )
    best = max(list(held.singles()), key=lambda w: reports[w].mean("exact").value)
    compared = {d.name: d for d in Comparison(reports, baseline=best).differences("exact")}
    found: dict[str, dict[str, Any]] = {}
    for word, report in reports.items():
        mean, gap = report.mean("exact"), compared.get(word)
        tokens, seconds, calls = spent[word]
        found[word] = {
            "accuracy": mean.value, "low": mean.low, "high": mean.high, "tokens": tokens, "seconds": seconds,
            "calls": calls, "over_best": None if gap is None else [gap.mean.value, gap.mean.low, gap.mean.high, gap.corrected],
        }  # fmt: skip
    return found


def recommended(name: str) -> dict[str, Any]:
    """What `calibrate` recommends for a task, learned on half of its cases and measured on the other half."""
    held = Recorded(name)
    found = calibrate(list(held.singles().values()), task(name), exact(), price="calls", seed=1)
    chosen = found.chosen
    return {
        "members": list(chosen.members), "accuracy": chosen.quality.value, "low": chosen.quality.low,
        "high": chosen.quality.high, "over_best": [found.over.value, found.over.low, found.over.high, found.p],
        "conclusion": found.conclusion, "notes": list(found.notes),
    }  # fmt: skip


def table(found: dict[str, dict[str, Any]]) -> str:
    """The Markdown table of a task."""
    lines = [
        "| | right | 95 % interval | over the best member | tokens | s | calls |",
        "|---|---:|---|---|---:|---:|---:|",
    ]
    for word, row in found.items():
        gap = row["over_best"]
        said = "the best member" if gap is None else f"{gap[0]:+.3f} ({gap[1]:+.3f} to {gap[2]:+.3f})"
        lines.append(
            f"| {word} | {row['accuracy']:.3f} | {row['low']:.3f} to {row['high']:.3f} | {said} | "
            f"{row['tokens']:.0f} | {row['seconds']:.2f} | {row['calls']:.1f} |"
        )
    return "\n".join(lines)


def main(what: str, names: Sequence[str]) -> None:
    """Record, or measure and write."""
    if what == "record":
        for name in names:
            for word, report in record(name).items():
                print(name, word, report.mean("exact"))
        return
    results = {name: {"rows": measured(name), "calibrate": recommended(name)} for name in names}
    (DATA / "does_it_pay.json").write_text(json.dumps(results, indent=1) + "\n")
    for name, found in results.items():
        print(f"\n{name}\n\n{table(found['rows'])}\n\n{found['calibrate']}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or ("topics", "gaps"))

"""What the documentation says was measured is what was measured, and with what."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from pages import ROOT

from chainkit.retrieval import Weighted

DATA = ROOT / "benchmarks" / "data"
RESULTS = json.loads((DATA / "does_it_pay.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "ensembles.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", RESULTS)
def test_every_row_of_the_table_stands_in_the_docs_as_it_was_measured(task: str) -> None:
    for word, row in RESULTS[task]["rows"].items():
        shown = f"| {word} | {row['accuracy']:.3f} | {row['low']:.3f} to {row['high']:.3f} |"
        assert shown in PAGE, shown
    assert f"{RESULTS[task]['calibrate']['accuracy']:.3f}" in PAGE


@pytest.mark.parametrize(("name", "least"), [("topics", 150), ("gaps", 150), ("topic_examples", 30)])
def test_the_cases_are_many_different_and_labelled(name: str, least: int) -> None:
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= least
    assert len({r["id"] for r in rows}) == len({json.dumps(r["input"]) for r in rows}) == len(rows)
    if name == "gaps":
        for row in rows:
            assert row["expected"] in row["input"]["options"]
            assert len(set(row["input"]["options"])) == 4
            assert row["input"]["passage"].count("____") >= 1
            assert not any(option in row["input"]["passage"] for option in row["input"]["options"])
    else:
        counted = Counter(r["expected"] for r in rows)
        assert len(set(counted.values())) == 1


def test_no_example_is_a_case() -> None:
    texts = {name: {json.loads(x)["input"] for x in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()}
             for name in ("topics", "topic_examples")}  # fmt: skip
    assert not texts["topics"] & texts["topic_examples"]


def test_the_licence_of_the_texts_is_named() -> None:
    said = (DATA / "README.md").read_text(encoding="utf-8")
    assert "CC-BY-SA-3.0" in said
    assert "debian-handbook" in said


RETRIEVAL = (ROOT / "docs" / "retrieval_quality.md").read_text(encoding="utf-8")


def rows(name: str) -> list[dict[str, Any]]:
    """A file of cases."""
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def results(name: str) -> dict[str, Any]:
    """What was measured."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_question_has_its_place_in_the_texts(language: str) -> None:
    texts = {r["id"]: r["text"] for r in rows(f"texts_{language}")}
    asked = [q for q in rows("questions") if q["language"] == language]
    assert len(asked) >= 100
    for q in asked:
        assert texts[q["document"]].count(q["quote"]) == 1, q["id"]
        assert q["question"].lower() not in texts[q["document"]].lower()
        assert q["expected"]
    assert len({q["question"] for q in asked}) == len({q["id"] for q in asked}) == len(asked)
    assert len([q for q in rows("unanswerable") if q["language"] == language]) == 25


def shown(found: list[float]) -> str:
    """A figure with its interval."""
    return f"{found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f})"


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_tables_of_retrieval_are_what_was_measured(language: str) -> None:
    found = results("retrieval_quality")
    for word, row in found["held_out"][language].items():
        line = f"| {word} | " + " | ".join(shown(row[m]) for m in ("hit@1", "hit@5", "mrr")) + " |"
        assert line in RETRIEVAL, line
    for word, row in found["all"][language].items():
        assert f"{shown(row['hit@5'])} | {shown(row['mrr'])}" in RETRIEVAL, word
    for word, row in found["llm"][language].items():
        assert f"{shown(row['hit@5'])} | {shown(row['mrr'])}" in RETRIEVAL, word
    columns = ("lexical", "dense, e5-small", "hybrid, e5-small")
    for way, row in found["ways"][language].items():
        cells = " | ".join(f"{row[c][0]:.3f}" for c in columns)
        assert f", {way} | {row['questions']} | {cells} |" in RETRIEVAL, way
    for word, gap in found["gaps"][language].items():
        other = found["gaps"][language][word.replace("lexical", "dense") if "lexical" in word else word.replace("dense", "lexical")]  # fmt: skip
        if gap[0] <= other[0]:
            assert f"{gap[0]:+.3f} ({gap[1]:+.3f} to {gap[2]:+.3f})" in RETRIEVAL, word


@pytest.mark.parametrize("model", ["minilm", "e5-small"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_hybrid_search_is_at_least_as_good_as_both_of_its_parts(language: str, model: str) -> None:
    for part in ("held_out", "all"):
        found = {word: row["mrr"][0] for word, row in results("retrieval_quality")[part][language].items()}
        assert found[f"hybrid, {model}"] >= max(found["lexical"], found[f"dense, {model}"])


def test_the_fusion_that_was_chosen_is_the_default() -> None:
    chosen = results("retrieval_quality")["chosen"]
    assert f"{Weighted()} of 100" in chosen["at_least_both"]
    assert f"Of {chosen['tried']} settings" in RETRIEVAL


def test_the_table_of_the_ingest_is_what_was_measured() -> None:
    found = results("ingest")
    first, again = found["first"], found["again"]
    assert found["folder"]["files"] >= 2000
    assert len(found["folder"]["kinds"]) >= 12
    assert again["seconds"] < 0.03 * first["seconds"]
    for said in (
        f"{found['folder']['files']:,} of {len(found['folder']['kinds'])} kinds",
        f"{first['seconds']:.1f} s: {found['folder']['files'] / first['seconds']:.0f} files/s",
        f"{again['seconds']:.2f} s: {again['seconds'] / first['seconds']:.2%} of the first",
        f"{found['index_mb']:.1f} MB for {found['text_mb']:.1f} MB of text",
        f"{first['peak_mb']:.0f} MB",
        f"p50 {found['asked']['p50_ms']:.1f} ms, p95 {found['asked']['p95_ms']:.1f} ms",
        f"p50 {found['hybrid_asked']['p50_ms']:.1f} ms, p95 {found['hybrid_asked']['p95_ms']:.1f} ms",
    ):
        assert said in RETRIEVAL, said


def test_every_citation_that_was_shown_as_verified_was_verified() -> None:
    found = results("grounding")
    assert sum(f["citations"] for f in found.values()) >= 100
    for mode, figures in found.items():
        assert not figures["wrong"], mode
        assert figures["verified"][0] == 1.0 or not figures["citations"]
        for key in ("verified", "answered", "correct", "refused"):
            share, low, high, count = figures[key]
            assert not count or f"{share:.2f} ({low:.2f} to {high:.2f}, of {count:.0f})" in RETRIEVAL, (mode, key)
    assert found["reader"]["refused"][3] == 50

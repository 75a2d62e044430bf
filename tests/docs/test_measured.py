"""What the documentation says was measured is what was measured, and with what."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from pages import ROOT

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

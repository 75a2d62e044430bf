"""Reports: their numbers, parts, table and file; and metrics of a whole report."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chainkit.evaluate import Case, EvaluationError, Report, brier, calibration_error, evaluate, exact, f1
from chainkit.evaluate.scored import Scored
from chainkit.testing import ScriptedModel
from chainkit.usage import UNKNOWN, Usage, at_least
from chainkit.usage import exact as usd


def _row(number: int, score: float, **more: object) -> Scored:
    case = Case(f"q{number}", "a", str(number), more.pop("tags", ()))  # type: ignore[arg-type]
    return Scored(case, "a", {"exact": score}, **more)  # type: ignore[arg-type]


def _report(*rows: Scored) -> Report:
    return Report(rows, ("exact",), name="r")


def test_costs_and_tokens_add_up_with_their_uncertainty() -> None:
    rows = [_row(0, 1, cost=usd(0.5), usage=Usage(3, 1)), _row(1, 1, cost=at_least(0.25), usage=Usage(5, 2), calls=2)]
    assert (_report(*rows).cost, _report(*rows).usage, _report(*rows).calls) == (at_least(0.75), Usage(8, 3), 2)
    assert _report(*rows, _row(2, 1, cost=UNKNOWN)).cost.kind == "AtLeast"
    assert _report(_row(2, 1, cost=UNKNOWN)).cost.kind == "Unknown"


def test_seconds_are_the_median_and_the_95th_percentile() -> None:
    report = _report(*(_row(i, 1, seconds=float(i)) for i in range(101)))
    assert report.seconds == pytest.approx((50, 95, 5050))
    assert _report(_row(0, 1, seconds=2.0)).seconds == (2, 2, 2)


def test_a_tag_has_a_report_of_its_own() -> None:
    report = _report(_row(0, 1, tags=("de",)), _row(1, 0, tags=("de", "long")), _row(2, 1))
    assert (report.tags, report.by("de").mean().value, report.by("long").mean().n) == (("de", "long"), 0.5, 1)
    lines = report.table().splitlines()
    assert lines[0] == "r: 3 cases"
    assert [line.split("|")[2].strip() for line in lines[4:7]] == ["all", "de", "long"]
    with pytest.raises(EvaluationError, match=r"(?s)no case has the tag 'dee'.*'de'"):
        report.by("dee")


def test_a_metric_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(EvaluationError, match=r"(?s)no metric 'exakt'.*did you mean 'exact'"):
        _report(_row(0, 1)).mean("exakt")


def test_a_table_is_markdown() -> None:
    report = _report(*(_row(i, i % 2, calls=1, seconds=1.0, cost=usd(0.001), usage=Usage(10, 2)) for i in range(10)))
    assert str(report).splitlines() == [
        "r: 10 cases",
        "",
        "| metric | mean  | 95% interval   | n   |",
        "| ------ | ----- | -------------- | --- |",
        "| exact  | 0.500 | 0.237 to 0.763 | 10  |",
        "",
        "10 calls, 100 + 20 tokens, cost $0.010000",
        "seconds for a case: 1.00 median, 1.00 at 95%",
    ]
    assert repr(report) == "Report(r, 10 cases, exact)"


def test_only_the_first_failures_are_shown() -> None:
    said = _report(*(_row(i, 0, error=f"ValueError: no {i}\n  at: step") for i in range(9))).table()
    assert "9 failed, which counts as 0:\n- 0: ValueError: no 0\n" in said
    assert "- and 4 more" in said
    assert "at: step" not in said


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    cases = [Case({"q": "grün"}, {"a": 1}, "x", ("de",), {"year": 1}), Case("b", "B", "y")]
    path, later = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    report = evaluate(lambda q: 1 / 0 if q == "b" else {"a": 1}, cases, [exact(), f1()], save=path, concurrency=1)
    report.save(later)
    for found in (Report.load(path), Report.load(later)):
        assert found.rows == report.rows
        assert found.metrics == report.metrics
        assert found.mean() == report.mean()
    assert Report.load(path).name == "a"


def test_a_file_without_results_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(EvaluationError, match="holds no results"):
        Report.load(tmp_path / "a.jsonl")
    with pytest.raises(EvaluationError, match="there is no file"):
        Report.load(tmp_path / "b.jsonl")


# How sure it was.


def _sure(*pairs: tuple[float, float]) -> Report:
    return _report(*(_row(i, right, confidence=said, agreement=1.0) for i, (said, right) in enumerate(pairs)))


def test_the_calibration_error_is_its_closed_form() -> None:
    report = _sure((0.95, 1), (0.92, 0), (0.15, 0), (0.11, 0), (1.0, 1))
    first = abs(1 - 0.95 + 0 - 0.92 + 1 - 1.0)
    assert report.over(calibration_error(10)).value == pytest.approx((first + 0.26) / 5)
    assert report.over(calibration_error(1)).value == pytest.approx(abs(2 - 3.13) / 5)
    assert report.over(calibration_error(10, of="agreement")).value == pytest.approx(3 / 5)
    assert report.over(brier()).value == pytest.approx((0.05**2 + 0.92**2 + 0.15**2 + 0.11**2) / 5)


def test_who_is_as_right_as_it_says_has_next_to_no_calibration_error() -> None:
    draw = random.Random(3)
    said = [draw.random() for _ in range(2000)]
    found = _sure(*((p, float(draw.random() < p)) for p in said)).over(calibration_error())
    assert found.value < 0.05
    assert found.n == 2000


def test_they_stand_in_the_table_and_leave_out_who_did_not_say() -> None:
    from chainkit import step
    from chainkit.ensembles.verdict import Verdict

    chain = step(lambda q: Verdict(q, 0.5, 1.0, (), confidence=None if q == "c" else 0.9))
    report = evaluate(chain, [("a", "a"), ("b", "x"), ("c", "c")], [exact(), calibration_error(), brier()])
    assert report.names == ("exact", "calibration error", "brier")
    assert report.mean("brier").value == pytest.approx((0.01 + 0.81) / 2)
    assert "| calibration error |" in report.table()
    assert report.mean("calibration error").n == 2
    silent = evaluate(ScriptedModel("a"), [("a", "a")], [exact(), brier()])
    assert "| brier  | -" in silent.table()


def test_a_confidence_that_is_none_and_a_metric_that_is_not_there_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"case 0: the confidence 80 is none from 0 to 1"):
        _sure((80, 1)).over(calibration_error())
    with pytest.raises(EvaluationError, match="has no score 'f1'"):
        _sure((0.8, 1)).over(brier(correct="f1"))
    with pytest.raises(EvaluationError, match="at least one bin"):
        calibration_error(0)

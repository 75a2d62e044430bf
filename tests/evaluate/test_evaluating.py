"""evaluate(): every case asked and scored, errors kept, results written down, and taken up again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit import Budget, Run, ensemble, step, vote
from chainkit.ensembles.verdict import Verdict
from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    BudgetExceeded,
    DeadlineExceeded,
    RateLimited,
    ServerError,
    UnknownModel,
)
from chainkit.evaluate import (
    Case,
    EvaluationError,
    Progress,
    Report,
    aevaluate,
    cases,
    evaluate,
    exact,
    f1,
    fingerprint,
    metric,
)
from chainkit.testing import ScriptedModel
from chainkit.testing.clock import ScriptedIo
from chainkit.usage import UNKNOWN

SUMS = cases([("1+1", "2"), ("2+2", "4"), ("3+3", "6"), ("4+4", "8")])


def _adds(messages: Any) -> str:
    return str(sum(int(n) for n in messages[-1].text.split("+")))


def _even(messages: Any) -> str:
    """Right for 2+2 and 4+4."""
    return _adds(messages) if messages[-1].text[0] in "24" else "no"


@contextmanager
def scripted(**rules: Any) -> Iterator[Run]:
    io = ScriptedIo()
    try:
        yield Run(io=io, **rules)
    finally:
        io.close()


def measured(chain: Any, *rest: Any, **options: Any) -> Report:
    with scripted() as run:
        return evaluate(chain, *rest, run=run, **options)


# What a report has of each case.


def test_each_case_is_asked_once_and_scored() -> None:
    model = ScriptedModel(_even)
    report = measured(model, SUMS, [exact(), f1()])
    assert [r.case.input for r in report.rows] == ["1+1", "2+2", "3+3", "4+4"]
    assert report.scores("exact") == [0, 1, 0, 1]
    assert [r.value for r in report.rows] == ["no", "4", "no", "8"]
    assert (report.mean().value, report.mean().n) == (0.5, 4)
    assert (len(model.seen), report.calls, report.usage.input, report.usage.output) == (4, 4, 4, 4)


def test_exact_is_measured_where_nothing_else_is_asked_for() -> None:
    assert measured(ScriptedModel(_adds), SUMS).metrics == ("exact",)


def test_a_verdict_is_scored_by_its_value_and_keeps_how_sure_it_was() -> None:
    report = measured(
        ensemble(ScriptedModel(_adds), ScriptedModel(_adds), ScriptedModel("no"), combine=vote(early=False)), SUMS
    )
    row = report.rows[0]
    assert (row.value, row.scores, row.calls) == ("2", {"exact": 1.0}, 3)
    assert row.agreement == pytest.approx(2 / 3)
    assert row.confidence is None


def test_a_confidence_is_kept_wherever_a_value_has_one() -> None:
    sure = step(lambda q: Verdict("2", 0.9, 0.1, (), confidence=0.8))
    said = step(lambda q: type("Said", (), {"confidence": 0.3})())
    assert measured(sure, SUMS[:1]).rows[0].confidence == 0.8
    assert measured(said, SUMS[:1]).rows[0].confidence == 0.3


def test_time_is_the_chains_own() -> None:
    def slow(value: Any, expected: Any) -> float:
        return 1.0

    report = measured(ScriptedModel("x", delay=2), SUMS, [slow], concurrency=1)
    assert [r.seconds for r in report.rows] == [2, 2, 2, 2]
    assert report.seconds == (2, 2, 8)


def test_a_cost_that_nobody_knows_stays_unknown() -> None:
    report = evaluate("openai:no-such-model-7", SUMS, run=Run(models={"openai:*": ScriptedModel("x")}))
    assert report.cost in (
        UNKNOWN,
        report.rows[0].cost + report.rows[1].cost + report.rows[2].cost + report.rows[3].cost,
    )
    free = measured(step(lambda q: "2"), SUMS)
    assert (free.cost.kind, free.cost.low, free.calls) == ("Exact", 0.0, 0)


def test_the_runs_ledger_has_what_the_report_has() -> None:
    with scripted() as run:
        report = evaluate(ScriptedModel(_adds), SUMS, run=run)
        assert (run.calls, run.usage) == (report.calls, report.usage)


# Errors.


def test_a_failing_case_counts_0_and_is_listed() -> None:
    def fails(q: str) -> str:
        if q == "3+3":
            msg = "three is too many"
            raise ValueError(msg)
        return str(eval(q))

    report = measured(step(fails), SUMS, [exact(), f1()])
    assert report.scores() == report.scores("f1") == [1, 1, 0, 1]
    assert [r.case.input for r in report.errors] == ["3+3"]
    assert report.errors[0].error.startswith("ValueError: three is too many")
    assert "1 failed, which counts as 0:" in report.table()


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 14)), st.integers(1, 16))
def test_whichever_cases_fail_exactly_those_are_listed_and_count_0(failing: set[int], concurrency: int) -> None:
    chain = step(lambda n: 1 / 0 if n in failing else n, inline=True)
    report = evaluate(chain, [(i, i) for i in range(15)], concurrency=concurrency)
    assert {r.case.input for r in report.errors} == failing
    assert report.scores() == [float(i not in failing) for i in range(15)]


def test_what_a_failed_case_cost_is_counted() -> None:
    chain = ScriptedModel(_adds) | step(lambda reply: 1 / 0)
    report = measured(chain, SUMS)
    assert (report.calls, len(report.errors), report.mean().value) == (4, 4, 0)


def test_a_metric_that_fails_leaves_the_case_out_of_its_mean() -> None:
    def halves(value: str, expected: str) -> float:
        if expected == "8":
            msg = "not this one"
            raise ValueError(msg)
        return 0.5

    report = measured(ScriptedModel(_adds), SUMS, [exact(), halves, metric(lambda v, e: "many", "words")])
    assert (report.mean("halves").n, report.mean("halves").value, report.mean().n) == (3, 0.5, 4)
    assert report.unscored[-1].unscored["halves"] == "ValueError: not this one"
    assert "gave 'many', which is no finite number" in report.rows[0].unscored["words"]
    assert report.mean("words").n == 0
    assert "| words  | -" in report.table()


@pytest.mark.parametrize("error", [AuthenticationError("no key"), UnknownModel("none"), BudgetExceeded("spent")])
def test_an_error_that_all_cases_would_have_ends_it(error: Exception) -> None:
    asked: list[str] = []

    def fails(q: str) -> str:
        asked.append(q)
        raise error

    with pytest.raises(type(error)):
        measured(step(fails, inline=True), cases([(i, 0) for i in range(50)]), concurrency=1)
    assert len(asked) < 5


def test_a_budget_that_is_spent_ends_it_and_the_file_keeps_what_was_paid_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with scripted(budget=Budget(calls=2)) as run, pytest.raises(BudgetExceeded):
        evaluate(ScriptedModel(_adds), SUMS, run=run, save=path, concurrency=1)
    assert len(path.read_text().splitlines()) == 2
    assert measured(model := ScriptedModel(_adds), SUMS, save=path).mean().value == 1
    assert len(model.seen) == 2


def test_a_deadline_of_the_whole_run_ends_it_and_one_of_the_chain_is_the_cases_own() -> None:
    with scripted(deadline=3) as run, pytest.raises(DeadlineExceeded):
        evaluate(ScriptedModel("x", delay=2), SUMS, run=run, concurrency=1)
    report = measured(ScriptedModel("x", delay=2).timeout(1), SUMS)
    assert len(report.errors) == 4


# Progress.


def test_progress_is_told_once_for_each_case() -> None:
    told: list[Progress] = []
    measured(ScriptedModel(_adds), SUMS, progress=told.append, name="adder")
    assert [(p.name, p.done, p.total, p.kept) for p in told] == [("adder", i, 4, 0) for i in (1, 2, 3, 4)]
    assert {p.row.case.input for p in told} == {"1+1", "2+2", "3+3", "4+4"}


def test_progress_may_be_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    measured(step(lambda q: 1 / 0), SUMS, progress=True, name="n")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\rn: 4 of 4, 4 failed \n")


# Loops.


def test_it_runs_on_an_event_loop_and_inside_one() -> None:
    async def both() -> tuple[Report, Report]:
        later = await aevaluate(ScriptedModel(_even), SUMS, [exact(), f1()])
        with pytest.warns(RuntimeWarning) if _warns() else _nothing():
            return later, evaluate(ScriptedModel(_even), SUMS, [exact(), f1()])

    later, now = asyncio.run(both())
    assert [r.scores for r in later.rows] == [r.scores for r in now.rows]
    assert later.mean() == now.mean()


def _warns() -> bool:
    from chainkit.run.io import door

    return not door._warned and "IPython" not in sys.modules


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def test_a_metric_may_be_asynchronous_and_its_calls_are_scoring() -> None:
    judge = ScriptedModel("1")

    async def asks(value: str, expected: str) -> float:
        return float((await judge.ainvoke(f"{value}?")).text)

    with scripted() as run:
        report = evaluate(ScriptedModel(_adds), SUMS, [asks], run=run)
        assert (report.scores(), report.calls, run.calls, len(judge.seen)) == ([1, 1, 1, 1], 4, 8, 4)


# Laws.


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_the_cases_changes_no_mean_and_no_interval(order: list[int]) -> None:
    whole = cases([(f"{i}+{i}", f"{2 * i} is {'right' * (i % 3)}") for i in range(12)])
    chain = step(lambda q: str(eval(q)), inline=True)
    one, other = evaluate(chain, whole, [exact(), f1()]), evaluate(chain, [whole[i] for i in order], [exact(), f1()])
    assert one.mean("exact") == other.mean("exact")
    assert one.mean("f1") == other.mean("f1")
    assert {r.case.id: r.scores for r in one.rows} == {r.case.id: r.scores for r in other.rows}


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_how_many_are_asked_at_once_changes_no_result(concurrency: int) -> None:
    report = measured(ScriptedModel(_even), SUMS, concurrency=concurrency)
    assert report.scores() == [0, 1, 0, 1]


def test_no_cases_are_refused_before_anything_is_asked() -> None:
    with pytest.raises(EvaluationError, match="no cases"):
        evaluate(ScriptedModel(_adds), [])
    with pytest.raises(EvaluationError, match="ids stand for more than one case"):
        evaluate(ScriptedModel(_adds), [Case("a", id="x"), Case("b", id="x")])


def test_a_path_or_tuples_are_taken_as_cases(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("input,expected\n1+1,2\n")
    assert measured(ScriptedModel(_adds), path).mean().value == 1
    assert measured(ScriptedModel(_adds), [("1+1", "2")]).mean().value == 1


# Results in a file.


def test_results_are_written_as_they_land_and_are_not_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.jsonl"
    first = measured(ScriptedModel(_even), SUMS, save=path)
    told: list[Progress] = []
    again = measured(model := ScriptedModel(_even), SUMS, save=path, progress=told.append)
    assert (model.seen, told) == ([], [])
    assert [(r.value, r.scores, r.cost, r.usage, r.seconds) for r in again.rows] == [
        (r.value, r.scores, r.cost, r.usage, r.seconds) for r in first.rows
    ]
    assert len(path.read_text().splitlines()) == 4


def test_a_new_case_and_a_case_with_another_input_are_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    measured(ScriptedModel(_adds), [Case("1+1", "2", "a"), Case("2+2", "4", "b")], save=path)
    model = ScriptedModel(_adds)
    report = measured(model, [Case("1+1", "2", "a"), Case("5+5", "10", "b"), Case("3+3", "6", "c")], save=path)
    assert sorted(r.messages[-1].text for r in model.seen) == ["3+3", "5+5"]
    assert report.mean().value == 1


def test_another_expected_value_is_scored_anew_without_asking(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    counted: list[Any] = []

    def agrees(value: str, expected: str) -> bool:
        counted.append(value)
        return value == expected

    measured(ScriptedModel(_adds), [Case("1+1", "2", "a")], [exact(), agrees], save=path)
    report = measured(model := ScriptedModel(_adds), [Case("1+1", "3", "a")], [exact(), agrees], save=path)
    assert (model.seen, report.rows[0].scores, counted) == ([], {"exact": 0, "agrees": 0}, ["2", "2"])


def test_a_metric_that_was_added_scores_the_saved_values(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    measured(ScriptedModel(_even), SUMS, save=path)
    report = measured(model := ScriptedModel(_even), SUMS, [exact(), metric(lambda v, e: len(v), "length")], save=path)
    assert (model.seen, report.scores("length")) == ([], [2, 1, 2, 1])
    assert measured(ScriptedModel(_even), SUMS, [metric(lambda v, e: 7, "length")], save=path).scores() == [2, 1, 2, 1]


def test_another_chain_shares_the_file_without_sharing_results(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    measured(ScriptedModel(_adds), SUMS, save=path)
    other = ScriptedModel("no", name="other")
    assert measured(other, SUMS, save=path).mean().value == 0
    assert len(other.seen) == 4
    assert Report.load(path).scores() == [0, 0, 0, 0]


def test_what_failed_for_a_while_is_asked_again_and_what_failed_for_good_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    faults = {"1+1": RateLimited("slow"), "2+2": BadRequest("never"), "3+3": ServerError("down")}

    def once(q: str) -> str:
        if q in faults:
            raise faults[q]
        return str(eval(q))

    report = measured(step(once, name="once"), SUMS, save=path, concurrency=1)
    assert [r.transient for r in report.rows] == [True, False, True, False]
    faults.clear()
    asked: list[Progress] = []
    report = measured(step(once, name="once"), SUMS, save=path, progress=asked.append)
    assert sorted(p.row.case.input for p in asked) == ["1+1", "3+3"]
    assert report.scores() == [1, 0, 1, 1]
    assert Report.load(path).mean().value == 0.75


def test_an_interrupt_keeps_what_is_there_and_it_goes_on_from_there(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"

    def interrupts(now: Progress) -> None:
        if now.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(ScriptedModel(_adds, delay=1), SUMS, save=path, progress=interrupts, concurrency=1)
    kept = len(path.read_text().splitlines())
    assert 2 <= kept < 4
    told: list[Progress] = []
    report = measured(model := ScriptedModel(_adds), SUMS, save=path, progress=told.append)
    assert (report.mean().value, len(model.seen), told[0].kept) == (1, 4 - kept, kept)


_KILLED = """
import os, sys
from chainkit import step
from chainkit.evaluate import cases, evaluate

def adds(q):
    if q == "30" and sys.argv[2] == "die":
        os._exit(9)
    return q

print(evaluate(step(adds), cases([(str(i), str(i)) for i in range(60)]), save=sys.argv[1], concurrency=2,
               progress=lambda now: print(now.kept)).scores())
"""


def test_a_killed_process_loses_nothing_that_had_landed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)
    call = [sys.executable, str(script), str(path)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([*call, "die"], env=env, capture_output=True, check=False).returncode == 9
    kept = len(path.read_text().splitlines())
    assert 25 <= kept < 60
    said = subprocess.run([*call, "live"], env=env, capture_output=True, check=True, text=True).stdout.splitlines()
    assert said[-1] == str([1.0] * 60)
    assert said[:-1] == [str(kept)] * (60 - kept)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_was_cut_short_is_asked_again_and_spoils_nothing(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.jsonl"
    measured(ScriptedModel(_adds), SUMS, save=path, concurrency=1)
    path.write_bytes(path.read_bytes()[:-cut])
    model = ScriptedModel(_adds)
    assert measured(model, SUMS, save=path).mean().value == 1
    assert len(model.seen) == (0 if cut == 1 else 1)
    assert [json.loads(line)["chain"] for line in path.read_text().splitlines()]
    assert len(Report.load(path)) == 4


@pytest.mark.parametrize("text", ["hello", "hello\n", '{"a": 1}\n', '{"input": "a"}'])
def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(EvaluationError, match=r"(?s)a.jsonl, line 1: this is no result of evaluate.*file of its own"):
        evaluate(ScriptedModel(_adds), SUMS, save=path)
    assert path.read_text() == text


# Fingerprints.


def test_a_chain_has_the_same_fingerprint_each_time_it_is_made_and_another_when_it_is_changed() -> None:
    from chainkit import model, prompt

    def chain(text: str = "Say {{ q }}", **options: Any) -> Any:
        return prompt(text, q=str) | model("openai:gpt-5-mini", **options) | step(lambda reply: reply.text.upper())

    assert fingerprint(chain()) == fingerprint(chain())
    marks = {fingerprint(c) for c in (chain(), chain("Say {{ q }}!"), chain(temperature=0), chain(output=int))}
    assert len(marks) == 4
    assert fingerprint(model("openai:a", api_key="one")) == fingerprint(model("openai:a", api_key="two"))


def test_the_code_of_a_step_and_what_it_holds_are_in_the_fingerprint() -> None:
    def holding(n: int) -> Any:
        return step(lambda q: q * n)

    assert fingerprint(holding(2)) == fingerprint(holding(2))
    assert fingerprint(holding(2)) != fingerprint(holding(3))
    assert fingerprint(step(lambda q: q + 1)) != fingerprint(step(lambda q: q + 2))


def test_the_documents_of_an_index_and_the_tools_of_an_agent_are_in_the_fingerprint() -> None:
    from chainkit import agent, index, tool

    def adding(n: int) -> Any:
        @tool
        def add(a: int) -> int:
            """Add."""
            return a + n

        return agent("openai:a", tools=[add])

    assert fingerprint(index(["a"]).retriever(2)) == fingerprint(index(["a"]).retriever(2))
    assert len({fingerprint(index(["a"]).retriever(2)), fingerprint(index(["b"]).retriever(2))}) == 2
    assert fingerprint(adding(1)) == fingerprint(adding(1))
    assert fingerprint(adding(1)) != fingerprint(adding(2))


_PRINTED = """
from chainkit import ensemble, step, vote, model
from chainkit.evaluate import fingerprint
def clean(reply):
    return reply.text in {"a", "b", "c", "d"}
print(fingerprint(ensemble(model("openai:a") | step(clean), model("openai:b") | step(clean), combine=vote())))
"""


def test_a_fingerprint_is_the_same_in_every_process(tmp_path: Path) -> None:
    def printed(seed: str) -> str:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", _PRINTED], env=env, capture_output=True, check=True, text=True
        ).stdout

    assert printed("1") == printed("2")

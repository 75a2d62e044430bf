"""compare(): several chains on the same cases, and what may be said of them."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from chainkit import prompt, step
from chainkit.evaluate import Case, Comparison, EvaluationError, acompare, cases, compare, evaluate, exact, f1
from chainkit.evaluate.statistics import holm, mcnemar
from chainkit.testing import ScriptedModel

CASES = [Case(f"q{i}", f"a{i}", str(i)) for i in range(60)]


def _knows(share: float, seed: int = 0) -> Any:
    """Right on that share of the cases; who knows more knows all that others know, with one seed."""
    right = set(random.Random(seed).sample(range(60), round(60 * share)))
    return step(lambda q: f"a{q[1:]}" if int(q[1:]) in right else "no", name=f"knows {share}", inline=True)


def test_a_difference_is_paired_by_case_and_tested() -> None:
    found = compare({"a": _knows(0.5), "b": _knows(0.8), "c": _knows(0.6, 1)}, CASES)
    one, two = found.differences()
    right = {n: found[n].scores() for n in "abc"}
    wins, losses = (sum(b > a for a, b in zip(right["a"], right["b"], strict=True)) for _ in "xx")
    losses = sum(b < a for a, b in zip(right["a"], right["b"], strict=True))
    assert (one.name, one.baseline, one.wins, one.losses) == ("b", "a", wins, losses)
    assert one.mean.value == pytest.approx(0.3)
    assert one.mean.low < 0.3 < one.mean.high
    assert one.p == mcnemar(wins, losses)
    assert [one.corrected, two.corrected] == holm([one.p, two.p])


def test_it_says_plainly_what_is_within_noise() -> None:
    found = compare({"a": _knows(0.6), "b": _knows(0.65, 2)}, CASES)
    assert found.best == "b"
    assert found.as_good == ("a",)
    assert found.differences()[0].noise
    assert str(found.differences()[0]).endswith(": within noise")
    assert found.table().endswith("Its lead over a is within noise: these cases do not tell them apart.")


def test_it_says_plainly_which_one_is_better() -> None:
    found = compare({"a": _knows(0.4), "b": _knows(0.9), "c": _knows(0.85, 3)}, CASES, baseline="a")
    assert (found.best, found.as_good) == ("b", ("c",))
    assert found.conclusion().endswith("within noise: these cases do not tell them apart. All others are worse.")
    sure = compare([_knows(0.4), _knows(0.9)], CASES)
    assert sure.best == "knows 0.9"
    assert sure.conclusion() == "Best on exact: knows 0.9. It is better than each other chain by more than chance."
    assert "within noise" not in str(sure)


def test_two_that_never_differ_are_level() -> None:
    found = compare({"a": _knows(0.5), "b": _knows(0.5)}, CASES, [exact(), f1()])
    gap = found.differences("f1")[0]
    assert (gap.mean.value, gap.p, gap.wins, gap.losses) == (0, 1, 0, 0)
    # 60 cases without a difference do not show that there is none.
    assert -gap.mean.low == gap.mean.high == pytest.approx(0.032, abs=0.001)
    assert str(gap).startswith("b is level with a on f1")


def test_one_chain_alone_is_the_only_one() -> None:
    found = compare([_knows(0.5)], CASES)
    assert (found.conclusion(), found.differences(), found.as_good) == ("knows 0.5 is the only one.", (), ())


def test_prompts_are_chains_like_any_other() -> None:
    def answers(messages: Any) -> str:
        text = messages[-1].text
        return text.split()[-1] if "think" in text else "no"

    model = ScriptedModel(answers)
    ways = {way: prompt(way + " {{ q }}", q=str) | model for way in ("Say", "First think, then say")}
    found = compare(ways, cases([{"input": {"q": f"w{i}"}, "expected": f"w{i}"} for i in range(20)]))
    assert found.best == "First think, then say"
    assert found["Say"].mean().value == 0


def test_each_chain_has_a_file_of_its_own_and_is_taken_up_from_it(tmp_path: Path) -> None:
    one, two = ScriptedModel("a1", name="one"), ScriptedModel("a2", name="two")
    compare({"a/b": one, "ü x": two}, CASES[:4], save=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a_b.jsonl", "ü_x.jsonl"]
    found = compare({"a/b": one, "ü x": two}, CASES[:4], save=tmp_path)
    assert (len(one.seen), len(two.seen), found["a/b"].scores()) == (4, 4, [0, 1, 0, 0])


def test_chains_of_a_list_have_names_of_their_own() -> None:
    found = compare([ScriptedModel("a"), ScriptedModel("b")], CASES[:3])
    assert list(found.reports) == ["model scripted:model", "model scripted:model 2"]


def test_failures_count_and_are_in_the_table() -> None:
    found = compare({"a": _knows(0.5), "b": step(lambda q: 1 / 0)}, CASES[:6])
    assert found["b"].mean().value == 0
    line = next(line for line in found.table().splitlines() if line.startswith("| b"))
    assert line.split("|")[7].strip() == "6"


def test_reports_that_exist_are_compared_as_well() -> None:
    reports = {"a": evaluate(_knows(0.3), CASES), "b": evaluate(_knows(0.7), CASES[:50])}
    found = Comparison(reports, "b")
    assert (found.differences()[0].name, found.differences()[0].mean.n) == ("a", 50)
    apart = Comparison({"a": evaluate(_knows(0.3), CASES[:5]), "b": evaluate(_knows(0.7), CASES[5:])})
    with pytest.raises(EvaluationError, match="no case in common"):
        apart.differences()


def test_it_runs_on_an_event_loop() -> None:
    chains = {"a": _knows(0.5), "b": _knows(0.8)}
    found = asyncio.run(acompare(chains, CASES))
    assert found.table() == compare(chains, CASES).table()


@pytest.mark.parametrize(
    ("chains", "rules", "said"),
    [
        ({}, {}, "at least one chain"),
        ({"a": _knows(0.5)}, {"baseline": "b"}, "no chain has the name 'b'"),
        ({"a b": _knows(0.5), "a/b": _knows(0.6)}, {"save": "x"}, "two chains would be saved in the same file"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_asked(chains: Any, rules: Any, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        compare(chains, CASES, **rules)


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    found = compare({"first": _knows(0.5)}, CASES[:3])
    with pytest.raises(EvaluationError, match=r"(?s)has the name 'frist'.*did you mean 'first'"):
        found["frist"]
    with pytest.raises(EvaluationError, match="nothing to compare"):
        Comparison({})

"""Calibration: what is recovered from simulated members whose truth is known, what it recommends, and what it saves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from chainkit import Run, ensemble, step, vote
from chainkit.ensembles.calibrated import Calibrated, Learned
from chainkit.errors import CompositionError
from chainkit.evaluate import EvaluationError, calibrate, calibrated, load_calibration
from chainkit.evaluate.calibrating import _held_out
from chainkit.evaluate.learning import (
    Votes,
    choice,
    crossed,
    curve,
    folds,
    frontier,
    numbered,
    outcome,
    points,
    weights,
)
from chainkit.testing.clock import ScriptedIo

pytestmark = pytest.mark.slow


def simulated(
    right: list[float],
    cases: int,
    *,
    seed: int = 0,
    choices: int = 4,
    prices: list[float] | None = None,
    copies: dict[int, int] | None = None,
    shared: float = 0.0,
) -> Votes:
    """Members that are right so often; wrong answers are drawn evenly. With `shared`, that share of the cases has one
    draw for all members: their mistakes fall together."""
    draw = np.random.default_rng(seed)
    luck = draw.random((cases, len(right)))
    same = draw.random(cases) < shared
    luck[same] = luck[same][:, :1]
    wrong = draw.integers(1, choices, (cases, len(right)))
    wrong[same] = wrong[same][:, :1]
    answers = np.where(luck < np.array(right), 0, wrong)
    for copy, of in (copies or {}).items():
        answers[:, copy] = answers[:, of]
    price = np.tile(np.array(prices or [1.0] * len(right)), (cases, 1))
    return Votes(answers, (answers == 0).astype(float), price, choices)


def log_odds(right: float, choices: int = 4) -> float:
    return math.log(right / (1 - right)) + math.log(choices - 1)


# What is learned.


@pytest.mark.parametrize("choices", [2, 4, 7])
def test_weights_are_the_log_odds_of_the_members_over_chance(choices: int) -> None:
    right = [0.9, 0.75, 0.6, 0.95]
    found = weights(simulated(right, 20_000, choices=choices))
    assert found == pytest.approx([log_odds(r, choices) for r in right], abs=0.08)


def test_a_member_that_is_no_better_than_chance_weighs_nothing() -> None:
    assert list(weights(simulated([0.9, 0.25, 0.05], 4000)))[1:] == pytest.approx([0.0, 0.0], abs=0.08)


def test_the_weighted_vote_is_as_good_as_its_closed_form() -> None:
    """Three independent members of 0.8 with two answers: a majority is right with 3 p^2 (1-p) + p^3."""
    votes = simulated([0.8, 0.8, 0.8], 40_000, choices=2)
    score, _ = crossed(votes, [0, 1, 2], folds(votes.cases, 0))
    assert score.mean() == pytest.approx(3 * 0.8**2 * 0.2 + 0.8**3, abs=0.01)


def test_the_frontier_holds_what_is_best_for_each_price() -> None:
    votes = simulated([0.7, 0.8, 0.9, 0.6], 8000, prices=[1.0, 2.0, 10.0, 8.0])
    edge = frontier(points(votes))
    assert [p.members for p in edge[:2]] == [(0,), (1,)]
    assert all(a.price < b.price and a.quality < b.quality for a, b in zip(edge, edge[1:], strict=False))
    for point in edge[:2]:
        assert point.quality == pytest.approx([0.7, 0.8][point.members[0]], abs=0.02)
    # By hand: nothing that is cheaper is better.
    everything = points(votes)
    for point in edge:
        assert not any(p.price <= point.price and p.quality > point.quality for p in everything)


def test_the_curve_tells_the_share_that_is_right_at_each_margin() -> None:
    votes = simulated([0.8, 0.7, 0.75, 0.65, 0.7], 20_000)
    score, lead = crossed(votes, list(range(5)), folds(votes.cases, 0))
    slope, offset = curve(score, lead)
    told = 1 / (1 + np.exp(-(slope * lead + offset)))
    for low in np.quantile(told, [0.1, 0.3, 0.5, 0.7]):
        near = (told > low - 0.05) & (told < low + 0.05)
        assert score[near].mean() == pytest.approx(told[near].mean(), abs=0.04)


# What it chooses.


@pytest.mark.parametrize("seed", range(5))
def test_one_dominant_member_is_chosen_alone(seed: int) -> None:
    votes = simulated([0.95, 0.6, 0.6, 0.5], 300, seed=seed, shared=0.3)
    assert choice(votes, points(votes)).members == (0,)


@pytest.mark.parametrize("seed", range(5))
def test_equal_independent_members_are_better_together(seed: int) -> None:
    votes = simulated([0.7] * 5, 400, seed=seed)
    found = choice(votes, points(votes))
    assert len(found.members) >= 3
    assert found.quality > 0.8


@pytest.mark.parametrize("seed", range(5))
def test_of_two_that_say_the_same_one_is_dropped(seed: int) -> None:
    votes = simulated([0.7, 0.7, 0.7, 0.7], 500, seed=seed, copies={1: 0, 3: 2}, prices=[1.0, 2.0, 1.0, 2.0])
    assert not {1, 3} & set(choice(votes, points(votes)).members)


def test_members_that_share_all_their_mistakes_gain_nothing() -> None:
    votes = simulated([0.7, 0.7, 0.7], 500, shared=1.0)
    assert len(choice(votes, points(votes)).members) == 1


def test_many_members_are_added_one_after_another() -> None:
    votes = simulated([0.65] * 12, 200)
    found = points(votes)
    assert len(found) == 12 + 11
    assert len(choice(votes, found).members) > 3


# What it claims.


@pytest.mark.slow
def test_the_interval_of_what_was_chosen_covers_the_truth_in_93_of_100_simulations() -> None:
    """The choice is made on one part and measured on the other, else the best of many would look better than it is."""
    covered = sure = 0
    for seed in range(200):
        right = list(np.random.default_rng(seed).uniform(0.5, 0.85, 4))
        votes = simulated(right, 400, seed=seed, shared=0.2)
        here, there = votes.part(slice(0, 200)), votes.part(slice(200, 400))
        members = choice(here, points(here)).members
        value = weights(here)
        worth = np.ones(4) if len(members) == 1 else value
        truth = outcome(simulated(right, 40_000, seed=seed + 10_000, shared=0.2), members, worth)[0].mean()
        choices, over, _, best = _held_out([str(i) for i in range(4)], there, value, members, here)
        covered += choices[-1].quality.low <= truth <= choices[-1].quality.high
        alone = right[int(best)]
        sure += over.low <= truth - alone <= over.high
    assert covered >= 186
    assert sure >= 186


# End to end, with members that are asked.


def members_of(votes: Votes) -> list[Any]:
    """Chains that answer as simulated: the case's number in, an answer out."""

    def member(number: int) -> Any:
        def answer(case: int) -> str:
            said = int(votes.answers[case, number])
            if said < 0:
                raise ValueError(case)
            return f"answer {said}"

        return step(answer).named(f"m{number}")

    return [member(i) for i in range(votes.members)]


def questions(votes: Votes) -> list[tuple[int, str]]:
    return [(i, "answer 0") for i in range(votes.cases)]


def test_an_ensemble_that_pays_is_recommended_with_its_figures() -> None:
    votes = simulated([0.75] * 5, 600)
    panel = ensemble(*members_of(votes), combine=vote())
    found = calibrate(panel, questions(votes), price="calls")
    assert found.pays
    assert len(found.learned.members) >= 3
    assert found.conclusion.endswith("it pays.")
    assert found.cases == (300, 300)
    assert [c.name for c in found.choices[:5]] == [f"m{i}" for i in range(5)]
    assert found.chosen.quality.low <= found.chosen.quality.value <= found.chosen.quality.high
    verdict = found.chain.invoke(3)
    assert 0.0 < verdict.confidence < 1.0
    assert "right with" in verdict.why()
    assert "| vote of all" in str(found)


def test_with_one_dominant_member_it_says_so_and_gives_that_one() -> None:
    votes = simulated([0.95, 0.6, 0.55], 300, shared=0.3)
    found = calibrate(members_of(votes), questions(votes))
    assert found.conclusion == "One member is as good as any ensemble of them: use `m0` alone."
    assert not found.pays
    assert found.chain.invoke(0) == f"answer {votes.answers[0, 0]}"


def test_a_member_that_fails_and_one_that_guesses_are_named() -> None:
    votes = simulated([0.8, 0.8, 0.8, 0.2], 200)
    votes.answers[::2, 1] = -1
    votes.scores[::2, 1] = 0.0
    found = calibrate(members_of(votes), questions(votes))
    assert "`m1` failed at 50% of the cases." in " ".join(found.notes) or "`m1` failed at" in " ".join(found.notes)
    assert any("No better than chance: `m3`" in n for n in found.notes)
    assert "m3" not in found.learned.members


def test_few_cases_are_told_plainly_and_too_few_are_refused() -> None:
    votes = simulated([0.8, 0.7], 30)
    assert any("may be chance" in n for n in calibrate(members_of(votes), questions(votes)).notes)
    few = simulated([0.8, 0.7], 6)
    with pytest.raises(EvaluationError, match="too few"):
        calibrate(members_of(few), questions(few))


def test_what_was_learned_is_a_small_file_that_loads_back(tmp_path: Path) -> None:
    votes = simulated([0.75] * 4, 400)
    members = members_of(votes)
    found = calibrate(members, questions(votes), price="calls")
    found.save(tmp_path / "panel.json")
    assert (tmp_path / "panel.json").stat().st_size < 1000
    assert load_calibration(tmp_path / "panel.json") == found.learned
    again = calibrated(members, tmp_path / "panel.json")
    assert [again.invoke(i).value for i in range(20)] == [found.chain.invoke(i).value for i in range(20)]
    data = json.loads((tmp_path / "panel.json").read_text())
    assert set(data) == {"chainkit_calibration", "members", "weights", "slope", "offset", "cases", "day"}


@pytest.mark.parametrize(
    "text", ["", "{}", '{"chainkit_calibration": 9}', '{"chainkit_calibration": 1, "members": 3}', "[]"]
)
def test_a_file_that_holds_no_calibration_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(CompositionError, match="holds no calibration"):
        load_calibration(tmp_path / "x.json")


def test_members_that_were_not_calibrated_are_refused() -> None:
    learned = Learned(("a", "b"), (1.0, 1.0), 1.0, 0.0)
    with pytest.raises(CompositionError, match="chose `b`, and the members given are a"):
        calibrated([step(str).named("a")], learned)
    with pytest.raises(CompositionError, match="was calibrated for the members a, b, and these are b, a"):
        ensemble(step(str).named("b"), step(str).named("a"), combine=Calibrated(weights=(1.0, 1.0), learned=learned))


def test_results_are_kept_and_taken_up_again(tmp_path: Path) -> None:
    votes = simulated([0.8, 0.7], 60)
    first = calibrate(members_of(votes), questions(votes), save=tmp_path, price="calls")
    asked: list[int] = []

    def answer(case: int) -> str:
        asked.append(case)
        return "answer 0"

    assert sorted(f.suffix for f in tmp_path.iterdir()) == [".jsonl", ".jsonl"]
    again = calibrate(members_of(votes), questions(votes), save=tmp_path, price="calls")
    assert (again.choices, asked) == (first.choices, [])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["openai:a"], "at least two members"),
        ("openai:a", "at least two members"),
        ([step(str).named("a"), step(len).named("a")], "two members are called `a`"),
    ],
    ids=["one", "a string", "twice the same"],
)
def test_members_that_cannot_be_told_apart_are_refused(given: Any, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        calibrate(given, [("x", "y")] * 10)


# The calibrated vote.


def asked(chain: Any, value: Any) -> Any:
    io = ScriptedIo()
    try:
        return chain.invoke(value, run=Run(io=io))
    finally:
        io.close()


def test_confidence_is_the_curve_at_the_margin_and_asking_stops_once_it_is_enough() -> None:
    learned = Learned(("a", "b", "c", "d", "e"), (1.0, 1.0, 1.0, 1.0, 1.0), 1.0, 0.0)
    members = [step(lambda _: "x", name=n) for n in "abcde"]
    full = asked(calibrated(members, learned, frugal=False), "q")
    assert full.confidence == pytest.approx(1 / (1 + math.exp(-sum(b.valid for b in full.ballots))))
    found = asked(calibrated(members, learned, confidence=0.85, concurrency=1), "q")
    assert sum(b.asked for b in found.ballots) == 2
    assert found.confidence == pytest.approx(1 / (1 + math.exp(-2)))
    with pytest.raises(CompositionError, match="lies between 0 and 1"):
        calibrated(members, learned, confidence=95)


def test_equal_answers_have_equal_numbers() -> None:
    assert numbered([["a", "b", "a"], [None, "x", "y"]]).tolist() == [[0, 1, 0], [-1, 0, 1]]


def test_the_frontier_is_a_table_and_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    votes = simulated([0.7, 0.75, 0.8], 400, prices=[1.0, 2.0, 4.0])
    found = calibrate(members_of(votes), questions(votes), price="calls")
    assert found.frontier_table().splitlines()[0].startswith("| members")
    found.svg(tmp_path / "a.svg")
    found.svg(tmp_path / "b.svg")
    found.png(tmp_path / "a.png")
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")

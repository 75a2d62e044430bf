"""Self-consistency is an ensemble of one chain, n times."""

from __future__ import annotations

from typing import Any

import pytest
from polling import ask, scripted

from chainkit import consistent, ensemble, model, prompt, vote
from chainkit.errors import BadRequest, CompositionError
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813


def drawn(answers: str) -> m:
    """A model whose draws answer in turn."""
    said = iter(answers)
    return m(lambda _: next(said))


@pytest.mark.parametrize("answers", ["aab", "aba", "abc", "aaaab", "ababb"])
def test_it_is_the_ensemble_of_the_chain_so_many_times(answers: str) -> None:
    one, other = drawn(answers), drawn(answers)
    by_name = ask(consistent(one, len(answers), combine=vote(early=False)))
    by_hand = ask(ensemble(*[other] * len(answers), combine=vote(early=False)))
    assert by_name == by_hand
    assert (
        [r.draw for r in by_name.run.rows] == [r.draw for r in by_hand.run.rows] == [(i,) for i in range(len(answers))]
    )


def test_equal_chains_make_equal_ensembles() -> None:
    chain = model("openai:gpt-5-mini")
    assert consistent(chain, 3) == ensemble(chain, chain, chain, combine=vote())


def test_temperatures_go_round_and_seeds_count_up_whatever_stands_around_the_model() -> None:
    scripted_model = m("a", options={"top_p": 0.9})
    chain = consistent(
        prompt("{{ x }}", x=str) | scripted_model | (lambda r: r.text), 4, temperatures=[0.2, 0.9], seed=7
    )
    assert ask(chain, {"x": "hi"}).value == "a"
    asked = sorted(
        ((s.options["temperature"], s.options["seed"], s.options["top_p"]) for s in scripted_model.seen),
        key=lambda o: o[1],
    )
    assert asked == [(0.2, 7, 0.9), (0.9, 8, 0.9), (0.2, 9, 0.9), (0.9, 10, 0.9)]


def test_all_are_asked_where_nothing_stops_it_early() -> None:
    scripted_model = m("a")
    ask(consistent(scripted_model, 4, combine=vote(early=False), seed=1))
    assert sorted(s.options["seed"] for s in scripted_model.seen) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: consistent(model("openai:a", temperature=0), 3), "at temperature 0 would ask the same 3 times"),
        (lambda: consistent(prompt("{{ x }}", x=str) | model("openai:a", temperature=0), 2), "the same 2 times"),
        (lambda: consistent(model("openai:a", seed=4), 3), "of a model with a seed"),
        (lambda: consistent("openai:a", 0), "at least one sample"),
        (lambda: consistent(lambda x: x, 3, seed=1), "needs a chain that ends in a model"),
    ],
    ids=["temperature 0", "inside a chain", "a fixed seed", "none", "no model"],
)
def test_samples_that_could_only_be_alike_are_refused(build: Any, said: str) -> None:
    with pytest.raises(CompositionError, match=said):
        build()


def test_spread_temperatures_are_the_cure_for_temperature_0() -> None:
    consistent(model("openai:a", temperature=0), 3, temperatures=[0.5, 1.0])
    consistent(model("openai:a", temperature=0), 1)


def test_the_rules_are_those_of_an_ensemble() -> None:
    failing = m(["", "a", "a"], fail=[BadRequest("no"), None, None])
    with scripted() as run:
        found = consistent(failing.text, 3, quorum=1, tolerate=2, frugal=True, otherwise=m("z").text).invoke(
            "hi", run=run
        )
        assert found.value == "z"

"""Errors: the tree in the docstring is the tree of the classes; each keeps what it knows wherever it goes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from chainkit import Run, errors, step
from chainkit.errors import (
    Attempt,
    ChainkitError,
    EnsembleError,
    ProviderError,
    RateLimited,
    StreamBroken,
    did_you_mean,
)
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, ChainkitError)]


def drawn() -> dict[str, tuple[str, str | None]]:
    """Of each class in the docstring's tree: its parent, and the built-in beside it."""
    found: dict[str, tuple[str, str | None]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([│├└─ ]*)([A-Z]\w+)(?: +\((\w+)\))?(?: |$)", line)
        if match is None or match[2] not in vars(errors):
            continue
        depth = len(match[1]) // 4
        above[depth:] = [match[2]]
        found[match[2]] = (above[depth - 1] if depth else "", match[3])
    return found


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    real = {}
    for kind in CLASSES:
        ours = next((b.__name__ for b in kind.__bases__ if issubclass(b, ChainkitError)), "")
        beside = next((b.__name__ for b in kind.__bases__ if not issubclass(b, ChainkitError)), None)
        real[kind.__name__] = (ours, None if kind is ChainkitError else beside)
    assert drawn() == real


@pytest.mark.parametrize("kind", CLASSES, ids=lambda c: c.__name__)
def test_every_error_says_what_where_and_what_to_do(kind: type[ChainkitError]) -> None:
    error = kind("it broke", cure="mend it", path="answer > step")
    assert str(error) == "it broke\n  at: answer > step\n  try: mend it"
    assert inspect.getdoc(kind)
    error.index = 3
    error.attempts = (Attempt("a"), Attempt("b"))
    assert "  item: 3" in str(error)
    assert "  attempts: 2" in str(error)


@pytest.mark.parametrize("copied", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
@pytest.mark.parametrize("kind", CLASSES, ids=lambda c: c.__name__)
def test_every_error_survives_being_pickled_and_copied_without_its_run(kind: type[ChainkitError], copied: Any) -> None:
    error = kind("it broke", cure="mend it", path="a")
    error.attempts, error.spent, error.index, error.run = (Attempt("x", "raw"),), True, 4, Run()
    if isinstance(error, ProviderError):
        error.status, error.code, error.retry_after, error.request_id = 429, "slow", 1.5, "r1"
    again = copied(error)
    assert type(again) is kind
    assert str(again) == str(error)
    assert {k: v for k, v in vars(again).items() if k != "run"} == {k: v for k, v in vars(error).items() if k != "run"}
    assert again.run is None


def test_what_a_stream_had_shown_and_what_members_said_is_kept() -> None:
    broken, few = StreamBroken("cut"), EnsembleError("too few")
    broken.partial, few.ballots = "half", ("ballot",)
    assert pickle.loads(pickle.dumps(broken)).partial == "half"
    assert pickle.loads(pickle.dumps(few)).ballots == ("ballot",)


def test_an_error_of_a_run_can_be_sent_to_another_process() -> None:
    with pytest.raises(RateLimited) as caught:
        m("a", fail=RateLimited("slow", retry_after=0), attempts=1).named("answer").invoke("x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.path, again.spent, again.run) == ("answer", True, None)
    assert caught.value.run is not None


def test_an_error_of_another_kind_gets_its_place_as_a_note() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        (step(lambda x: x) | step(lambda x: 1 / 0, name="divide")).named("answer").invoke(1)
    assert caught.value.__notes__ == ["  at: answer > divide"]


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [("temprature", ["temperature", "top_p"], "did you mean 'temperature'?"), ("zzz", ["b", "a"], "known: a, b"), ("x", [], None)],
)  # fmt: skip
def test_a_cure_names_the_nearest_known_words(word: str, known: list[str], said: str | None) -> None:
    assert did_you_mean(word, known) == said

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from chainkit.errors import PromptError
from chainkit.messages import Messages
from chainkit.prompts import examples, prompt, system

ROWS = [{"question": "2+2", "answer": "4"}, {"question": "3*3", "answer": "9"}, {"question": "{{ q }}", "answer": "{%"}]


def texts(messages: Messages) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in messages]


def test_pairs_become_turns_between_the_parts_around_them():
    made = prompt(system("Translate."), examples([("Hund", "dog"), ("Katze", "cat")]), "{{ word }}", word=str)
    assert texts(made.invoke({"word": "Maus"})) == [
        ("system", "Translate."),
        ("user", "Hund"),
        ("assistant", "dog"),
        ("user", "Katze"),
        ("assistant", "cat"),
        ("user", "Maus"),
    ]


def test_rows_fill_the_templates_and_stay_inert():
    made = prompt(examples(ROWS, "Q: {{ question }}", "A: {{ answer }}"), "{{ q }}", q=str)
    assert texts(made.invoke({"q": "x"}))[-3:-1] == [("user", "Q: {{ q }}"), ("assistant", "A: {%")]


def test_k_takes_the_first():
    made = prompt(examples(ROWS, "{{ question }}", "{{ answer }}", k=1), "{{ q }}", q=str)
    assert len(made.invoke({"q": "x"})) == 3


def test_a_selector_chooses_rows_by_the_prompts_values():
    def with_same_sign(
        rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any], k: int | None
    ) -> Iterable[Mapping[str, Any]]:
        return [r for r in rows if "+" in r["question"] and "+" in values["q"]][:k]

    made = prompt(examples(ROWS, "{{ question }}", "{{ answer }}", k=2, select=with_same_sign), "{{ q }}", q=str)
    assert texts(made.invoke({"q": "1+1"}))[0] == ("user", "2+2")
    assert len(made.invoke({"q": "1*1"})) == 1
    assert not made.instant
    assert asyncio.run(made.ainvoke({"q": "1+1"})) == made.invoke({"q": "1+1"})


def test_rows_can_be_given_at_the_call():
    made = prompt(examples("shots", "{{ question }}", "{{ answer }}", k=2), "{{ q }}", q=str)
    assert "shots" in made.variables
    assert len(made.invoke({"q": "x", "shots": ROWS})) == 5
    assert len(made.invoke({"q": "x", "shots": []})) == 1
    with pytest.raises(PromptError, match="variable 'shots': examples must be a list of rows, got str"):
        made.invoke({"q": "x", "shots": "rows"})
    with pytest.raises(PromptError, match="example 0: .*'answer' is undefined"):
        made.invoke({"q": "x", "shots": [{"question": "1"}]})


def test_pairs_can_be_given_at_the_call():
    made = prompt(examples("shots"), "{{ q }}", q=str)
    assert texts(made.invoke({"q": "x", "shots": [("a", "b")]}))[:2] == [("user", "a"), ("assistant", "b")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: examples([]), "at least one row"),
        (lambda: examples([("a", "b")], k=0), "k must be 1 or more"),
        (lambda: examples([("a",)]), "example 0 is neither a mapping nor"),  # type: ignore[list-item]
        (
            lambda: prompt(examples(ROWS, "{{ questn }}", "{{ answer }}"), "x"),
            "'questn', which is not declared\n  in part 1 .examples, input.",
        ),
        (
            lambda: prompt(examples([*ROWS, {"question": "x"}], "{{ question }}", "{{ answer }}"), "x"),
            "example 3 has no 'answer'",
        ),
        (lambda: prompt(examples("shots"), "x", shots=str), "is declared as str"),
    ],
)
def test_what_is_wrong_with_examples_is_told_when_they_are_made(make: Any, message: str):
    with pytest.raises(PromptError, match=message):
        make()

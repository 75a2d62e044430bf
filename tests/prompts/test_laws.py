from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chainkit import load, step
from chainkit.errors import ChainkitError
from chainkit.messages import Messages
from chainkit.prompts import assistant, examples, history, prompt, system, user
from chainkit.testing.laws import check_laws


class Ask(BaseModel):
    genre: str
    pages: int | None = None


def first(rows: Any, values: Any, k: int | None) -> Any:  # noqa: ARG001 - a selector's form
    return rows[:k]


def said(messages: Messages) -> str:
    return str(messages)


PROMPTS = [
    prompt("A {{ genre }} book", genre=str),
    prompt(
        system("Be {{ genre }}."), history("turns"), user("{% for t in turns %}{{ t.text }}{% endfor %}"), genre=str
    ),
    prompt("{{ genre }}{% if pages %}{{ pages }}{% endif %}", vars=Ask),
    prompt(
        examples([("a", "b"), ("c", "d")], k=1, select=first),
        user("{{ genre }}"),
        assistant("{{ pages or '-' }}"),
        vars=Ask,
    ),
    prompt("{{ genre }}{{ pages }}", genre=str, pages=Ask | None | str).partial(pages="9"),
]
VALUE = st.one_of(st.text(), st.integers(), st.none(), st.sampled_from(["{{ genre }}", "+++ user"]))
TURNS = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system"]), "content": st.text()}), max_size=2
)
GIVEN = st.fixed_dictionaries(
    {}, optional={"genre": VALUE, "pages": VALUE, "turns": st.one_of(TURNS, VALUE), "other": VALUE}
)


@pytest.mark.parametrize("made", PROMPTS, ids=repr)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=st.one_of(GIVEN, VALUE))
def test_prompts_keep_the_laws(made: Any, value: Any):
    names = [sys.modules[__name__]]
    check_laws(made | step(said), [value], names=names)  # type: ignore[arg-type]


@pytest.mark.parametrize("made", PROMPTS, ids=repr)
def test_a_dumped_prompt_comes_back(made: Any):
    assert load(made.dump(), names=[sys.modules[__name__]]) == made


def test_an_error_says_where_in_the_chain_it_happened():
    with pytest.raises(ChainkitError, match="(?s)no value for 'genre'.*at: prompt"):
        (PROMPTS[0] | step(said)).invoke({})

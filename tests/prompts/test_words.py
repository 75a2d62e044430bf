from __future__ import annotations

import datetime
import enum
from typing import Annotated, Any, Literal, Optional, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainkit.errors import CompositionError, PromptError
from chainkit.messages import Message
from chainkit.prompts.words import shown, type_of, word_of


class Mood(enum.Enum):
    DARK = "dark"


NAMES = {"Mood": Mood, "shop.Mood": Mood, "shop.models:Mood": Mood}

TYPES = st.recursive(
    st.one_of(
        st.sampled_from([str, int, float, bool, datetime.date, datetime.datetime, list, dict, Mood]),
        st.lists(st.one_of(st.text(), st.integers(0, 99)), min_size=1, unique_by=repr).map(lambda v: Literal[tuple(v)]),
    ),
    lambda inner: st.one_of(
        inner.map(lambda t: list[t]),  # type: ignore[valid-type]
        inner.map(lambda t: dict[str, t]),  # type: ignore[valid-type]
        inner.map(lambda t: tuple[t, ...]),  # type: ignore[valid-type]
        inner.map(lambda t: Optional[t]),  # noqa: UP045
        st.tuples(inner, inner).map(lambda ts: Union[ts]),  # noqa: UP007
    ),
    max_leaves=4,
)


@given(TYPES)
def test_a_type_comes_back_from_its_word(kind: Any):
    read = type_of(word_of(kind, _name), NAMES)
    assert type_of(word_of(read, _name), NAMES) == read
    if Literal not in map(get_origin, _inner(kind)):
        assert read == kind


def _name(kind: Any) -> str:
    return kind.__name__


def _inner(kind: Any) -> list[Any]:
    return [kind, *(i for a in get_args(kind) for i in _inner(a))]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("str", str),
        (" list[str] ", list[str]),
        ("dict[str, list[int | None]]", dict[str, list[int | None]]),
        ("'dark' | 'light'", Literal["dark", "light"]),
        ("1 | 2", Literal[1, 2]),
        ("'auto' | int", Literal["auto"] | int),
        ("any", Any),
        ("list[message]", list[Message]),
        ("date | None", datetime.date | None),
        ("shop.Mood", Mood),
        ("list[shop.models:Mood] | None | 'a:b'", list[Mood] | None | Literal["a:b"]),
        ("tuple[int, str]", tuple[int, str]),
    ],
)
def test_words(word: str, kind: Any):
    assert type_of(word, NAMES) == kind


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("string", "no type is called 'string'\n  try: did you mean 'str'"),
        ("list[strr]", "no type is called 'strr' in 'list[strr]'"),
        ("List[str]", "no type is called 'List' in"),
        ("a b", "'a b' is not a type"),
        ("__import__('os')", "no type is called"),
        ("(lambda: 1)()", "no type is called"),
        ("int.__class__", "no type is called 'int.__class__'"),
    ],
)
def test_what_is_no_type_is_refused_and_nothing_is_run(word: str, said: str):
    with pytest.raises(PromptError) as error:
        type_of(word)
    assert said in str(error.value)


def test_a_class_has_a_word_only_where_it_has_a_name():
    with pytest.raises(CompositionError, match="has no word"):
        word_of(Mood)
    with pytest.raises(CompositionError, match="has no word"):
        word_of(Annotated[int, "odd"], str)
    with pytest.raises(CompositionError, match="'shop:Mood' is not among names="):
        type_of("list[shop:Mood]")
    assert shown(list[Mood]) == "list[Mood]"

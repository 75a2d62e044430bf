"""Partial values: what any JSON, cut anywhere, shows while it arrives."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any, Literal, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from .output_types import Book

from chainkit.output import Partials, choose, partials, shape_of

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
indents = st.sampled_from([None, 0, 2])


def _pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(c % (len(text) + 1) for c in cuts)})
    return [text[a:b] for a, b in pairwise(places)]


def _shown(pieces: list[str], **options: Any) -> list[Any]:
    reader = Partials(**options)
    shown = [snapshot for piece in pieces for snapshot in reader.feed(piece)]
    return shown + list(reader.finish())


def _grows(old: Any, new: Any) -> bool:
    """Whether the new value is the old one, or the old one with more at its open end."""
    if isinstance(old, dict) and isinstance(new, dict):
        was, now = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        *done, last = [*was] or [None]
        same = all(was[k] == now.get(k, was) for k in done if k is not None)
        return list(now)[: len(was)] == list(was) and same and (last is None or _grows(was[last], now[last]))
    if isinstance(old, list) and isinstance(new, list):
        first, second = cast("list[Any]", old), cast("list[Any]", new)
        return len(first) <= len(second) and all(map(_grows, first, second))
    if isinstance(old, str) and isinstance(new, str):
        return new.startswith(old)
    return type(old) is type(new) and bool(old == new)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(documents, st.lists(st.integers(0, 10_000), max_size=12), indents, st.booleans())
@example({"a": "\U0001f600x", "b": "\ud800"}, list(range(60)), None, True)
@example([1.5e300, -0.0, 10**30], list(range(60)), 2, False)
def test_of_any_json_in_any_pieces_the_last_snapshot_is_the_whole_and_each_grows_into_the_next(
    document: Any, cuts: list[int], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    shown = _shown(_pieces(text, cuts))

    assert shown[-1] == json.loads(text)
    assert all(_grows(old, new) for old, new in pairwise(shown))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(documents, st.integers(0, 10_000))
def test_a_text_cut_short_shows_a_beginning_of_the_whole(document: Any, cut: int) -> None:
    text = json.dumps(document)
    shown = _shown([text[: cut % (len(text) + 1)]])

    assert not shown or isinstance(document, int | float) or _grows(shown[-1], document)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.text(alphabet='{}[]":,\\u0aDd8 1-.eE+truefalsn\n\x01', max_size=30), st.lists(st.integers(0, 100), max_size=8)
)
def test_whatever_comes_nothing_is_raised_and_whole_json_is_read_as_json_reads_it(text: str, cuts: list[int]) -> None:
    shown = _shown(_pieces(text, cuts))
    _shown(_pieces(text, cuts), start="{[")

    try:
        whole = json.loads(text)
    except ValueError:
        return
    assert repr(shown[-1]) == repr(whole)


def test_each_piece_shows_what_it_adds() -> None:
    text = '{"title": "Emma", "year": 1815, "tags": ["novel", true]}'

    assert _shown([text[n : n + 4] for n in range(0, len(text), 4)]) == [
        {},
        {"title": "E"},
        {"title": "Emma"},
        {"title": "Emma", "year": 1815},
        {"title": "Emma", "year": 1815, "tags": ["no"]},
        {"title": "Emma", "year": 1815, "tags": ["novel"]},
        {"title": "Emma", "year": 1815, "tags": ["novel", True]},
    ]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ('{"year": 18', {}),
        ('{"done": tru', {}),
        ('{"ye', {}),
        ('{"year"', {}),
        ('{"year":', {}),
        ('{"a": [1, 2', {"a": [1]}),
        ('{"a": "x\\', {"a": "x"}),
        ('{"a": "x\\u00', {"a": "x"}),
        ('{"a": "x\\ud83d', {"a": "x"}),
        ('{"a": "x\\ud83d\\ude0', {"a": "x"}),
        ('{"a": "x\\ud83d\\ude00', {"a": "x\U0001f600"}),
    ],
)
def test_what_is_not_sure_yet_is_held_back(text: str, last: Any) -> None:
    assert _shown([text])[-1] == last


def test_a_number_at_the_root_is_shown_at_the_end() -> None:
    reader = Partials()

    assert reader.feed("12") == ()
    assert reader.feed("34") == ()
    assert reader.finish() == (1234,)


def test_prose_and_fences_around_the_json_are_passed_over() -> None:
    pieces = list('Sure, {here} it is: $\\frac{1}{2}$\n```json\n{"a": [1]}\n```\n{"b": 2}')

    assert _shown(pieces, start="{") == [{}, {"a": []}, {"a": [1]}]


def test_broken_json_shows_nothing_more() -> None:
    assert _shown(list('{"a": "x", oops, "b": "y"}'))[-1] == {"a": "x"}


def test_snapshots_do_not_change_when_more_comes() -> None:
    reader = Partials()
    (first,) = reader.feed('{"a": [1, {"b": "x')
    kept = json.dumps(first)
    reader.feed('yz", "c": 2}, 3], "d": 4')

    assert json.dumps(first) == kept


def test_a_wrapped_value_is_shown_without_its_wrapper() -> None:
    reader = partials(choose(shape_of(list[Book]), ("native",)))
    text = '{"value": [{"title": "Emma"}]}'
    shown = [s for piece in (text[:5], text[5:15], text[15:26], text[26:]) for s in reader.feed(piece)]

    assert shown == [[{}], [{"title": "Emma"}]]


def test_null_is_a_value_and_not_the_lack_of_one() -> None:
    reader = partials(choose(shape_of(Book | None), ("native",)))

    assert reader.feed('{"value": null}') == (None,)


def test_a_bare_answer_in_words_has_no_partial_value() -> None:
    reader = partials(choose(shape_of(Literal["yes", "no"]), ("prompt",)))

    assert reader.feed("yes") == ()
    assert reader.finish() == ()


def test_a_bare_list_begins_at_its_bracket() -> None:
    reader = partials(choose(shape_of(list[int]), ("prompt",)))

    assert reader.feed("Here {you} are:\n[1, 2") == ([1],)


def test_a_complete_value_is_known_to_be() -> None:
    reader = Partials()
    reader.feed('{"a": 1')
    assert not reader.complete
    reader.feed("}")
    assert reader.complete


@pytest.mark.parametrize(
    "document",
    [
        ["x" * 20] * 20_000,
        {str(n): n for n in range(20_000)},
        ["y" * 400_000],
        [[[n] for n in range(200)] for _ in range(200)],
    ],
    ids=["long list", "wide object", "long string", "nested lists"],
)
def test_the_cost_of_a_piece_does_not_grow_with_the_length_of_the_answer(document: Any) -> None:
    text = json.dumps(document)
    copied = 0
    reader = Partials()
    started = time.process_time()
    for at in range(0, len(text), 4):
        for snapshot in reader.feed(text[at : at + 4]):
            copied += len(snapshot)
    spent = time.process_time() - started

    assert reader.complete
    assert copied <= 80 * len(text)
    # A reading from the start for each piece would take minutes; this is a tenth of a second or two.
    assert spent < 15


def test_deep_nesting_is_read_without_recursion() -> None:
    reader = Partials()
    for _ in range(50):
        reader.feed("[" * 200)
    reader.feed("]" * 10_000)

    assert reader.complete

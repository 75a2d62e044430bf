"""From the text of an answer to the value: what is read, and what is not, because it could be wrong."""

from __future__ import annotations

import datetime
import json
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chainkit.errors import OutputError
from chainkit.messages import ToolCall
from chainkit.output import choose, read, read_call, read_text, shape_of

from .output_types import Book, Color, Pet

Mood = Literal["positive", "negative", "not sure"]


class Lenient(BaseModel):
    """Takes nearly anything: what a careless search would find first."""

    a: Lenient | None = None
    b: list[Lenient] = []
    c: str = ""


EMMA = Book(title="Emma", year=1815)
TEXT = '{"title": "Emma", "year": 1815}'


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"  \n{TEXT}\n",
        f"Sure, here is the book:\n\n{TEXT}\n\nI hope it helps!",
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}\n```",
        f"~~~~ json\n{TEXT}\n~~~~",
        f"Here:\n\n  ```JSON\n  {TEXT}\n  ```\nDone {{really}}.",
        f"Here:\n```json\n{TEXT}",
        f"```json {TEXT} ```",
        f"{TEXT}}}",
        f"{TEXT}\n{TEXT}",
        f"{TEXT} (as I said: {json.dumps(json.loads(TEXT), indent=1)})",
        f"The form {{title, year}} gives, by [1] and $\\frac{{1}}{{2}}$: {TEXT}",
        f'He said "hm. Then: {TEXT}',
        f'<think>Perhaps {{"title": "Persuasion", "year": 1817}}?</think>\n{TEXT}',
        '{"title": "Emma", "year": 1815, "note": "```"}',
    ],
)
def test_json_is_found_wherever_it_stands_alone(answer: str) -> None:
    assert read_text(shape_of(Book), answer) == EMMA
    assert read_text(shape_of(Book), answer, bare=True) == EMMA


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "the answer is empty"),
        ("  \n", "the answer is empty"),
        ("<think>hm", "the answer is empty"),
        ("I cannot help with that.", "holds no JSON that can be read as Book"),
        (TEXT[:-1], "not valid JSON: EOF"),
        (TEXT[:-3] + ",}", "not valid JSON: "),
        ("{'title': 'Emma', 'year': 1815}", "not valid JSON: key must be a string"),
        (f"{TEXT} or {TEXT.replace('Emma', 'Persuasion')}", "holds 2 different values that fit Book"),
        ('{"title": "Emma"}', "year: missing"),
        ('Here: {"title": "Emma"}, see [3]', "year: missing"),
        (f'{{"books": [{TEXT}]}}', "title: missing"),
        (f'{{"books": [{TEXT}', "not valid JSON"),
        (f"{{books: [{TEXT}]}}", "not valid JSON"),
        (f"Sure: {{books: [{TEXT}", "not valid JSON"),
        (f"[{TEXT}]", "should be an object"),
    ],
)
def test_what_is_broken_missing_or_could_mean_two_things_is_an_error_with_the_raw_text(answer: str, said: str) -> None:
    with pytest.raises(OutputError) as caught:
        read_text(shape_of(Book), answer)

    assert said in caught.value.message
    assert caught.value.attempts[0].text == answer


lenient = st.recursive(
    st.just({}),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"a": inner, "b": st.lists(inner, max_size=2), "c": st.text('{}"[]\\x', max_size=4)}
    ),
    max_leaves=5,
)
prose = st.text('ab "{}[]:,\n`\\', max_size=12)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(lenient, st.integers(0, 10_000), prose)
def test_a_part_of_an_answer_that_was_cut_short_is_never_taken_for_the_whole(
    document: Any, cut: int, before: str
) -> None:
    text = json.dumps(document)
    head = text[: cut % len(text)]

    for start in ("", "Here: ", "```json\n"):
        with pytest.raises(OutputError):
            read_text(shape_of(Lenient), start + head)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(lenient, st.text("ab .:\n'", max_size=12), st.text("ab .:\n'}])", max_size=12))
def test_prose_around_json_changes_nothing(document: Any, before: str, after: str) -> None:
    expected = Lenient.model_validate(document)

    assert read_text(shape_of(Lenient), before + json.dumps(document) + after) == expected
    assert (
        read_text(shape_of(Lenient), f"{before}\n```json\n{json.dumps(document, indent=1)}\n```\n{after}") == expected
    )


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.text("{}[]\":,`~\n\\/u0 1-.eEtruefalsn'*<think>", max_size=40), st.booleans())
def test_whatever_a_model_says_gives_a_value_or_an_output_error(text: str, bare: bool) -> None:
    for output in (
        Lenient,
        list[int],
        dict[str, Any],
        Mood,
        int,
        str,
        bool,
        float,
        datetime.date,
        int | str,
        {"type": "array"},
    ):
        try:
            read_text(shape_of(output), text, bare=bare)
        except OutputError as error:
            assert error.attempts[0].text is not None  # noqa: PT017


@pytest.mark.parametrize(
    "text", ["1" * 5000, f"x [{'1' * 5000}]", "\ud800", '["\\ud800"]', "[[" * 100_000, "\x00", "NaN"]
)
def test_text_at_the_edge_of_json_is_no_other_error(text: str) -> None:
    for output in (int, str, list[int], {"type": "integer"}, {"type": "array", "items": {"type": "integer"}}):
        with pytest.raises(OutputError):
            read_text(shape_of(output), text)


def test_brackets_without_end_cost_no_more_than_their_length() -> None:
    for text in ("[" * 100_000, '{"a":' * 50_000, "{x} " * 50_000, "```\n" * 50_000, '["' * 50_000, '[1,"' * 30_000):
        with pytest.raises(OutputError):
            read_text(shape_of(Book), text)


@pytest.mark.parametrize(
    ("output", "answer", "value"),
    [
        (Mood, "positive", "positive"),
        (Mood, ' "positive"\n', "positive"),
        (Mood, "Positive.", "positive"),
        (Mood, "**Not Sure**", "not sure"),
        (Mood, "`negative`", "negative"),
        (Mood, "```\nnegative\n```", "negative"),
        (Mood, '{"value": "negative"}', "negative"),
        (Mood, "<think>positive?</think>negative", "negative"),
        (Color, "Blue", Color.BLUE),
        (Literal[1, 2], "2", 2),
        (Literal["1", "2"], "2", "2"),
        (Mood | None, "null", None),
        (int, "42", 42),
        (int, "42.", 42),
        (int, '"42"', 42),
        (int, "```json\n42\n```", 42),
        (float, "-2.5e3", -2500.0),
        (bool, "true", True),
        (bool, "No", False),
        (datetime.date, "2024-02-29", datetime.date(2024, 2, 29)),
        (str, '"To be," he said.\n', '"To be," he said.'),
        (str, "42", "42"),
        (str, "{not json", "{not json"),
        (int | str, "42", 42),
        (int | str, '"42"', "42"),
    ],
)
def test_a_bare_word_is_enough_for_a_type_of_one_word(output: Any, answer: str, value: Any) -> None:
    found = read_text(shape_of(output), answer, bare=True)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        (Mood, "The answer is positive."),
        (Mood, "not positive"),
        (Mood, "positive or negative"),
        (Mood, "posit"),
        (Literal["a", "A"], "ä"),
        (int, "The answer is 42"),
        (int, "1,000"),
        (int, "4 2"),
        (bool, "yes and no"),
        (float, "about 3"),
        (int | str, "forty-two"),
        (datetime.date, "29.2.2024"),
    ],
)
def test_a_sentence_or_half_a_word_is_not_guessed_at(output: Any, answer: str) -> None:
    with pytest.raises(OutputError):
        read_text(shape_of(output), answer, bare=True)


def test_the_case_of_a_word_counts_where_two_differ_in_nothing_else() -> None:
    assert read_text(shape_of(Literal["a", "A"]), "A", bare=True) == "A"
    with pytest.raises(OutputError):
        read_text(shape_of(Literal["Ab", "aB"]), "ab", bare=True)


def test_a_wrapper_left_out_or_added_is_seen_where_it_can_mean_one_thing() -> None:
    books = shape_of(list[Book])
    assert read_text(books, f"[{TEXT}]") == [EMMA]
    assert read_text(books, f'{{"value": [{TEXT}]}}', bare=True) == [EMMA]

    either = shape_of(dict[str, int] | list[int])
    assert read_text(either, '{"value": 3}', bare=True) == {"value": 3}
    with pytest.raises(OutputError):
        read_text(either, '{"value": 3}')


def test_lists_that_could_be_citations_are_not_chosen_between() -> None:
    with pytest.raises(OutputError, match="2 different values"):
        read_text(shape_of(list[int]), "As [1] says: [4, 5]", bare=True)


def test_the_arguments_of_the_forced_tool_are_the_value() -> None:
    way = choose(shape_of(list[Book]), ("tool",))
    call = ToolCall("list_Book", {"value": [{"title": "Emma", "year": 1815}]}, id="1")

    assert read(way, "", [ToolCall("other", {}), call]) == [EMMA]
    assert read(way, "I call it.", [call, call]) == [EMMA]


def test_two_different_calls_of_the_forced_tool_are_an_error() -> None:
    way = choose(shape_of(int), ("tool",))

    with pytest.raises(OutputError, match="int was called 2 times with different arguments"):
        read(way, "", [ToolCall("int", {"value": 1}), ToolCall("int", {"value": 2})])


def test_arguments_that_came_as_text_are_read_from_the_text() -> None:
    assert read_call(shape_of(int), ToolCall("int", {}, raw='{"value": 3} ')) == 3
    with pytest.raises(OutputError) as caught:
        read_call(shape_of(int), ToolCall("int", {}, raw='{"value": '))
    assert caught.value.attempts[0].text == '{"value": '


def test_a_model_that_answers_in_text_instead_of_calling_the_tool_is_understood() -> None:
    assert read(choose(shape_of(Book), ("tool",)), f"```json\n{TEXT}\n```") == EMMA


def test_a_discriminated_union_is_read_by_its_mark() -> None:
    found = read_text(shape_of(Pet), '{"value": {"kind": "dog", "tricks": ["sit"]}}')

    assert found.kind == "dog"

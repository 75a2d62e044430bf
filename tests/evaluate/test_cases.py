"""Cases: from files, tables and objects, with names of their own, in parts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chainkit.evaluate import Case, EvaluationError, cases, split
from chainkit.evaluate.case import identified


def _file(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


class Asked(BaseModel):
    input: str
    expected: int
    place: str = "Ulm"


@dataclass
class Told:
    input: str
    expected: int


# Where cases come from.


def test_a_tuple_a_dict_an_object_and_a_case_are_cases() -> None:
    given = [
        ("a", 1),
        {"input": "b", "expected": 2, "id": "two", "more": 3},
        Asked(input="c", expected=3),
        Told("d", 4),
        Case("e", 5),
    ]
    found = cases(given)
    assert [(c.input, c.expected) for c in found] == [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]
    assert (found[1].id, found[1].data, found[2].data) == ("two", {"more": 3}, {"place": "Ulm"})
    assert len({c.id for c in found}) == 5


def test_lines_of_json_are_cases_and_empty_lines_are_none(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", '{"input": "grün", "expected": "vert", "tags": ["de", "fr"]}\n\n{"input": "x"}\n')
    one, two = cases(path)
    assert (one.input, one.expected, one.tags, two.expected) == ("grün", "vert", ("de", "fr"), None)
    assert cases(str(path)) == [one, two]


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.jsonl", json.dumps({"input": "a\u2028b\x85c"}, ensure_ascii=False) + "\n")
    assert cases(path)[0].input == "a\u2028b\x85c"


@pytest.mark.parametrize(("mark", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.csv"), ("\t", "a.tsv")])
def test_a_table_with_a_byte_order_mark_and_umlauts_is_read(tmp_path: Path, mark: str, name: str) -> None:
    text = f'frage{mark}antwort{mark}tags\r\n"Größe{mark} in\r\n„cm“?"{mark}1{mark}"lang, de"\r\nÜ{mark}2{mark}\r\n'
    one, two = cases(_file(tmp_path, name, text, "utf-8-sig"), input="frage", expected="antwort")
    assert (one.input, one.expected, one.tags) == (f"Größe{mark} in\r\n„cm“?", "1", ("lang", "de"))
    assert (two.input, two.tags) == ("Ü", ())


def test_a_list_of_json_is_read(tmp_path: Path) -> None:
    assert cases(_file(tmp_path, "a.json", '[{"input": 1}, {"input": 2}]'))[1].input == 2


def test_several_fields_are_the_variables_of_a_prompt_and_the_rest_is_data() -> None:
    found = cases([{"q": "Who?", "text": "Ada.", "a": "Ada", "year": 1}], input=["q", "text"], expected="a")[0]
    assert (found.input, found.expected, found.data) == ({"q": "Who?", "text": "Ada."}, "Ada", {"year": 1})


def test_a_function_may_make_a_field() -> None:
    found = cases([{"a": 2}], input=lambda r: r["a"] * 2, expected=lambda r: r["a"] + 1, id=lambda r: r["a"])[0]
    assert (found.input, found.expected, found.id) == (4, 3, "2")


# What cannot be read.


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"input": 1}\n{"input"\n', r"a.jsonl, line 2: not JSON at column \d"),
        ("a.jsonl", "[1, 2]\n", "a.jsonl, line 1 is a list"),
        ("a.jsonl", '{"input": 1}\n{"imput": 1}\n', r"(?s)line 2: there is no field 'input'.*did you mean 'imput'"),
        ("a.csv", 'input,expected\n"a\nb",1\nc,1,2\n', "line 4: 3 fields, and the header has 2"),
        ("a.csv", 'input,expected\na,1\n"b" x,1\n', "line 3: "),
        ("a.json", '{"input": 1}', "holds a dict, and not a list"),
        ("a.jsonl", "\n", "holds no cases"),
        ("a.csv", "input,expected\n", "holds no cases"),
        ("a.txt", "x", "are read from .jsonl"),
        ("a.jsonl", '{"input": 1, "id": 7}\n{"input": 2, "id": "7"}\n', r"line 2: the id '7' stands in .*line 1 already"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        cases(_file(tmp_path, name, text))


def test_a_file_that_is_not_there_or_not_in_that_encoding_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there is no file"):
        cases(tmp_path / "none.csv")
    path = _file(tmp_path, "a.csv", "input\nGrün\n", "cp1252")
    with pytest.raises(EvaluationError, match=r"(?s)is not utf-8-sig.*encoding=\"cp1252\""):
        cases(path)
    assert cases(path, encoding="cp1252")[0].input == "Grün"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "no cases to measure"),
        ([1], "case 0 is a int"),
        ([("a", 1, "x", 4)], "case 0 is a tuple"),
        ([("a", 1, "x"), ("b", 1, "x")], "case 1: the id 'x' stands in case 0 already"),
        ([{"a": 1}], "case 0: there is no field 'input'"),
    ],
)
def test_objects_that_are_no_cases_are_refused(given: list[Any], said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        cases(given)


def test_a_field_that_was_named_must_be_there_and_one_by_default_need_not() -> None:
    assert cases([{"input": 1}])[0].expected is None
    with pytest.raises(EvaluationError, match=r"(?s)no field 'label'.*expected="):
        cases([{"input": 1}], expected="label")
    with pytest.raises(EvaluationError, match="the function for expected= raised KeyError"):
        cases([{"input": 1}], expected=lambda r: r["b"])


# Names.


def test_a_case_without_an_id_is_named_after_its_content_wherever_it_stands() -> None:
    one, two = cases([("a", 1), ("b", 2)])
    assert cases([("b", 2), ("a", 1)]) == [two, one]


def test_equal_cases_are_numbered() -> None:
    found = cases([("a", 1)] * 3)
    first = found[0].id
    assert [c.id for c in found] == [first, f"{first}-2", f"{first}-3"]


def test_two_cases_of_one_id_are_refused() -> None:
    with pytest.raises(EvaluationError, match="1 ids stand for more than one case, the first of them 'x'"):
        identified([Case("a", id="x"), Case("b", id="x"), Case("c")])


# Parts.


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=60), st.floats(0.05, 0.95), st.integers(0, 5))
def test_each_expected_value_has_its_share_in_both_parts_to_within_a_case(
    labels: list[str], share: float, seed: int
) -> None:
    whole = [Case(i, label, str(i)) for i, label in enumerate(labels)]
    first, rest = split(whole, share, seed)
    assert sorted([*first, *rest], key=lambda c: c.input) == whole
    assert abs(len(first) - share * len(whole)) < 1 + 1e-6
    found = Counter(c.expected for c in first)
    for label, count in Counter(labels).items():
        assert abs(found[label] - share * count) < 1 + 1e-6


def test_a_split_is_the_same_for_a_seed_whatever_the_order_and_another_for_another_seed() -> None:
    whole = [Case(i, i % 2, str(i)) for i in range(40)]
    first, _ = split(whole, 0.5, 3)
    again, _ = split(whole[::-1], 0.5, 3)
    assert {c.id for c in first} == {c.id for c in again}
    assert [c.input for c in first] == sorted(c.input for c in first)
    assert {c.id for c in split(whole, 0.5, 4)[0]} != {c.id for c in first}


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5])
def test_a_share_that_leaves_one_part_empty_is_refused(share: float) -> None:
    with pytest.raises(EvaluationError, match="a share between 0 and 1"):
        split([Case(1), Case(2)], share)

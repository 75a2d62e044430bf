"""Metrics that compute: what they give, and what they cannot take."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from chainkit import Reply
from chainkit.documents import Chunk, Retrieved
from chainkit.ensembles.verdict import Verdict
from chainkit.evaluate import Case, EvaluationError, Metric, contains, exact, f1, hit, metric, mrr, numeric
from chainkit.evaluate.metric import told_apart
from chainkit.evaluate.metrics import number_of
from chainkit.messages import Text


class Book(BaseModel):
    title: str
    year: int = 0


class Order(BaseModel):
    pending: int


@pytest.mark.parametrize(
    ("said", "expected", "score"),
    [
        ("Paris.", " paris ", 1), ("Rome", "Paris", 0), (Reply((Text("Paris"),)), "paris", 1), (3, 3, 1), (True, "true", 1), (4, "4", 1), ("4", 4, 0),
        (Book(title="A"), {"title": "A", "year": 0}, 1), (Book(title="A"), Book(title="A", year=1), 0),
        ("b", {"a", "b"}, 1), ([1, 2], [1, 2], 1), ([1, 2], [2, 1], 0), (None, None, 1),
    ],
)  # fmt: skip
def test_exact_compares_normal_forms(said: Any, expected: Any, score: float) -> None:
    assert exact()(said, expected) == score


def test_exact_compares_by_a_key() -> None:
    assert exact(key=lambda b: str(b["title"] if isinstance(b, dict) else b.title).lower())(
        Book(title="A"), {"title": "a"}
    )


@pytest.mark.parametrize(
    ("said", "expected", "score"),
    [
        ("the cat sat", "a cat sat down", 2 * 2 / (2 + 3)), ("cat", "dog", 0), ("", "", 1), ("", "a word", 0), ("The", "An", 1),
        ("x y y", "y y z", 2 * 2 / 6), ("Die „Größe“!", "die größe", 1), ("b c", ["a", "b c", "d"], 1), ("b", ["a", "b c"], 2 / 3),
    ],
)  # fmt: skip
def test_f1_is_the_overlap_of_words(said: str, expected: Any, score: float) -> None:
    assert f1()(said, expected) == pytest.approx(score)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("about 1,234.5 km", 1234.5), ("1.234,5 km", 1234.5), ("3,5", 3.5), ("3.5", 3.5), ("1,234", 1234), ("1.234.567", 1234567),
        ("12'000", 12000), ("-4", -4), ("−4", -4), ("2e3", 2000), ("first 3, then 12.", 12), ("none", None), (7, 7), (True, 1),
        ("1,234,567", 1234567), ("$.50", 0.5), ("1.234", 1.234), ("it is 42!", 42), ("x-2", -2), ("1,5", 1.5),
    ],
)  # fmt: skip
def test_numbers_are_read_in_both_spellings(text: Any, number: float | None) -> None:
    assert number_of(text) == number


def test_numeric_allows_a_share_or_an_amount() -> None:
    assert numeric()("the answer is 12", 12) == 1
    assert numeric()("no idea", 12) == 0
    assert (numeric(rel=0.1)(109, 100), numeric(rel=0.1)(111, 100)) == (1, 0)
    assert (numeric(abs=2)("101.5", "100"), numeric(abs=1)("101.5", 100)) == (1, 0)
    with pytest.raises(EvaluationError, match="needs an expected number"):
        numeric()(1, "many")


def test_contains_looks_for_whole_words() -> None:
    assert contains()("It is Paris, of course.", "paris") == 1
    assert contains()("Parisian", "paris") == 0
    assert contains()("red and blue", ["blue", "red"]) == 1
    assert contains()("red", ["blue", "red"]) == 0
    assert contains()("anything", "") == 0


def _found(*sources: str) -> list[Retrieved]:
    return [Retrieved(Chunk(f"{s}#0", "text", 0, 4, (), {"source": s}), 1.0) for s in sources]


def test_hit_and_mrr_see_the_rank_of_the_first_expected_source() -> None:
    found = _found("a.md", "b.md", "c.md")
    assert (hit(1)(found, "b.md"), hit(2)(found, "b.md"), hit(2).name) == (0, 1, "hit@2")
    assert mrr()(found, ["x.md", "c.md"]) == pytest.approx(1 / 3)
    assert (mrr()(found, "x.md"), mrr()([], "x.md")) == (0, 0)
    assert mrr()(found, "b.md#0") == 0.5
    assert mrr()(["a", "b"], "b") == 0.5
    assert (hit()(_found("/srv/wiki/hr/a.md"), "hr/a.md"), hit()(_found("/srv/wiki/hr/a.md"), "r/a.md")) == (1, 0)
    assert mrr()([{"source": "a"}, {"id": "b"}], {"b"}) == 0.5


def test_hit_of_what_is_no_list_says_what_it_needs() -> None:
    with pytest.raises(EvaluationError, match="need a list of what was found, and the chain gave str"):
        hit()("text", "a.md")
    with pytest.raises(EvaluationError, match="k is at least 1"):
        hit(0)


# What may stand in metrics=.


def test_functions_and_objects_are_metrics_and_one_alone_needs_no_list() -> None:
    each, whole = told_apart([exact(), metric(lambda v, e: v == e, "same")])
    assert [m.name for m in each] == ["exact", "same"]
    assert whole == ()
    assert told_apart(exact())[0] == (exact(),)
    assert all(isinstance(m, Metric) for m in each)


def test_a_function_is_given_a_reply_as_its_text() -> None:
    assert metric(lambda v, e: v).score(Case("q"), Reply((Text("hi"),))) == "hi"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([exact(), exact()], "two metrics have the name 'exact'"),
        ([exact], r"metrics=\[exact\] is not called"),
        (["exact"], "'exact' is no metric"),
        ("exact", "'exact' is no metric"),
        ([3], "3 is no metric"),
    ],
)
def test_what_is_no_metric_is_refused(given: Any, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        told_apart(given)


def test_a_verdict_counts_as_its_value() -> None:
    from chainkit.evaluate.plain import bare, plain, text_of

    verdict = Verdict(Book(title="A"), 1.0, 0.0, ())
    assert (bare(verdict), plain(verdict)) == (Book(title="A"), {"title": "A", "year": 0})
    assert text_of(Verdict("x", 1.0, 0.0, ())) == "x"
    assert bare(Order(pending=2)) == Order(pending=2)


def test_an_agents_result_counts_as_its_value() -> None:
    from chainkit import AgentResult, Messages
    from chainkit.evaluate.plain import plain

    assert plain(AgentResult(AgentResult("x", Messages()), Messages())) == "x"

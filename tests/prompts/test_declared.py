from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import pytest
from pydantic import BaseModel, ConfigDict

from chainkit.errors import PromptError
from chainkit.prompts import prompt


class Author(BaseModel):
    name: str
    born: int | None = None


class Book(BaseModel):
    title: str
    author: Author
    tags: list[str] = []

    @property
    def short(self) -> str:
        return self.title[:3]


@dataclass
class Shelf:
    books: list[Book]
    label: str = ""


class Row(TypedDict):
    title: str


class Point(NamedTuple):
    x: int


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int = 0


class Dynamic:
    def __getattr__(self, name: str) -> str:
        return name


@pytest.mark.parametrize(
    ("template", "kind", "owner", "cure"),
    [
        ("{{ x.titel }}", Book, "'x' is Book, which has no 'titel'", "did you mean 'title'?"),
        ("{{ x.author.nam }}", Book, "'x.author' is Author, which has no 'nam'", "did you mean 'name'?"),
        ("{{ x.title.uper() }}", Book, "'x.title' is str, which has no 'uper'", "did you mean 'upper'"),
        ("{{ x.titel }}", Book | None, "'x' is Book | None, which", "did you mean 'title'?"),
        ("{% for b in x %}{{ b.titel }}{% endfor %}", list[Book], "'b' is Book, which", "'title'"),
        ("{% for b in x|sort(attribute='title') %}{{ b.titel }}{% endfor %}", Sequence[Book], "'b' is Book", "'title'"),
        ("{% for b in x.books if b.titel %}{{ b.title }}{% endfor %}", Shelf, "'b' is Book", "'title'"),
        ("{{ x[0].titel }}", list[Book], "is Book, which has no 'titel'", "'title'"),
        ("{{ (x|first).titel }}", tuple[Book, ...], "is Book, which has no 'titel'", "'title'"),
        ("{{ x.titel }}", Row, "'x' is Row, which has no 'titel'", "'title'"),
        ("{{ x.y }}", Point, "'x' is Point, which has no 'y'", "'x'"),
        ("{{ x.lenght }}", list[str], "'x' is list[str], which has no 'lenght'", "known:"),
    ],
)
def test_a_misspelt_attribute_is_found_when_the_prompt_is_made(template: str, kind: Any, owner: str, cure: str):
    with pytest.raises(PromptError) as error:
        prompt(template, x=kind)
    assert owner in str(error.value)
    assert cure in str(error.value)
    assert "line 1:" in str(error.value)


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("{{ x.title }}{{ x.short }}{{ x.author.born }}{{ x.model_dump() }}", Book),
        ("{{ x.anything }}", Any),
        ("{{ x.anything }}", Open),
        ("{{ x.anything }}", Dynamic),
        ("{{ x.anything }}", dict[str, Any]),
        ("{{ x.items() }}{{ x.a.b }}", dict[str, Any]),
        ("{{ x.titel }}", Book | Open),
        ("{% set x = {'titel': 1} %}{{ x.titel }}", Book),
        ("{% for b in x %}{% set b = b.author %}{{ b.name }}{% endfor %}", list[Book]),
        ("{% for b in x recursive %}{{ b.sub }}{{ loop(b.sub) }}{% endfor %}", list[Book]),
        ("{% set y = x %}{{ y.titel }}", Book),
        ("{% for k, v in x.items() %}{{ v.titel }}{% endfor %}", dict[str, Book]),
        ("{% for b in x %}{{ loop.index }}{{ b.title }}{% endfor %}", list[Book]),
        ("{% macro m(x) %}{{ x.titel }}{% endmacro %}{{ m({}) }}", Book),
        ("{% for t in x %}{{ t }}{% else %}{{ x.count(1) }}{% endfor %}", list[int]),
    ],
)
def test_attributes_that_may_exist_stay_silent(template: str, kind: Any):
    try:
        prompt(template, x=kind)
    except PromptError as error:
        assert "is declared, and no template uses it" in str(error)  # noqa: PT017 - the only error allowed here


def test_partials_share_the_prompts_variables():
    made = prompt(
        "{% include 'greeting' %}{% for item in items %}{% include 'row' %}{% endfor %}",
        partials={"greeting": "Dear {{ name }},\n", "row": "- {{ item }} for {{ name }}\n"},
        name=str,
        items=list[str],
    )
    assert made.invoke({"name": "Ada", "items": ["a", "b"]})[0].text == "Dear Ada,\n- a for Ada\n- b for Ada\n"


def test_macros_can_be_imported_from_a_partial():
    made = prompt(
        "{% from 'forms' import item %}{% for t in tags %}{{ item(t) }}{% endfor %}",
        partials={"forms": "{% macro item(text) %}<{{ text }}>{% endmacro %}"},
        tags=list[str],
    )
    assert made.invoke({"tags": ["a", "b"]})[0].text == "<a><b>"


def test_a_partial_can_be_a_layout():
    made = prompt(
        "{% extends 'page' %}{% block body %}{{ text }}{% endblock %}",
        partials={"page": "<{% block body %}{% endblock %}>"},
        text=str,
    )
    assert made.invoke({"text": "{{ x }}"})[0].text == "<{{ x }}>"


@pytest.mark.parametrize(
    ("template", "partials", "message"),
    [
        ("{% include 'gretting' %}", {"greeting": "x"}, "no partial is called 'gretting'.*did you mean 'greeting'"),
        ("Hi", {"greeting": "x"}, "the partial 'greeting' is never included"),
        ("{% include name %}", {"greeting": "x"}, "not named in quotes"),
        (
            "{% include 'greeting' %}",
            {"greeting": "a\n{{ nme }}"},
            "'nme', which is not declared\n  in partial 'greeting', line 2",
        ),
        ("{% include 'greeting' %}", {"greeting": "{{ a"}, "cannot be read.*in partial 'greeting'"),
        ("{% include 'x' %}", {}, "no partial is called 'x'"),
    ],
)
def test_what_is_wrong_with_partials_is_told(template: str, partials: dict[str, str], message: str):
    with pytest.raises(PromptError, match="(?s)" + message):
        prompt(template, partials=partials)

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from chainkit.errors import CompositionError, MissingExtra, PromptError
from chainkit.messages import Media, Message, Text, message
from chainkit.prompts import Prompt, assistant, examples, history, media, prompt, prompt_file, system, user
from chainkit.prompts.data import from_data, to_data
from chainkit.prompts.files import prompt_text, to_text

BOOKS = """+++
name = "books"
description = "Names books of a genre"

[variables]
genre = "str"
count = { type = "int", default = 3, description = "how many" }
tone = ["dry", "warm"]
note = { type = "str", optional = true }

[[examples]]
question = "2+2"
reply = "4"

[partials]
bye = "Goodbye."

[meta]
model = "any"
+++ system
You are a {{ tone }} bookseller.

+++ examples
+++ input
Q: {{ question }}
+++ output
{{ reply }}
+++ history turns last=20
+++ user

Name {{ count }} {{ genre }} books.
{{ note or "" }}
\\+++ no section

+++ media photo
and this {% include "bye" %}
"""


def test_a_file_is_a_prompt(tmp_path: Path):
    file = tmp_path / "books.md"
    file.write_bytes(BOOKS.replace("\n", "\r\n").encode())
    made = prompt_file(file)
    assert list(made.variables) == ["genre", "count", "tone", "note", "turns", "photo"]
    assert made.variables["tone"] == Literal["dry", "warm"]
    found = made.invoke({"genre": "+++ system", "tone": "dry", "turns": [], "photo": "https://x.org/y.png"})
    assert [(m.role, m.text) for m in found] == [
        ("system", "You are a dry bookseller."),
        ("user", "Q: 2+2"),
        ("assistant", "4"),
        ("user", "Name 3 +++ system books.\n\n+++ no sectionand this Goodbye."),
    ]
    assert made.label == "books"
    assert made.description == "Names books of a genre"
    assert made.meta == {"model": "any"}


def test_a_file_without_marks_is_one_user_message():
    assert prompt_text("Hello\n\nthere\n").invoke({}) == (message("user", "Hello\n\nthere"),)


def test_yaml_front_matter_is_read_too():
    made = prompt_text(
        "---\nname: books\nvariables:\n  genre: str\n  tone: [dry, warm]\n---\nA {{ tone }} {{ genre }} book\n"
    )
    assert made.invoke({"genre": "crime", "tone": "dry"})[0].text == "A dry crime book"


def test_yaml_needs_its_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtra, match="needs PyYAML"):
        prompt_text("---\nname: x\n---\nHi")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "+++\n[variables]\ngenre = 'str'\n+++ system\nHi\n+++ user\n\nA {{ genr }}\n",
            "in p.md (user), line 8:\n    A {{ genr }}",
        ),
        ("+++\n[variables]\ngenre = 'str'\n+++\nA {genre}\n", "in p.md (user), line 5:\n    A {genre}"),
        ("+++\nname = \n+++\nHi", "p.md: the front matter is not TOML: Invalid value (at line 2"),
        ("---\na: [\n---\nHi", "p.md: the front matter is not YAML"),
        ("---\n- a\n---\nHi", "p.md: the front matter must be a mapping, got list"),
        ("+++\nname = 'x'\nHi", "p.md: the front matter that line 1 begins has no end"),
        ("+++\nnam = 'x'\n+++\nHi", "p.md: the front matter has no 'nam'\n  try: did you mean 'name'?"),
        ("+++\ntemperature = 1\n+++\nHi", "anything may stand under [meta]"),
        (
            "+++\n[variables]\ngenre = 'string'\n+++\n{{ genre }}",
            "p.md: variable 'genre': no type is called 'string'\n  try: did you mean 'str'",
        ),
        (
            "+++\n[variables]\ngenre = 3\n+++\n{{ genre }}",
            "p.md: variable 'genre' must be a type's word or a table, got 3",
        ),
        (
            "+++\n[variables]\nn = { type = 'int', defalt = 3 }\n+++\n{{ n }}",
            "variable 'n' has no 'defalt'\n  try: did you mean 'default'?",
        ),
        (
            "+++\n[variables]\nn = { type = 'int', default = 'x' }\n+++\n{{ n }}",
            "variable 'n' must be int, got str 'x'",
        ),
        ("+++ usr\nHi", "p.md, line 1: no section is called 'usr'\n  try: did you mean 'user'?"),
        ("Hi\n+++ history", "p.md, line 2: '+++ history' needs the name of a variable"),
        ("+++ media photo", "p.md, line 1: 'media' belongs into a message, and none stands before it"),
        ("+++ input\nx", "p.md, line 1: 'input' belongs below '+++ examples'"),
        ("+++ history turns lst=2", "p.md, line 1: 'history' has no option 'lst'"),
        ("+++ user 'x", "p.md, line 1: No closing quotation"),
        ("+++\n+++\n", "p.md: the file holds no message"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(text: str, said: str):
    with pytest.raises(PromptError) as error:
        prompt_text(text, where="p.md")
    assert said in str(error.value)


def test_a_file_comes_back_as_it_was_saved(tmp_path: Path):
    made = prompt_text(BOOKS)
    made.save(tmp_path / "again.md")
    again = prompt_file(tmp_path / "again.md")
    assert again == made
    assert (again.name, again.description, again.meta) == (made.name, made.description, made.meta)


TEMPLATE = st.one_of(
    st.text(alphabet=st.sampled_from("ab +\\-\n\t é#\x0b\x85\u2028")),
    st.sampled_from(["+++ user", "\\+++ user", "a\n+++\nb", "\n\nx\n\n", " x ", "{{ name }}\n+++ system\n"]),
).filter(lambda text: not any(m in text for m in ("{#", "#}")))
FIXED = st.text(alphabet=st.sampled_from("ab{%}+ \n'\"")).map(Text)
TURN = st.one_of(
    st.builds(
        lambda texts: user(*texts),
        st.lists(st.one_of(TEMPLATE, FIXED, st.just(media("photo"))), min_size=1, max_size=4),
    ),
    st.builds(system, TEMPLATE),
    st.builds(assistant, TEMPLATE, FIXED),
    st.builds(
        lambda texts, name: Message("user", tuple(texts), name),
        st.lists(FIXED, min_size=1, max_size=2),
        st.sampled_from([None, "Bo b"]),
    ),
    st.builds(lambda last: history("turns", last=last), st.one_of(st.none(), st.integers(1, 9))),
    st.builds(
        lambda rows, k: examples(rows, "{{ a }}\n", "{{ b }}", k=k),
        st.lists(
            st.fixed_dictionaries(
                {"a": st.text(), "b": st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False), st.text())}
            ),
            min_size=1,
            max_size=2,
        ),
        st.sampled_from([None, 1]),
    ),
    st.just(examples("shots", k=1)),
)


@given(st.lists(TURN, min_size=1, max_size=4), st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_every_prompt_of_plain_data_survives_a_file_and_data(parts: list[Any], value: str):
    made = prompt(*parts, "{{ name }}", name=str, partials={}).partial(name=value)
    assert prompt_text(to_text(made)) == made
    assert from_data(json.loads(json.dumps(to_data(made)))) == made


def test_types_defaults_and_classes_survive():
    class Ask(BaseModel):
        genre: str
        turns: list[Message] = []

    names = {"Ask": Ask, "first": _first}
    made = prompt(history("turns"), examples([("a", "b")], select=_first), "{{ genre }}", vars=Ask)
    data = json.loads(json.dumps(to_data(made, lambda thing: {v: k for k, v in names.items()}[thing])))
    assert data["vars"] == "Ask"
    assert from_data(data, names) == made
    with pytest.raises(CompositionError, match="needs 'first', which is not among names="):
        from_data(data)
    with pytest.raises(CompositionError, match="has no name here"):
        to_data(made)


def _first(rows: Any, values: Any, k: int | None) -> Any:  # noqa: ARG001 - a selector's form
    return rows[:1]


def test_a_file_may_name_what_the_reader_supplies():
    class Book(BaseModel):
        title: str

    made = prompt_text("+++\n[variables]\nbook = 'Book'\n+++\n{{ book.title }}", names={"Book": Book})
    assert made.invoke({"book": {"title": "Emma"}})[0].text == "Emma"
    text = "+++\n[[shots]]\ninput = 'a'\noutput = 'b'\n[[shots]]\ninput = 'c'\noutput = 'd'\n+++ examples shots select=first\n+++ user\nHi"
    assert len(prompt_text(text, names={"first": _first}).invoke({})) == 3


def test_media_survive_data_and_not_a_file():
    made = prompt(user("x", Media("image", "image/png", data=b"\x00\xff")))
    assert from_data(json.loads(json.dumps(to_data(made)))) == made
    with pytest.raises(CompositionError, match="cannot hold media"):
        to_text(made)


def test_values_given_for_good_survive():
    made = prompt(history("turns"), "{{ tags|join }}{{ n }}", tags=list[str], n=int).partial(
        tags=["a"], turns=[{"role": "user", "content": "hi"}]
    )
    again: Prompt[Any] = from_data(json.loads(json.dumps(to_data(made))))
    assert again == made
    assert again.invoke({"n": 1})[-1].text == "a1"


def test_data_that_is_no_prompt_is_refused():
    with pytest.raises(PromptError, match="a prompt has no 'prts'"):
        from_data({"prts": []})
    with pytest.raises(PromptError, match="this is no part of a prompt"):
        from_data({"parts": [{"role": "boss", "contents": ["x"]}]})

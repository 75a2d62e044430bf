from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from pydantic import BaseModel, Field

from chainkit.errors import PromptError
from chainkit.messages import Message, Messages, Text
from chainkit.models.reply import Reply
from chainkit.prompts import Prompt, assistant, examples, history, media, prompt, system, user


class Ask(BaseModel):
    genre: str
    pages: int = 3


@dataclass(frozen=True)
class Asked:
    genre: str
    pages: int = 3
    tags: list[str] = field(default_factory=list[str])


class AskDict(TypedDict):
    genre: str
    pages: NotRequired[int]


class Mood(str, Enum):
    DARK = "dark"


def texts(messages: Messages) -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in messages]


def said(error: pytest.ExceptionInfo[PromptError]) -> str:
    return str(error.value)


def test_a_text_is_a_user_message():
    assert prompt("A {{ genre }} book", genre=str).invoke({"genre": "gothic"}) == Messages(
        (Message("user", (Text("A gothic book"),)),)
    )


def test_parts_keep_their_roles_and_their_order():
    made = prompt(system("You know {{ genre }}."), history("turns"), "Name one", assistant("Well,"), genre=str)
    found = made.invoke({"genre": "crime", "turns": [{"role": "user", "content": "Hi"}]})
    assert texts(found) == [("system", "You know crime."), ("user", "Hi"), ("user", "Name one"), ("assistant", "Well,")]


def test_a_trailing_newline_stays_and_block_lines_vanish():
    made = prompt("Books:\n{% for b in books %}\n- {{ b }}\n{% endfor %}\n", books=list[str])
    assert made.invoke({"books": ["a", "b"]})[0].text == "Books:\n- a\n- b\n"


def test_a_system_message_of_white_space_is_left_out():
    made = prompt(system("{% if tone %}Be {{ tone }}.{% endif %}\n"), "Hi", tone=str)
    assert texts(made.invoke({"tone": ""})) == [("user", "Hi")]
    assert texts(made.invoke({"tone": "kind"})) == [("system", "Be kind."), ("user", "Hi")]


def test_fixed_messages_and_texts_are_no_templates():
    made = prompt(Message("system", (Text("{{ raw }}"),)), user("Say {{ word }}: ", Text("{{ word }}")), word=str)
    assert texts(made.invoke({"word": "x"})) == [("system", "{{ raw }}"), ("user", "Say x: {{ word }}")]


# What is known when the prompt is made.


def test_an_undeclared_variable_is_shown_with_its_line_and_a_suggestion():
    with pytest.raises(PromptError) as error:
        prompt(system("Be kind."), "One line\nA {{ genr }} book", genre=str)
    assert said(error) == (
        "the template uses 'genr', which is not declared\n"
        "  in part 2 (user), line 2:\n"
        "    A {{ genr }} book\n"
        "         ^^^^\n"
        "  try: did you mean 'genre'?"
    )


def test_an_undeclared_variable_in_a_prompt_without_any_gets_its_declaration():
    with pytest.raises(PromptError, match=r"declare it: prompt\(\.\.\., genre=str\)"):
        prompt("A {{ genre }} book")


def test_an_unused_variable_in_single_braces_is_shown_where_it_stands():
    with pytest.raises(PromptError) as error:
        prompt("A {genre} book", genre=str)
    assert said(error) == (
        "'genre' is declared, and no template uses it\n"
        "  in part 1 (user), line 1:\n"
        "    A {genre} book\n"
        "      ^^^^^^^\n"
        "  try: write {{ genre }}"
    )


def test_an_unused_field_of_a_model_is_an_error():
    with pytest.raises(PromptError, match="'pages' is declared, and no template uses it"):
        prompt("A {{ genre }} book", vars=Ask)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(PromptError) as error:
        prompt("{{ first }} and {{ second }}", third=str)
    assert "3 things are wrong" in said(error)
    assert all(name in said(error) for name in ("'first'", "'second'", "'third'"))


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("ok\n{{ genre }", "    {{ genre }\n             ^"),
        ("{% fi genre %}", "    {% fi genre %}\n       ^^"),
        ("{% if genre %}x", "    {% if genre %}x\n"),
        ("{{ genre | uper }}", "    {{ genre | uper }}\n               ^^^^"),
        ("{{ genre is strange }}", "    {{ genre is strange }}\n                ^^^^^^^"),
        ("{{ genre | random }}", "    {{ genre | random }}\n               ^^^^^^"),
    ],
)
def test_a_template_that_cannot_be_read_shows_the_line(template: str, line: str):
    with pytest.raises(PromptError) as error:
        prompt(template, genre=str)
    assert line in said(error)


def test_a_long_line_is_cut_around_the_mistake():
    with pytest.raises(PromptError) as error:
        prompt("x" * 100_000 + "{{ genr }}" + "y" * 100_000, genre=str)
    assert len(said(error)) < 500
    assert "{{ genr }}" in said(error)


@pytest.mark.parametrize("name", ["self", "loop", "caller", "range", "dict"])
def test_names_of_jinja_cannot_be_variables(name: str):
    with pytest.raises(PromptError, match="Jinja gives it a meaning"):
        prompt(f"{{{{ {name} }}}}", **{name: str})


def test_a_prompt_takes_a_class_or_single_variables():
    with pytest.raises(PromptError, match="not both"):
        prompt("{{ genre }}{{ pages }}", vars=Ask, tone=str)  # type: ignore[call-overload]
    with pytest.raises(PromptError, match="takes a pydantic model"):
        prompt("{{ genre }}", vars=str)


@pytest.mark.parametrize("value", ["gothic", 3, None, ["a"], {"a": 1}])
def test_a_value_in_a_types_place_is_told_apart(value: Any):
    with pytest.raises(PromptError, match="variable 'genre' is declared by its type, got"):
        prompt("A {{ genre }} book", genre=value)


def test_a_part_that_is_none_is_refused():
    with pytest.raises(PromptError, match="got int"):
        prompt("a", 3)  # type: ignore[call-overload]
    with pytest.raises(PromptError, match="at least one part"):
        prompt()
    with pytest.raises(PromptError, match=r"user\(\) needs a text"):
        user()


# What a call is given.


def test_values_of_the_wrong_type_are_named():
    made = prompt("{{ genre }} {{ pages }} {{ mood }}", genre=str, pages=int, mood=Literal["dark", "light"])
    good: dict[str, Any] = {"genre": "x", "pages": 1, "mood": "dark"}
    for change, message in [
        ({"genre": 3}, "variable 'genre' must be str, got int 3\n  at: prompt\n  try: str(value)"),
        ({"genre": None}, "variable 'genre' must be str, got None"),
        ({"genre": b"x"}, "variable 'genre' must be str, got bytes\n  at: prompt\n  try: value.decode()"),
        ({"pages": "many"}, "variable 'pages' must be int, got str 'many'"),
        ({"mood": "grey"}, "variable 'mood' must be 'dark' | 'light', got str 'grey'"),
    ]:
        with pytest.raises(PromptError) as error:
            made.invoke({**good, **change})
        assert said(error).startswith(message)


def test_what_is_wrong_inside_a_value_is_told():
    made = prompt("{% for b in books %}{{ b.genre }}{{ b.pages }}{% endfor %}", books=list[Ask])
    with pytest.raises(PromptError, match=r"books\[1\]\.pages: Input should be a valid integer"):
        made.invoke({"books": [{"genre": "a"}, {"genre": "b", "pages": "many"}]})


def test_constraints_hold():
    made = prompt("{{ pages }}", pages=Annotated[int, Field(gt=0)])
    assert made.invoke({"pages": 2})[0].text == "2"
    with pytest.raises(PromptError, match="pages: Input should be greater than 0"):
        made.invoke({"pages": -1})


def test_missing_and_extra_keys_are_named_with_a_suggestion():
    made = prompt("{{ genre }} {{ pages }}", genre=str, pages=int)
    with pytest.raises(PromptError) as error:
        made.invoke({"genr": "x", "pages": 1})
    assert said(error).startswith("no value for 'genre'; 'genr' is not among the prompt's variables\n")
    assert "did you mean 'genre'?" in said(error)
    with pytest.raises(PromptError, match="no value for 'genre', 'pages'"):
        made.invoke({})
    with pytest.raises(PromptError, match="'more' is not among"):
        made.invoke({"genre": "x", "pages": 1, "more": 1})


def test_a_bare_value_is_refused_with_the_cure():
    with pytest.raises(PromptError, match="takes a mapping of its variables, got str 'cats'") as error:
        prompt("{{ topic }}", topic=str).invoke("cats")  # type: ignore[arg-type]
    assert "parallel(topic=identity()) | prompt" in said(error)


def test_a_reply_counts_as_its_text():
    reply = Reply((Text("gothic"),))
    assert prompt("{{ genre }}", genre=str).invoke({"genre": reply})[0].text == "gothic"
    assert prompt("{{ genre }}", genre=str | None).invoke({"genre": reply})[0].text == "gothic"
    assert prompt("{{ all|join(', ') }}", all=list[str]).invoke({"all": [reply, "b"]})[0].text == "gothic, b"
    assert prompt("{{ genre }}{{ pages }}", vars=Ask).invoke({"genre": reply})[0].text == "gothic3"
    with pytest.raises(PromptError, match="must be int, got Reply"):
        prompt("{{ n }}", n=int).invoke({"n": Reply((Text("3"),))})


def test_what_a_subclass_adds_to_a_text_is_left_behind():
    class Loud(str):
        def __str__(self) -> str:
            return self.upper()

        def __html__(self) -> str:
            return "<b>"

    for kind in (str, Any, str | None):
        assert prompt("{{ x }}{{ x ~ '&' }}", x=kind).invoke({"x": Loud("a")})[0].text == "aa&"


def test_an_enum_prints_its_value():
    assert prompt("{{ mood }}{{ mood ~ '!' }}", mood=Mood).invoke({"mood": "dark"})[0].text == "darkdark!"
    assert prompt("{{ mood }}", mood=str).invoke({"mood": Mood.DARK})[0].text == "dark"


def test_none_is_no_text():
    made = prompt("First\n{{ tone }} and {{ mood }}", tone=str, mood=str | None)
    with pytest.raises(PromptError) as error:
        made.invoke({"tone": "a", "mood": None})
    assert "None has no text" in said(error)
    assert "line 2:\n    {{ tone }} and {{ mood }}\n                      ^^^^" in said(error)
    assert prompt("{{ mood or '-' }}", mood=str | None).invoke({"mood": None})[0].text == "-"


@pytest.mark.parametrize("given", [{"genre": "x"}, {"genre": "x", "pages": 3}])
@pytest.mark.parametrize("kind", [Ask, Asked])
def test_a_class_of_variables_takes_a_mapping_or_an_instance(kind: Any, given: dict[str, Any]):
    made = prompt("{{ genre }} {{ pages }}" + ("{{ tags|join }}" if kind is Asked else ""), vars=kind)
    assert made.invoke(given)[0].text == "x 3"
    assert made.invoke(kind(**given))[0].text == "x 3"
    for wrong, message in [
        ({"genre": 3}, "'genre' must be str"),
        ({}, "no value for 'genre'"),
        ({"genre": "x", "pges": 1}, "did you mean"),
    ]:
        with pytest.raises(PromptError, match=message):
            made.invoke(wrong)
    with pytest.raises(PromptError, match=f"takes a {kind.__name__} or a mapping, got int"):
        made.invoke(3)


def test_the_fields_of_a_dataclass_instance_are_checked():
    with pytest.raises(PromptError, match="'pages' must be int"):
        prompt("{{ genre }}{{ pages }}{{ tags }}", vars=Asked).invoke(Asked("x", pages="many"))  # type: ignore[arg-type]


def test_a_typed_dict_may_leave_keys_out():
    made = prompt("{{ genre }}{% if pages is defined %} of {{ pages }}{% endif %}", vars=AskDict)
    assert made.invoke({"genre": "x"})[0].text == "x"
    assert made.invoke({"genre": "x", "pages": 2})[0].text == "x of 2"
    bare = prompt("{{ genre }}{{ pages }}", vars=AskDict)
    with pytest.raises(PromptError, match="'pages' is undefined"):
        bare.invoke({"genre": "x"})


def test_an_alias_of_a_model_is_a_key():
    class Aliased(BaseModel):
        genre: str = Field(alias="Genre")

    assert prompt("{{ genre }}", vars=Aliased).invoke({"Genre": "x"})[0].text == "x"
    with pytest.raises(PromptError, match="no value for 'Genre'"):
        prompt("{{ genre }}", vars=Aliased).invoke({})


def test_inputs_are_never_changed():
    class Counting(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            self[key] = "made up"
            return "made up"

    given = Counting()
    with pytest.raises(PromptError):
        prompt("{{ a }}", a=str).invoke(given)
    assert not given
    tags = ["a"]
    with pytest.raises(PromptError, match="unsafe"):
        prompt("{{ tags.append('b') }}", tags=list[str]).invoke({"tags": tags})
    assert tags == ["a"]


# Partials, looking at it, equality.


def test_a_partial_has_fewer_variables():
    whole = prompt("{{ greeting }} in {{ language }}", greeting=str, language=str)
    german = whole.partial(language="German")
    assert german.variables == {"greeting": str}
    assert german.invoke({"greeting": "hi"})[0].text == "hi in German"
    assert german != whole
    with pytest.raises(PromptError, match="'language' was given for good"):
        german.invoke({"greeting": "hi", "language": "French"})
    with pytest.raises(PromptError, match="must be str, got int"):
        whole.partial(language=3)
    with pytest.raises(PromptError, match="no variable 'langage' left"):
        whole.partial(langage="x")


def test_a_partial_of_a_class_takes_a_mapping_of_the_rest():
    short = prompt("{{ genre }} {{ pages }}", vars=Ask).partial(pages=1)
    assert short.in_type == Mapping[str, Any]
    assert short.invoke({"genre": "x"})[0].text == "x 1"
    with pytest.raises(PromptError, match="takes a mapping of the rest, got Ask"):
        short.invoke(Ask(genre="x"))  # type: ignore[arg-type]


def test_a_history_can_be_given_for_good():
    made = prompt(history("turns"), "{{ q }}", q=str).partial(turns=[{"role": "user", "content": "Hi"}])
    assert texts(made.invoke({"q": "x"})) == [("user", "Hi"), ("user", "x")]


def test_variables_and_their_uses_can_be_seen():
    made = prompt(system("You know {{ genre }}."), history("turns"), user("{{ q }}", media("photo")), genre=str, q=str)
    assert list(made.variables) == ["genre", "q", "turns", "photo"]
    assert made.uses == (("system", ("genre",)), ("history", ("turns",)), ("user", ("photo", "q")))
    assert repr(made) == "prompt(system, history, user; genre: str, q: str, turns: Sequence[Message], photo: Media)"


def test_prompts_are_equal_by_content():
    def make(text: str) -> Prompt[Any]:
        return prompt(system("Be kind."), examples([("a", "b")]), text, genre=str)

    assert make("{{ genre }}") == make("{{ genre }}")
    assert hash(make("{{ genre }}")) == hash(make("{{ genre }}"))
    assert make("{{ genre }}") != make("{{ genre }}!")
    assert prompt("{{ a }}", a=str) != prompt("{{ a }}", a=int)


def test_a_prompt_can_be_pickled():
    made = prompt(system("{{ genre }}"), "{{ pages }}", vars=Ask)
    made.invoke({"genre": "x"})
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_prompt_says_what_it_takes():
    assert prompt("{{ a }}", a=str).in_type == Mapping[str, Any]
    assert prompt("{{ genre }}{{ pages }}", vars=Ask).in_type == Ask | Mapping[str, Any]
    assert prompt("{{ genre }}{{ pages }}", vars=AskDict).in_type is AskDict
    assert prompt("x").out_type is Messages
    assert prompt("x").instant

"""What pyright and mypy must infer of prompts, and what they must refuse: read by the checkers, not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, assert_type

from pydantic import BaseModel

from chainkit import Messages, examples, history, prompt, prompt_file, system, user
from chainkit.prompts import Prompt, media


class Book(BaseModel):
    title: str


@dataclass
class Asked:
    genre: str


class AskDict(TypedDict):
    genre: str
    pages: int


parts = (system("a"), history("t"), user("b", media("p")), examples([("a", "b")]), "x")
assert_type(prompt("{{ a }}", a=str, b=int | None, c=Literal["a", "b"]), Prompt[Mapping[str, Any]])
assert_type(prompt("{{ title }}", vars=Book), Prompt[Book | Mapping[str, Any]])
assert_type(prompt("{{ genre }}", vars=Asked), Prompt[Asked | Mapping[str, Any]])
assert_type(prompt("{{ genre }}", vars=AskDict), Prompt[AskDict])
assert_type(prompt(*parts, x=list[str]).invoke({}), Messages)
assert_type(prompt("x", a=str).partial(a="x"), Prompt[Mapping[str, Any]])
assert_type(prompt_file("x"), Prompt[Mapping[str, Any]])
prompt("{{ title }}", vars=Book).invoke(Book(title="x"))
prompt("{{ title }}", vars=Book).invoke({"title": "x"})
prompt("{{ genre }}", vars=AskDict).invoke({"genre": "x", "pages": 1})

prompt("{{ genre }}", genre=str).invoke("cats")  # type: ignore
prompt("{{ genre }}", vars=AskDict).invoke({"genre": "x", "pges": 1})  # type: ignore
prompt("{{ genre }}", vars=Asked).invoke(3)  # type: ignore
prompt(3)  # type: ignore
prompt("x", n=3)  # type: ignore
system(media("x"))  # type: ignore
media("x", kind="picture")  # type: ignore

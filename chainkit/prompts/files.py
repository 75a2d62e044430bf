r"""Prompt files: front matter in TOML (or YAML), then the messages.

    +++
    name = "books"
    description = "Names books of a genre"

    [variables]
    genre = "str"
    count = { type = "int", default = 3 }
    tone = ["dry", "warm"]
    +++ system
    You are a {{ tone }} bookseller.
    +++ history turns
    +++ user
    Name {{ count }} {{ genre }} books.

A line `+++ ROLE` begins a message; a file without such lines is one user message. Blank lines around a text
do not count, unless the line says `exact`. A line of a text that begins with `+++ ` is written `\+++ `.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from chainkit.errors import MissingExtra, PromptError, did_you_mean
from chainkit.prompts.body import parts_of, sections_of
from chainkit.prompts.data import Data, Names, from_data, to_data
from chainkit.prompts.parts import newlines
from chainkit.prompts.sections import is_mark, sections, written
from chainkit.prompts.toml import toml

if TYPE_CHECKING:
    from chainkit.prompts.prompt import Prompt

_KEYS = ("name", "description", "vars", "variables", "given", "partials", "max_chars", "meta")


def prompt_text(text: str, *, where: str = "prompt", names: Names | None = None) -> Prompt[Mapping[str, Any]]:
    """The prompt that a text in the form of a prompt file holds; `where` is its name in errors."""
    lines = newlines(text).removesuffix("\n").split("\n")
    front, start = _front(lines, where)
    found, spots, tables = parts_of(sections(lines[start:], start + 1, where), front, where)
    try:
        return from_data({**_front_data(front, tables), "parts": found}, names, spots)
    except PromptError as error:
        raise PromptError(f"{where}: {error.message}", cure=error.cure) from error


def to_text(prompt: Prompt[Any]) -> str:
    """The prompt in the form of a prompt file. Raises CompositionError for what a file cannot hold."""
    data = to_data(prompt)
    found, tables = sections_of(data.pop("parts"))
    front = {k: v for k, v in data.items() if k != "variables"}
    variables = {n: _entry(v) for n, v in data.get("variables", {}).items()}
    head = toml(front | ({"variables": variables} if variables else {}) | tables)
    return "\n".join(["+++", *head.removesuffix("\n").split("\n"), *written(found)]) + "\n"


def _front(lines: list[str], where: str) -> tuple[Data, int]:
    """The front matter, and the index of the line at which the body begins."""
    if lines[0].rstrip() not in ("+++", "---"):
        return {}, 0
    is_toml = lines[0].startswith("+")
    end = next((i for i, x in enumerate(lines) if i and (is_mark(x) if is_toml else x.rstrip() == "---")), None)
    if end is None:
        msg = f"{where}: the front matter that line 1 begins has no end"
        raise PromptError(msg, cure=f"close it with {lines[0].rstrip()}")
    head = "\n".join(lines[1:end])
    bare = lines[end].rstrip() in ("+++", "---")
    return (_toml(head, where) if is_toml else _yaml(head, where)), end + bare


def _toml(text: str, where: str) -> Data:
    try:
        return tomllib.loads(f"\n{text}\n")  # one line more, so that its line numbers are the file's
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"{where}: the front matter is not TOML: {error}") from None


def _yaml(text: str, where: str) -> Data:
    try:
        import yaml
    except ImportError as error:
        msg = f"{where}: front matter between --- lines is YAML, which needs PyYAML"
        raise MissingExtra(
            msg,
            cure="pip install 'chainkit[yaml]', or write TOML between +++ lines",
        ) from error
    try:
        found: Any = yaml.safe_load(f"\n{text}\n")
    except yaml.YAMLError as error:
        raise PromptError(f"{where}: the front matter is not YAML: {error}") from None
    if found is not None and not isinstance(found, dict):
        raise PromptError(f"{where}: the front matter must be a mapping, got {type(found).__name__}")
    return cast("Data", found or {})


def _front_data(front: Data, tables: set[str]) -> Data:
    for key in front:
        if key not in _KEYS and key not in tables:
            cure = did_you_mean(key, _KEYS) or "keep it under [meta]"
            raise PromptError(f"the front matter has no {key!r}", cure=f"{cure} (anything may stand under [meta])")
    variables = {n: _declared(v) for n, v in front.get("variables", {}).items()}
    held = {k: v for k, v in front.items() if k in _KEYS and k != "variables"}
    return held | ({"variables": variables} if variables else {})


def _declared(entry: Any) -> Any:
    """A list stands for its choices; `optional` for None as the default."""
    if isinstance(entry, list):
        return _choices(entry)  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(entry, Mapping):
        return entry
    table = dict(cast("Mapping[str, Any]", entry))
    if isinstance(table.get("type"), list):
        table["type"] = _choices(table["type"])
    if table.pop("optional", False):
        kind = str(table.get("type", "str"))
        table |= {"type": kind if kind.endswith("None") else f"{kind} | None", "default": None}
    return table


def _choices(values: list[Any]) -> str:
    return " | ".join(map(repr, values))


def _entry(variable: Any) -> Any:
    if isinstance(variable, str):
        return variable
    held = {k: v for k, v in variable.items() if not (k == "default" and v is None)}
    return held | ({"optional": True} if "default" in variable and variable["default"] is None else {})

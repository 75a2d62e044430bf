"""A prompt as plain data and back: JSON values only, types as words, classes and functions by names."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from chainkit.errors import CompositionError, PromptError, did_you_mean
from chainkit.messages import ROLES, Media, Message, Text
from chainkit.prompts.parts import (
    Content,
    ExamplesPart,
    HistoryPart,
    MediaPart,
    PromptPart,
    Spot,
    as_rows,
    newlines,
    turn,
)
from chainkit.prompts.prompt import MAX_CHARS, Prompt
from chainkit.prompts.variables import MISSING, Variable
from chainkit.prompts.words import type_of, word_of

NameOf: TypeAlias = Callable[[Any], str]
Names: TypeAlias = Mapping[str, Any]
Data: TypeAlias = dict[str, Any]

_KEYS = ("parts", "variables", "vars", "partials", "given", "max_chars", "name", "description", "meta")


def to_data(prompt: Prompt[Any], name_of: NameOf | None = None) -> Data:
    """The prompt as plain data. `name_of` gives the name of a class or function that it holds.

    Raises CompositionError for what has no name or is not plain data.
    """
    data: Data = {"parts": [_part(p, name_of) for p in prompt.template]}
    if prompt.vars is not None:
        data["vars"] = _name(prompt.vars, name_of)
    elif prompt.declared:
        data["variables"] = {v.name: _variable(v, name_of) for v in prompt.declared}
    if prompt.fixed:
        data["given"] = {n: _given(n, prompt, v) for n, v in prompt.fixed}
    if prompt.max_chars != MAX_CHARS:
        data["max_chars"] = prompt.max_chars
    held = {
        "partials": dict(prompt.partials),
        "name": prompt.name,
        "description": prompt.description,
        "meta": dict(prompt.meta),
    }
    return data | {k: v for k, v in held.items() if v}


def from_data(
    data: Mapping[str, Any], names: Names | None = None, spots: Sequence[tuple[Spot, ...]] = ()
) -> Prompt[Any]:
    """The prompt that the data describes. `names` supplies the classes and functions; nothing is imported.

    `spots` says where each part's texts were written. Raises PromptError for data that is no prompt.
    """
    known: Names = {} if names is None else names  # a Names of modules only has no length
    for key in data:
        if key not in _KEYS:
            raise PromptError(f"a prompt has no {key!r}", cure=did_you_mean(key, _KEYS))
    parts = [_read_part(p, known, spots[i] if spots else ()) for i, p in enumerate(data.get("parts", ()))]
    made: Prompt[Any] = Prompt(
        tuple(parts),
        tuple(_read_variable(n, v, known) for n, v in data.get("variables", {}).items()),
        _named(data["vars"], known) if "vars" in data else None,
        tuple((n, newlines(t)) for n, t in data.get("partials", {}).items()),
        max_chars=data.get("max_chars", MAX_CHARS),
        name=data.get("name"),
        description=data.get("description"),
        meta=data.get("meta", {}),
    )
    return made.partial(**data["given"]) if data.get("given") else made


def _name(value: Any, name_of: NameOf | None) -> str:
    if name_of is None:
        raise CompositionError(f"{value!r} has no name here", cure="give name_of, a function from objects to names")
    return name_of(value)


def _named(name: str, names: Names) -> Any:
    if name not in names:
        cure = did_you_mean(name, list(names)) or f"names={{{name!r}: ...}}"
        raise CompositionError(f"the prompt needs {name!r}, which is not among names=", cure=cure)
    return names[name]


def _part(part: PromptPart, name_of: NameOf | None) -> Data:
    if isinstance(part, HistoryPart):
        return {"history": part.name} | _set(last=part.last)
    if isinstance(part, ExamplesPart):
        rows = part.name if part.rows is None else [_plain(r) for r in part.rows]
        select = None if part.select is None else _name(part.select, name_of)
        return {"examples": rows, "input": part.input, "output": part.output} | _set(k=part.k, select=select)
    if isinstance(part, Message):
        contents = [_content(_fixed(p)) for p in part.parts]
        return {"role": part.role, "contents": contents, "fixed": True} | _set(name=part.name)
    return {"role": part.role, "contents": [_content(c) for c in part.contents]}


def _set(**values: Any) -> Data:
    return {k: v for k, v in values.items() if v is not None}


def _fixed(part: Any) -> Text | Media:
    if isinstance(part, (Text, Media)):
        return part
    raise CompositionError(f"a fixed message that holds {type(part).__name__} cannot be written as data")


def _content(content: Content) -> str | Data:
    if isinstance(content, str):
        return content
    if isinstance(content, MediaPart):
        return {"media": content.name, "kind": content.kind}
    if isinstance(content, Text):
        return {"text": content.text}
    data = None if content.data is None else base64.b64encode(content.data).decode()
    return {"kind": content.kind, "media_type": content.media_type} | _set(
        data=data, url=content.url, name=content.name
    )


def _plain(value: Any) -> Any:
    """The value, if it is JSON's."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        entries: Mapping[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {str(k): _plain(v) for k, v in entries.items()}
    raise CompositionError(f"{type(value).__name__} is not plain data", cure="use texts, numbers, lists and mappings")


def _variable(variable: Variable, name_of: NameOf | None) -> str | Data:
    word = word_of(variable.type, name_of)
    if variable.default is MISSING and variable.description is None:
        return word
    default = {} if variable.default is MISSING else {"default": _jsonable(variable.default)}
    return {"type": word, **default} | _set(description=variable.description)


def _given(name: str, prompt: Prompt[Any], value: Any) -> Any:
    if any(isinstance(p, HistoryPart) and p.name == name for p in prompt.template):
        return [_row(m) for m in value]
    if isinstance(value, Media):
        raise CompositionError(f"the media given for {name!r} cannot be written as data", cure="give it at the call")
    return _jsonable(value)


def _row(message: Message) -> Data:
    if message.role == "system" or any(not isinstance(p, Text) for p in message.parts):
        msg = f"a given history with {message!r:.60} cannot be written as data"
        raise CompositionError(msg, cure="give it at the call")
    return {"role": message.role, "content": message.text}


def _jsonable(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)


def _read_variable(name: str, data: Any, names: Names) -> Variable:
    if isinstance(data, str):
        return Variable(name, _type(name, data, names))
    if not isinstance(data, Mapping):
        raise PromptError(f"variable {name!r} must be a type's word or a table, got {data!r}", cure=f'{name} = "str"')
    table = cast("Mapping[str, Any]", data)
    for key in table:
        if key not in ("type", "default", "description"):
            msg = f"variable {name!r} has no {key!r}"
            raise PromptError(msg, cure=did_you_mean(key, ("type", "default", "description")))
    kind = _type(name, table.get("type", "str"), names)
    return Variable(name, kind, table.get("default", MISSING), table.get("description"))


def _type(name: str, word: Any, names: Names) -> Any:
    try:
        return type_of(word, names)
    except PromptError as error:
        raise PromptError(f"variable {name!r}: {error.message}", cure=error.cure) from None


def _read_part(data: Mapping[str, Any], names: Names, spots: tuple[Spot, ...]) -> PromptPart:
    if "history" in data:
        return HistoryPart(data["history"], data.get("last"))
    if "examples" in data:
        return _read_examples(data, names, spots)
    role, contents = data.get("role"), data.get("contents")
    if role not in ROLES or not isinstance(contents, Sequence):
        raise PromptError(f"this is no part of a prompt: {data!r:.120}", cure='{"role": "user", "contents": ["..."]}')
    found = [_read_content(c) for c in contents]  # pyright: ignore[reportUnknownVariableType]
    if data.get("fixed"):
        return Message(role, tuple(cast("list[Text]", found)), data.get("name"))
    return turn(role, found, spots)


def _read_examples(data: Mapping[str, Any], names: Names, spots: tuple[Spot, ...]) -> ExamplesPart:
    rows, select = data["examples"], data.get("select")
    chosen = None if select is None else _named(select, names)
    name = rows if isinstance(rows, str) else None
    held = None if isinstance(rows, str) else as_rows(rows)
    return ExamplesPart(held, newlines(data["input"]), newlines(data["output"]), data.get("k"), chosen, name, spots)


def _read_content(data: Any) -> Content:
    if isinstance(data, str):
        return data
    if "media" in data:
        return MediaPart(data["media"], data.get("kind", "image"))
    if "text" in data:
        return Text(data["text"])
    binary = data.get("data")
    raw = None if binary is None else base64.b64decode(binary)
    return Media(data["kind"], data["media_type"], data=raw, url=data.get("url"), name=data.get("name"))

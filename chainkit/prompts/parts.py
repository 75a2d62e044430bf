"""The parts of a prompt as they are written: plain data, nothing parsed yet.

A text in a part is a Jinja template. `Text`, `Media` and `Message` objects from `chainkit.messages` are
fixed: they are sent as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeGuard

from chainkit.errors import PromptError
from chainkit.messages import Media, Message, Role, Text

MediaKind: TypeAlias = Literal["image", "audio", "video", "document"]
Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Row | tuple[Any, Any]]
Selector: TypeAlias = Callable[[Sequence[Row], Mapping[str, Any], int | None], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a template was written: a name for it, and the line on which it begins."""

    label: str
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class MediaPart:
    """A place in a message for an image, sound, video or document that is given at the call."""

    name: str
    kind: MediaKind = "image"


Content: TypeAlias = str | MediaPart | Text | Media


@dataclass(frozen=True, slots=True)
class TurnPart:
    """One message: its role and what stands in it. `spots` says where each content was written."""

    role: Role
    contents: tuple[Content, ...]
    spots: tuple[Spot, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """A place for messages that are given at the call: the conversation so far."""

    name: str
    last: int | None = None


@dataclass(frozen=True, slots=True)
class ExamplesPart:
    """Few-shot examples: each row becomes a user message and an assistant message.

    `rows` is None where the rows are given at the call, as the variable `name`.
    """

    rows: tuple[Row, ...] | None = field(hash=False)
    input: str
    output: str
    k: int | None = None
    select: Selector | None = None
    name: str | None = None
    spots: tuple[Spot, ...] = field(default=(), compare=False, repr=False)


PromptPart: TypeAlias = TurnPart | HistoryPart | ExamplesPart | Message


def system(*contents: str | Text) -> TurnPart:
    """A system message: how the model should behave.

    One that renders to nothing but white space is left out, as vendors refuse an empty one.
    """
    return turn("system", contents)


def user(*contents: Content) -> TurnPart:
    """A user message: templates, `media(...)` places, and fixed `Text` or `Media`, in order."""
    return turn("user", contents)


def assistant(*contents: str | Text) -> TurnPart:
    """An assistant message: what the model is taken to have said."""
    return turn("assistant", contents)


def history(name: str, *, last: int | None = None) -> HistoryPart:
    """A place for the conversation so far, given at the call as the variable `name`.

    It takes messages, or rows such as `{"role": "user", "content": "Hi"}`, or an empty list. Rows may be of
    user, assistant and tool; a system message must be a `Message`, because rows often come from outside.
    `last` keeps at most that many of the newest messages, beginning with a user's.
    """
    if last is not None and last < 1:
        raise PromptError(f"history({name!r}, last={last}): last must be 1 or more")
    return HistoryPart(_variable(name, "history"), last)


def media(name: str, *, kind: MediaKind = "image") -> MediaPart:
    """A place for an image (or audio, video, document), given at the call as the variable `name`.

    It takes a `Media`, bytes, a `pathlib.Path`, or an http(s) or data URL as text.
    """
    if kind not in ("image", "audio", "video", "document"):
        raise PromptError(f"media({name!r}): no kind {kind!r}", cure="image, audio, video or document")
    return MediaPart(_variable(name, "media"), kind)


def examples(
    rows: Rows | str,
    input: str = "{{ input }}",
    output: str = "{{ output }}",
    *,
    k: int | None = None,
    select: Selector | None = None,
) -> ExamplesPart:
    """Few-shot examples: for each row one user message (`input`) and one assistant message (`output`).

    `rows` are mappings whose keys the two templates use, or (input, output) pairs, or the name of a variable
    that gives them at the call. `k` takes the first k. `select(rows, values, k)` chooses rows by the prompt's
    values instead; it must be quick and make no calls (let a step find the rows and give them by name).
    """
    if k is not None and k < 1:
        raise PromptError(f"examples(k={k}): k must be 1 or more")
    if isinstance(rows, str):
        return ExamplesPart(None, newlines(input), newlines(output), k, select, _variable(rows, "examples"))
    if not rows:
        raise PromptError("examples() needs at least one row", cure="leave the part out, or give rows by name")
    return ExamplesPart(tuple(dict(r) for r in as_rows(rows)), newlines(input), newlines(output), k, select)


def turn(role: Role, contents: Iterable[Content], spots: tuple[Spot, ...] = ()) -> TurnPart:
    """A message part of any role."""
    held = tuple(newlines(c) if isinstance(c, str) else c for c in contents)
    if not held:
        raise PromptError(f"{role}() needs a text", cure=f'{role}("...")')
    for content in held:
        if not isinstance(content, (str, MediaPart, Text, Media)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise PromptError(f"{role}() takes texts and media, got {type(content).__name__}")
    return TurnPart(role, held, spots)


def as_rows(rows: Any) -> tuple[Row, ...]:
    """Pairs and mappings as mappings; raises PromptError for anything else."""
    if not is_listing(rows):
        raise PromptError(f"examples must be a list of rows, got {type(rows).__name__}")
    return tuple(_row(i, row) for i, row in enumerate(rows))


def is_listing(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether it is something to go through item by item: no text, no mapping."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _row(index: int, row: Any) -> Row:
    if type(row) is dict:
        return row  # pyright: ignore[reportUnknownVariableType]
    if isinstance(row, Mapping):
        return dict(row)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if is_listing(row):
        pair = tuple(row)
        if len(pair) == 2:
            return {"input": pair[0], "output": pair[1]}
    raise PromptError(f"example {index} is neither a mapping nor an (input, output) pair: {row!r:.80}")


def gather(parts: Iterable[str | MediaPart | PromptPart]) -> tuple[PromptPart, ...]:
    """Plain strings as user messages; a bare media shares one user message with the texts beside it."""
    found: list[PromptPart] = []
    bare: list[str | MediaPart] = []
    for part in parts:
        if isinstance(part, (str, MediaPart)):
            bare.append(part)
            continue
        found.extend(_turns(bare))
        bare.clear()
        found.append(_checked(part))
    found.extend(_turns(bare))
    if not found:
        raise PromptError("a prompt needs at least one part", cure='prompt("Name three {{ genre }} books", genre=str)')
    return tuple(found)


def _turns(bare: list[str | MediaPart]) -> list[TurnPart]:
    if any(isinstance(b, MediaPart) for b in bare):
        return [turn("user", bare)]
    return [turn("user", [b]) for b in bare]


def _checked(part: Any) -> PromptPart:
    if isinstance(part, (TurnPart, HistoryPart, ExamplesPart, Message)):
        return part
    msg = f"a prompt is made of texts and parts, got {type(part).__name__}"
    raise PromptError(msg, cure="system(...), user(...), assistant(...), history(...), examples(...), media(...)")


def _variable(name: Any, part: str) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise PromptError(f"{part}() takes the name of a variable, got {name!r}")
    return name


def newlines(text: str) -> str:
    r"""The template with \n for every line end, as Jinja reads it anyway."""
    return text.replace("\r\n", "\n").replace("\r", "\n")

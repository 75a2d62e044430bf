"""Answers of chat models in the wire formats that many servers speak, under their names.

`Said` is the answer in nobody's words; `body(shape, said)` is the JSON of an unstreamed answer, `events(shape, said)` the
same answer as (event name, JSON) pairs, `refusal(shape, status, message)` the JSON of an error. A shape is one of these
names or a `Shape` of your own (`chainkit.testing.shapes`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from chainkit.testing.completions_bodies import ChatCompletions, Responses
from chainkit.testing.content_bodies import GenerateContent
from chainkit.testing.line_bodies import ChatLines
from chainkit.testing.messages_bodies import ChatV2, Messages
from chainkit.testing.shapes import USAGE, Event, Finish, Said, Shape, sse

__all__ = [
    "SHAPES",
    "USAGE",
    "AnyShape",
    "Event",
    "Finish",
    "Said",
    "Shape",
    "body",
    "events",
    "known",
    "refusal",
    "sse",
]

AnyShape: TypeAlias = Shape | str
"""A shape, or the name of one of `SHAPES`."""
_FORMATS: tuple[Shape, ...] = (ChatV2(), Messages(), Responses(), ChatCompletions(), GenerateContent(), ChatLines())
SHAPES: dict[str, Shape] = {shape.name: shape for shape in _FORMATS}
"""The formats that need no class of yours, by name."""


def known(shape: AnyShape) -> Shape:
    """The shape itself, or the one of that name. Raises ValueError for a name that there is not."""
    if isinstance(shape, Shape):
        return shape
    if shape not in SHAPES:
        msg = f"there is no shape {shape!r}: there are {', '.join(SHAPES)}, and any object of a class of `Shape`"
        raise ValueError(msg)
    return SHAPES[shape]


def body(shape: AnyShape, said: Said) -> Any:
    """An unstreamed answer."""
    return known(shape).body(said)


def events(shape: AnyShape, said: Said) -> list[Event]:
    """The events of a streamed answer; the name is empty where the format has none."""
    return list(known(shape).events(said))


def refusal(shape: AnyShape, status: int, message: str, code: str | None = None) -> Any:
    """An error, as it stands in an answer whose status is not 200."""
    return known(shape).refusal(status, message, code)


def at_path(path: str) -> str | None:
    """The name of the format whose requests end in that path; None where there is none."""
    return next((name for name, shape in SHAPES.items() if path.endswith(shape.paths)), None)

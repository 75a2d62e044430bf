"""The arguments of a tool call that is streamed piece by piece: each piece names its place by a JSON path (RFC 9535)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from chainkit.errors import ReplyMalformed
from chainkit_providers.payload import Json

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]""")
_VALUES = ("stringValue", "numberValue", "boolValue")
_LONGEST = 10_000
"""Places that a list may have: a path is not trusted to ask for memory."""


class Arguments:
    """One call's arguments, as far as they have come."""

    __slots__ = ("_growing", "value")

    def __init__(self) -> None:
        self.value: Json = {}
        self._growing: str | None = None

    def take(self, pieces: list[Json]) -> None:
        """Put pieces in their places. Raises ReplyMalformed for a path that is none."""
        for piece in pieces:
            path: str = piece.get("jsonPath") or "$"
            self._put(_steps(path), _value(piece), more=path == self._growing)
            self._growing = path if piece.get("willContinue") else None

    def _put(self, steps: list[str | int], value: Any, *, more: bool) -> None:
        place: Any = self.value
        for step, following in pairwise(steps):
            place = _inside(place, step, [] if isinstance(following, int) else {})
        last = steps[-1]
        held = _at(place, last)
        _set(place, last, held + value if more and isinstance(held, str) and isinstance(value, str) else value)


def _value(piece: Json) -> Any:
    number = piece.get("numberValue")
    if isinstance(number, float) and number.is_integer():
        return int(number)
    return next((piece[name] for name in _VALUES if name in piece), "" if "nullValue" not in piece else None)


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    at = 1 if path.startswith("$") else 0
    while found := _STEP.match(path, at):
        name, index, single, double = found.groups()
        quoted = single if single is not None else double
        steps.append(int(index) if index is not None else re.sub(r"\\(.)", r"\1", quoted) if name is None else name)
        at = found.end()
    if at != len(path) or not steps or isinstance(steps[0], int):
        raise ReplyMalformed(f"google streamed an argument for a place that is none: {path!r:.200}")
    return steps


def _at(place: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return place[step] if isinstance(place, list) and step < len(place) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return place.get(step)


def _set(place: Any, step: str | int, value: Any) -> None:
    if isinstance(step, int):
        if step > _LONGEST:
            raise ReplyMalformed(f"google streamed an argument for place {step} of a list")
        place.extend([None] * (step + 1 - len(place)))
    place[step] = value


def _inside(place: Any, step: str | int, empty: Any) -> Any:
    held = _at(place, step)
    if held is None:
        _set(place, step, empty)
        return empty
    return held

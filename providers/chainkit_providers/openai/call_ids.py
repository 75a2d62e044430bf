"""Ids of tool calls that tell them apart: some servers count anew in each answer, some give none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chainkit.messages import ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainkit.messages import Message, Part


def told_apart(turns: Sequence[Message]) -> Sequence[Message]:
    """The turns, with an id of its own for each call and its result. Where they have one, nothing is changed."""
    ids = [p.id for t in turns if t.role == "assistant" for p in t.parts if type(p) is ToolCall]
    if None not in ids and len(set(ids)) == len(ids):
        return turns
    renaming = _Renaming({i for i in ids if i is not None})
    return [replace(t, parts=tuple(renaming.part(p) for p in t.parts)) for t in turns]


class _Renaming:
    """Calls as they come, and the results that answer them, the oldest open call first."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._seen: set[str] = set()
        self._open: list[tuple[str | None, str]] = []

    def part(self, part: Part) -> Part:
        if type(part) is ToolCall:
            name = self._new(part.id)
            self._open.append((part.id, name))
            return replace(part, id=name)
        if type(part) is ToolResult:
            return replace(part, id=self._answered(part.id))
        return part

    def _new(self, told: str | None) -> str:
        if told is not None and told not in self._seen:
            self._seen.add(told)
            return told
        number = next(n for n in range(1, len(self._taken) + 2) if f"{told or 'call'}_{n}" not in self._taken)
        name = f"{told or 'call'}_{number}"
        self._taken.add(name)
        return name

    def _answered(self, told: str | None) -> str | None:
        at = next((i for i, (old, _) in enumerate(self._open) if old == told), None)
        return told if at is None else self._open.pop(at)[1]

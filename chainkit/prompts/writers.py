"""What each part of a prompt writes: messages, from checked values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from chainkit.errors import PromptError
from chainkit.messages import Media, Message, Role, Text
from chainkit.prompts.parts import ExamplesPart, HistoryPart, MediaPart, Row, as_rows
from chainkit.prompts.template import Template
from chainkit.prompts.turns import newest


class Writer(Protocol):
    """Adds its messages to `found`."""

    @property
    def role(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    def write(self, values: Mapping[str, Any], found: list[Message]) -> None: ...


class Fixed:
    """A message that is the same at each call."""

    def __init__(self, message: Message) -> None:
        self.role: str = message.role
        self.names: tuple[str, ...] = ()
        self._message = message

    def write(self, values: Mapping[str, Any], found: list[Message]) -> None:
        found.append(self._message)


class Spoken:
    """A message of one template."""

    def __init__(self, role: Role, template: Template) -> None:
        self.role: Role = role
        self.names = tuple(sorted(template.names))
        self._fill = template.fill

    def write(self, values: Mapping[str, Any], found: list[Message]) -> None:
        text = self._fill(values)
        if self.role != "system" or (text and not text.isspace()):
            found.append(Message(self.role, (Text(text),)))


class Mixed:
    """A message of several contents. Templates that render to nothing are left out of it."""

    def __init__(self, role: Role, contents: Sequence[Template | MediaPart | Text | Media]) -> None:
        self.role: Role = role
        self.names = tuple(sorted({n for c in contents for n in _names(c)}))
        self._contents = contents

    def write(self, values: Mapping[str, Any], found: list[Message]) -> None:
        parts = [_content(c, values) for c in self._contents]
        said = tuple(p for p in parts if not (isinstance(p, Text) and not p.text))
        if self.role != "system" or any(isinstance(p, Media) or not p.text.isspace() for p in said):
            found.append(Message(self.role, said or (Text(""),)))


def _names(content: Template | MediaPart | Text | Media) -> frozenset[str]:
    if isinstance(content, Template):
        return content.names
    return frozenset((content.name,)) if isinstance(content, MediaPart) else frozenset()


def _content(content: Template | MediaPart | Text | Media, values: Mapping[str, Any]) -> Text | Media:
    if isinstance(content, Template):
        return Text(content.fill(values))
    return values[content.name] if isinstance(content, MediaPart) else content


class Remembered:
    """The conversation so far."""

    role = "history"

    def __init__(self, part: HistoryPart) -> None:
        self.names = (part.name,)
        self._part = part

    def write(self, values: Mapping[str, Any], found: list[Message]) -> None:
        found.extend(newest(values[self._part.name], self._part.last))


class FewShot:
    """Examples; those whose rows are known are rendered when the prompt is made."""

    role = "examples"

    def __init__(self, part: ExamplesPart, asked: Template, answered: Template) -> None:
        self.names = () if part.name is None else (part.name,)
        self._part = part
        self._templates = asked, answered
        self._ready = {id(row): self._pair(i, row) for i, row in enumerate(part.rows or ())}

    def write(self, values: Mapping[str, Any], found: list[Message]) -> None:
        part = self._part
        rows: Sequence[Row] = values[part.name] if part.name is not None else part.rows or ()
        chosen = rows[: part.k] if part.select is None else as_rows(part.select(rows, MappingProxyType(values), part.k))
        for index, row in enumerate(chosen):
            found.extend(self._ready.get(id(row)) or self._pair(index, row))

    def _pair(self, index: int, row: Row) -> tuple[Message, Message]:
        asked, answered = self._templates
        try:
            return Message("user", (Text(asked.fill(row)),)), Message("assistant", (Text(answered.fill(row)),))
        except PromptError as error:
            raise PromptError(f"example {index}: {error.message}", cure=error.cure) from error

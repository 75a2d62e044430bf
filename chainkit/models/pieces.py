"""What a fold shows while a reply grows: the smallest things, one slots object each."""

from __future__ import annotations

from typing import TypeAlias


class TextPiece:
    """A piece of the reply's text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class ThinkingPiece:
    """A piece of the model's reasoning."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class ToolPiece:
    """A piece of a tool call: `name` and `id` come once, `arguments` is JSON text in pieces."""

    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int, arguments: str, name: str | None = None, id: str | None = None) -> None:
        self.index = index
        self.arguments = arguments
        self.name = name
        self.id = id


Piece: TypeAlias = TextPiece | ThinkingPiece | ToolPiece

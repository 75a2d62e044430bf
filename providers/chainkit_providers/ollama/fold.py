"""Streamed answers of Ollama: pieces to show, and at the end the reply.

The last line tells what an unstreamed answer tells beside its text. The folds put text and line together and
decode that. It is kept as the reply's `raw`: the times stand there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.folding import Folding
from chainkit_providers.ollama.reply import decode, decode_text
from chainkit_providers.ollama.wire import VENDOR, in_answer
from chainkit_providers.payload import Json, inner, text_of

if TYPE_CHECKING:
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply


class _LineFold(Folding):
    """What both folds do with a line: its text, its thinking, the logprobs, the end."""

    __slots__ = ("_last", "_logprobs", "_texts", "_thoughts")
    vendor = VENDOR

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._logprobs: list[Json] = []
        self._last: Json | None = None

    def _around(self, told: Json) -> None:
        if told.get("error") is not None:
            raise in_answer(told)
        if told.get("logprobs"):
            self._logprobs.extend(told["logprobs"])
        if told.get("done"):
            self._last = told

    def _shown(self, told: Json, name: str) -> list[Piece]:
        shown: list[Piece] = []
        if thought := text_of(told, "thinking"):
            self._thoughts.append(thought)
            shown.append(ThinkingPiece(thought))
        if text := text_of(told, name):
            self._texts.append(text)
            shown.append(TextPiece(text))
        return shown

    def finish(self) -> Reply:
        """The whole reply. Raises StreamBroken, with the text so far, where the last line did not come."""
        reply = super().finish()
        reply.raw = self._last
        return reply

    def _ended(self) -> bool:
        return self._last is not None

    def _text(self) -> str:
        return "".join(self._texts)

    def _body(self) -> Json:
        told: Json = {"thinking": "".join(self._thoughts), **self._held()}
        return {**(self._last or {}), **self._placed(told), "logprobs": self._logprobs}

    def _held(self) -> Json:
        return {"response": self._text()}

    def _placed(self, told: Json) -> Json:
        return told


class ChatFold(_LineFold):
    """Folds the lines of a chat."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[Json] = []

    def _take(self, event: str, told: Json) -> tuple[Piece, ...] | list[Piece]:
        message: Any = told.get("message")
        if message is not None and len(message) == 2 and not told["done"] and "logprobs" not in told:
            # Nearly every line: a role and a text.
            text = text_of(message, "content")
            if text:
                self._texts.append(text)
                return (TextPiece(text),)
        self._around(told)
        if not message:
            return ()
        shown = self._shown(message, "content")
        return [*shown, *map(self._called, message.get("tool_calls") or ())]

    def _called(self, call: Json) -> ToolPiece:
        # A call comes whole, in one line.
        self._calls.append(call)
        function = inner(call, "function")
        told: Any = function.get("arguments")
        text = told if isinstance(told, str) else json.dumps(told or {}, ensure_ascii=False)
        return ToolPiece(len(self._calls) - 1, text, function.get("name"), call.get("id"))

    def _held(self) -> Json:
        return {"content": self._text(), "tool_calls": self._calls}

    def _placed(self, told: Json) -> Json:
        return {"message": told}

    def _decode(self, body: Json) -> Reply:
        return decode(body)


class TextFold(_LineFold):
    """Folds the lines of a completion."""

    __slots__ = ()

    def _take(self, event: str, told: Json) -> tuple[Piece, ...] | list[Piece]:
        self._around(told)
        return self._shown(told, "response")

    def _decode(self, body: Json) -> Reply:
        return decode_text(body)

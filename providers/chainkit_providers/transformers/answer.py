"""The text of an answer as parts of a reply: thinking between tags, tool calls in Hermes' form, and text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from chainkit.messages import Text, Thinking, ToolCall
from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit.models.reply import Reply
from chainkit.usage import FREE, Usage
from chainkit_providers.openai.think_tags import Parting
from chainkit_providers.transformers.reading import CALL, CALL_END

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.models.pieces import Piece
    from chainkit.models.reply import FinishReason
    from chainkit.usage import Cost
    from chainkit_providers.transformers.writing import Row, Written

_CALL = re.compile(r"\s*" + re.escape(CALL) + r"\s*(\{.*\})\s*(?:" + re.escape(CALL_END) + r")?\s*", re.DOTALL)


class Growing:
    """One answer while it is written: text in, pieces to show out. Without `chat` all of it is text."""

    def __init__(self, *, chat: bool, tools: bool) -> None:
        self._parting = Parting() if chat else None
        self._tools = tools
        self._held = ""
        self.parts: list[Text | Thinking | ToolCall] = []

    def feed(self, text: str) -> list[Piece]:
        """More of the text."""
        if self._parting is None:
            return self._say(text)
        return self._parted(self._parting.feed(text))

    def rest(self) -> list[Piece]:
        """The answer is over: what was held back."""
        shown = [] if self._parting is None else self._parted(self._parting.rest())
        held, self._held = self._held, ""
        return [*shown, *(self._close(held) if held else ())]

    def _parted(self, pieces: Iterable[tuple[bool, str]]) -> list[Piece]:
        shown: list[Piece] = []
        for thought, piece in pieces:
            if thought:
                self._join(Thinking(piece, vendor="transformers"))
                shown.append(ThinkingPiece(piece))
            else:
                shown += self._look(piece) if self._tools else self._say(piece)
        return shown

    def _look(self, text: str) -> list[Piece]:
        """Text that may hold calls. Only space stands between two, and none of it is said."""
        shown: list[Piece] = []
        self._held += text
        while CALL in self._held:
            at = len(self._held.partition(CALL)[0].rstrip())
            shown += self._say(self._held[:at])
            self._held = self._held[at:]
            if CALL_END not in self._held:
                return shown
            call, _, self._held = self._held.partition(CALL_END)
            shown += self._close(call + CALL_END)
        at = len(self._held) - _beginning(self._held)
        shown += self._say(self._held[:at])
        self._held = self._held[at:]
        return shown

    def _close(self, held: str) -> list[Piece]:
        """A whole call, or what was none after all."""
        before = sum(isinstance(p, ToolCall) for p in self.parts)
        call = read_call(held, before)
        if call is None:
            # Space after a call is the model's own habit.
            return [] if before and not held.strip() else self._say(held)
        self.parts.append(call)
        return [ToolPiece(before, json.dumps(dict(call.arguments), ensure_ascii=False), call.name, call.id)]

    def _say(self, text: str) -> list[Piece]:
        if not text:
            return []
        self._join(Text(text))
        return [TextPiece(text)]

    def _join(self, part: Text | Thinking) -> None:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Text) and isinstance(part, Text):
            self.parts[-1] = Text(last.text + part.text)
        elif isinstance(last, Thinking) and isinstance(part, Thinking):
            self.parts[-1] = Thinking(last.text + part.text, vendor="transformers")
        else:
            self.parts.append(part)


def _beginning(text: str) -> int:
    """Characters of the text's end that may yet be space before a call, or a call's beginning."""
    bare = text.rstrip()
    tag = next((n for n in range(min(len(CALL) - 1, len(bare)), 0, -1) if bare == text and bare.endswith(CALL[:n])), 0)
    body = bare[: len(bare) - tag] if tag else bare
    return len(text) - len(body.rstrip())


def read_call(text: str, before: int) -> ToolCall | None:
    """A call in Hermes' form, `before` others in front of it; None where the text is none."""
    found = _CALL.fullmatch(text)
    if found is None:
        return None
    try:
        told: dict[str, Any] = json.loads(found[1])
    except ValueError:
        return None
    name, arguments = told.get("name"), told.get("arguments", told.get("parameters", {}))
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return ToolCall(name, arguments, f"call_{before + 1}")  # pyright: ignore[reportUnknownArgumentType]


def reply(written: Written, model: str, *, chat: bool, tools: bool) -> Reply:
    """The whole reply; the other rows are its choices."""
    replies = [_reply(row, model, Growing(chat=chat, tools=tools)) for row in written.rows]
    first = replies[0]
    first.choices = tuple(replies[1:])
    first.prompt_logprobs = tuple(written.prompt)
    first.usage = Usage(input=written.read, output=sum(row.tokens for row in written.rows))
    return first


def _reply(row: Row, model: str, growing: Growing) -> Reply:
    growing.feed(row.text)
    growing.rest()
    raw = None if row.score is None else {"score": row.score}
    return Reply(
        tuple(growing.parts),
        _reason(row, growing),
        row.word,
        model=model,
        logprobs=tuple(row.logprobs),
        raw=raw,
        price=_nothing,
    )


def _reason(row: Row, growing: Growing) -> FinishReason:
    if any(isinstance(p, ToolCall) for p in growing.parts):
        return "tool_calls"
    return "length" if row.word == "length" else "stop"


def _nothing(_: Usage) -> Cost:
    return FREE

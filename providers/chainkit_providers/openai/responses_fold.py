"""A streamed Responses answer: pieces to show, and at the end the reply.

Whole items come at the end of each item, and again in the last event; they are taken as they are. The
deltas are shown, and stand in for an item that never came whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.faults import fault
from chainkit_providers.folding import Folding
from chainkit_providers.openai.responses_reply import decode

if TYPE_CHECKING:
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply
    from chainkit_providers.openai.dialect import Dialect
    from chainkit_providers.payload import Json

_TEXT = "response.output_text.delta"
_THOUGHTS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_ARGUMENTS = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")
_CALLS = ("function_call", "custom_tool_call")
_LAST = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


class _Growing:
    """One output item, as far as it has come: `item` as last told, `texts` its deltas."""

    __slots__ = ("call", "item", "texts", "whole")

    def __init__(self) -> None:
        self.item: Json = {}
        self.texts: list[str] = []
        self.call = -1
        self.whole = False

    def made(self) -> Json:
        """The item; where it never came whole, from its deltas."""
        if self.whole or not self.texts:
            return self.item
        text = "".join(self.texts)
        kind = self.item.get("type")
        if kind == "function_call":
            return self.item | {"arguments": text}
        if kind == "custom_tool_call":
            return self.item | {"input": text}
        if kind == "reasoning":
            return self.item | {"summary": [{"type": "summary_text", "text": text}]}
        return self.item | {"type": "message", "content": [{"type": "output_text", "text": text}]}


class ResponsesFold(Folding):
    """Folds a stream of Responses events."""

    __slots__ = ("_calls", "_dialect", "_head", "_items", "_last", "_texts", "vendor")

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.vendor = dialect.vendor
        self._items: dict[int, _Growing] = {}
        self._texts: list[str] = []
        self._head: Json = {}
        self._last: Json | None = None
        self._calls = 0

    def _take(self, event: str, told: Json) -> tuple[Piece, ...]:
        kind: str = told.get("type") or event
        if kind == _TEXT:
            text: str = told["delta"]
            self._texts.append(text)
            self._at(told).texts.append(text)
            return (TextPiece(text),)
        return self._other(kind, told)

    def _other(self, kind: str, told: Json) -> tuple[Piece, ...]:
        if kind in _THOUGHTS:
            self._at(told, "reasoning").texts.append(told["delta"])
            return (ThinkingPiece(told["delta"]),)
        if kind in _ARGUMENTS:
            return (self._arguments(told),)
        if kind == "response.output_item.added":
            return self._added(told)
        if kind == "response.output_item.done":
            growing = self._at(told)
            growing.item, growing.whole = told["item"], True
        elif kind == "response.created":
            self._head = told.get("response") or {}
        elif kind in _LAST:
            self._last = told.get("response") or {}
        elif kind == "error" or told.get("error") is not None:
            raise fault(self.vendor, _flat(told), keys=self._dialect.keys)
        return ()

    def _at(self, told: Json, kind: str = "message") -> _Growing:
        index: int = told.get("output_index") or 0
        growing = self._items.get(index)
        if growing is None:
            growing = self._items[index] = _Growing()
            growing.item = {"type": kind}
        return growing

    def _added(self, told: Json) -> tuple[Piece, ...]:
        growing = self._at(told)
        item: Json = told["item"]
        growing.item = item
        if item.get("type") not in _CALLS:
            return ()
        growing.call = self._calls
        self._calls += 1
        return (ToolPiece(growing.call, "", item.get("name"), item.get("call_id")),)

    def _arguments(self, told: Json) -> ToolPiece:
        growing = self._at(told, "function_call")
        if growing.call < 0:
            growing.call = self._calls
            self._calls += 1
        growing.texts.append(told["delta"])
        return ToolPiece(growing.call, told["delta"])

    def _ended(self) -> bool:
        return self._last is not None

    def _text(self) -> str:
        return "".join(self._texts)

    def _body(self) -> Json:
        last = self._last or {}
        grown: list[Any] = [self._items[i].made() for i in sorted(self._items)]
        return {**self._head, **last, "output": grown or last.get("output") or []}

    def _decode(self, body: Json) -> Reply:
        return decode(body, self._dialect)


def _flat(told: Json) -> Json:
    """An error event: its own type is "error", the vendor's word for it is the code."""
    return told if told.get("error") is not None else {"error": {k: v for k, v in told.items() if k != "type"}}

"""A streamed v2 chat answer: pieces to show, and at the end the reply.

The fold puts the message together to the body that an unstreamed answer has and decodes that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainkit.errors import StreamBroken
from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.cohere.reply import KEYS, VENDOR, decode
from chainkit_providers.faults import fault
from chainkit_providers.payload import Json, inner, parse_event

if TYPE_CHECKING:
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply


class _GrowingCall:
    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int, told: Json) -> None:
        function = inner(told, "function")
        self.index = index
        self.id: str | None = told.get("id")
        self.name: str | None = function.get("name")
        self.arguments: list[str] = [function.get("arguments") or ""]

    def whole(self) -> Json:
        return {"id": self.id, "function": {"name": self.name, "arguments": "".join(self.arguments)}}


class ChatFold:
    """Folds a stream of v2 chat events."""

    __slots__ = ("_calls", "_citations", "_contents", "_end", "_id", "_kinds", "_logprobs", "_plan")

    def __init__(self) -> None:
        self._id: str | None = None
        self._contents: dict[int, list[str]] = {}
        self._kinds: dict[int, str] = {}
        self._plan: list[str] = []
        self._calls: dict[int, _GrowingCall] = {}
        self._citations: list[Json] = []
        self._logprobs: list[Json] = []
        self._end: Json | None = None

    def feed(self, event: str, data: bytes) -> tuple[Piece, ...] | list[Piece]:
        """One event. Raises the fault that the stream tells."""
        if data.startswith(b"[DONE]"):
            return ()
        told = parse_event(data)
        kind: str = told.get("type") or event
        if kind in ("content-delta", "content-start"):
            return self._content(told)
        if kind in ("tool-call-delta", "tool-call-start"):
            return self._call(told)
        if kind == "tool-plan-delta":
            return self._planned(told)
        if kind == "message-start":
            self._id = told.get("id")
        elif kind == "citation-start":
            self._cite(told["delta"]["message"]["citations"])
        elif kind == "message-end":
            self._end = told.get("delta") or {}
        elif told.get("message") is not None and "delta" not in told:
            raise fault(VENDOR, told, keys=KEYS)
        return ()

    def _content(self, told: Json) -> tuple[Piece, ...]:
        index: int = told.get("index") or 0
        content: Json = told["delta"]["message"]["content"]
        if told.get("logprobs"):
            self._logprobs.append(told["logprobs"])
        name = "thinking" if content.get("thinking") is not None else "text"
        if content.get("type"):
            self._kinds[index] = content["type"]
        self._kinds.setdefault(index, name)
        text: str = content.get(name) or ""
        self._contents.setdefault(index, []).append(text)
        if not text:
            return ()
        return (ThinkingPiece(text),) if self._kinds[index] == "thinking" else (TextPiece(text),)

    def _call(self, told: Json) -> tuple[Piece, ...]:
        index: int = told.get("index") or 0
        call: Json = told["delta"]["message"]["tool_calls"]
        if told["type"] == "tool-call-start":
            growing = self._calls[index] = _GrowingCall(len(self._calls), call)
            return (ToolPiece(growing.index, growing.arguments[0], growing.name, growing.id),)
        text: str = inner(call, "function").get("arguments") or ""
        self._calls[index].arguments.append(text)
        return (ToolPiece(self._calls[index].index, text),) if text else ()

    def _planned(self, told: Json) -> tuple[Piece, ...]:
        text: str = told["delta"]["message"].get("tool_plan") or ""
        self._plan.append(text)
        return (ThinkingPiece(text),) if text else ()

    def _cite(self, told: Json | list[Json]) -> None:
        self._citations.extend(told if isinstance(told, list) else [told])

    def finish(self) -> Reply:
        """The whole reply. Raises StreamBroken where the last event did not come."""
        contents = [self._item(i) for i in sorted(self._contents)]
        if self._end is None:
            broken = StreamBroken(f"the stream of {VENDOR} ended before its end")
            broken.partial = "".join(c.get("text") or "" for c in contents)
            raise broken
        calls = [c.whole() for c in self._calls.values()]
        message = {"tool_plan": "".join(self._plan), "content": contents, "tool_calls": calls, "citations": self._citations}
        reply = decode(self._end | {"id": self._id, "message": message, "logprobs": self._logprobs})
        reply.raw = None
        return reply

    def _item(self, index: int) -> Json:
        kind = self._kinds[index]
        return {"type": kind, kind: "".join(self._contents[index])}

"""A streamed v2 chat answer: pieces to show, and at the end the reply.

The fold puts the message together to the body that an unstreamed answer has and decodes that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.cohere.reply import KEYS, VENDOR, decode
from chainkit_providers.faults import fault
from chainkit_providers.folding import Folding
from chainkit_providers.payload import Json, inner

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


class ChatFold(Folding):
    """Folds a stream of v2 chat events."""

    __slots__ = ("_calls", "_citations", "_contents", "_end", "_id", "_kinds", "_logprobs", "_plan")
    vendor = VENDOR

    def __init__(self) -> None:
        self._id: str | None = None
        self._contents: dict[int, list[str]] = {}
        self._kinds: dict[int, str] = {}
        self._plan: list[str] = []
        self._calls: dict[int, _GrowingCall] = {}
        self._citations: list[Json] = []
        self._logprobs: list[Json] = []
        self._end: Json | None = None

    def _take(self, event: str, told: Json) -> tuple[Piece, ...]:
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

    def _ended(self) -> bool:
        return self._end is not None

    def _text(self) -> str:
        texts = [t for i in sorted(self._contents) if self._kinds[i] == "text" for t in self._contents[i]]
        return "".join(texts)

    def _body(self) -> Json:
        contents = [self._item(i) for i in sorted(self._contents)]
        calls = [c.whole() for c in self._calls.values()]
        message = {
            "tool_plan": "".join(self._plan),
            "content": contents,
            "tool_calls": calls,
            "citations": self._citations,
        }
        return {**(self._end or {}), "id": self._id, "message": message, "logprobs": self._logprobs}

    def _decode(self, body: Json) -> Reply:
        return decode(body)

    def _item(self, index: int) -> Json:
        kind = self._kinds[index]
        return {"type": kind, kind: "".join(self._contents[index])}

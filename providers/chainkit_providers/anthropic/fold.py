"""A streamed Messages answer: pieces to show, and at the end the reply.

The fold puts the blocks together to the body that an unstreamed answer has and decodes that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.anthropic.reply import KEYS, VENDOR, decode
from chainkit_providers.faults import fault
from chainkit_providers.folding import Folding
from chainkit_providers.payload import Json, call_arguments

if TYPE_CHECKING:
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply

_FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "compaction_delta": "content",
}


class _Growing:
    """One content block, as far as it has come."""

    __slots__ = ("block", "call", "json", "texts")

    def __init__(self, block: Json) -> None:
        self.block = block
        self.texts: dict[str, list[str]] = {}
        self.json: list[str] = []
        self.call = -1

    def whole(self) -> Json:
        block = self.block
        for name, texts in self.texts.items():
            block[name] = (block.get(name) or "") + "".join(texts)
        if self.json:
            arguments, raw = call_arguments("".join(self.json))
            block["input"] = arguments if raw is None else raw
        return block


class MessagesFold(Folding):
    """Folds a stream of Messages events."""

    __slots__ = ("_blocks", "_calls", "_ends", "_message", "_usage")
    vendor = VENDOR

    def __init__(self) -> None:
        self._blocks: dict[int, _Growing] = {}
        self._message: Json = {}
        self._usage: Json = {}
        self._calls = 0
        self._ends = False

    def _take(self, event: str, told: Json) -> tuple[Piece, ...]:
        kind: str = told.get("type") or event
        if kind == "content_block_delta":
            return self._delta(told)
        if kind == "content_block_start":
            return self._start(told)
        if kind == "message_start":
            self._message = told["message"]
            self._count(self._message.get("usage"))
        elif kind == "message_delta":
            self._message |= {k: v for k, v in told["delta"].items() if v is not None}
            self._count(told.get("usage"))
        elif kind == "message_stop":
            self._ends = True
        elif kind == "error":
            raise fault(VENDOR, told, keys=KEYS)
        return ()

    def _count(self, told: Json | None) -> None:
        """Later counts are of the whole answer, so they take the place of earlier ones."""
        self._usage |= {k: v for k, v in (told or {}).items() if v is not None}

    def _start(self, told: Json) -> tuple[Piece, ...]:
        growing = self._blocks[told["index"]] = _Growing(told["content_block"])
        block = growing.block
        if block.get("type") == "tool_use":
            growing.call = self._calls
            self._calls += 1
            return (ToolPiece(growing.call, "", block.get("name"), block.get("id")),)
        if block.get("type") == "text" and block.get("text"):
            return (TextPiece(block["text"]),)
        if block.get("type") == "thinking" and block.get("thinking"):
            return (ThinkingPiece(block["thinking"]),)
        return ()

    def _delta(self, told: Json) -> tuple[Piece, ...]:
        growing = self._blocks[told["index"]]
        delta: Json = told["delta"]
        kind: str = delta["type"]
        if kind == "input_json_delta":
            growing.json.append(delta["partial_json"])
            shown = growing.call >= 0 and bool(delta["partial_json"])
            return (ToolPiece(growing.call, delta["partial_json"]),) if shown else ()
        if kind == "citations_delta":
            cited: list[Json] = growing.block.get("citations") or []
            growing.block["citations"] = cited
            cited.append(delta["citation"])
            return ()
        name = _FIELDS.get(kind)
        return self._grown(growing, name, delta.get(name)) if name else ()

    def _grown(self, growing: _Growing, name: str, text: Any) -> tuple[Piece, ...]:
        if not text:
            return ()
        growing.texts.setdefault(name, []).append(text)
        if name == "text":
            return (TextPiece(text),)
        return (ThinkingPiece(text),) if name == "thinking" else ()

    def _ended(self) -> bool:
        return self._ends

    def _text(self) -> str:
        texts = [t for i in sorted(self._blocks) for t in self._blocks[i].texts.get("text", ())]
        return "".join(texts)

    def _body(self) -> Json:
        blocks = [self._blocks[i].whole() for i in sorted(self._blocks)]
        return self._message | {"content": blocks, "usage": self._usage}

    def _decode(self, body: Json) -> Reply:
        return decode(body)

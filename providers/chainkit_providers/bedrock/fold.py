"""A streamed Converse answer: pieces to show, and at the end the reply.

The fold puts the blocks together to the body that an unstreamed answer has and decodes that.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.bedrock.errors import broken
from chainkit_providers.bedrock.reply import VENDOR, decode
from chainkit_providers.folding import Folding
from chainkit_providers.payload import Json, call_arguments

if TYPE_CHECKING:
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply


class _Growing:
    """One content block, as far as it has come."""

    __slots__ = ("call", "citations", "redacted", "signature", "start", "text", "thinking", "tool")

    def __init__(self) -> None:
        self.start: Json = {}
        self.call = -1
        self.text: list[str] = []
        self.thinking: list[str] = []
        self.tool: list[str] = []
        self.signature: list[str] = []
        self.redacted: list[str] = []
        self.citations: list[Json] = []

    def whole(self) -> Json:
        """The block as an unstreamed answer has it."""
        if "toolUse" in self.start:
            arguments, raw = call_arguments("".join(self.tool))
            return {"toolUse": {**self.start["toolUse"], "input": arguments if raw is None else raw}}
        if self.redacted:
            joined = b"".join(b64decode(r) for r in self.redacted)
            return {"reasoningContent": {"redactedContent": b64encode(joined).decode("ascii")}}
        if self.thinking or self.signature:
            signature = {"signature": "".join(self.signature)} if self.signature else {}
            return {"reasoningContent": {"reasoningText": {"text": "".join(self.thinking), **signature}}}
        text = "".join(self.text)
        if self.citations:
            return {"citationsContent": {"content": [{"text": text}], "citations": self.citations}}
        return {"text": text} if self.text or not self.start else self.start


class ConverseFold(Folding):
    """Folds a stream of Converse events."""

    __slots__ = ("_blocks", "_calls", "_stop", "_usage")
    vendor = VENDOR

    def __init__(self) -> None:
        self._blocks: dict[int, _Growing] = {}
        self._calls = 0
        self._stop: str | None = None
        self._usage: Json | None = None

    def _take(self, event: str, told: Json) -> tuple[Piece, ...]:
        if event == "contentBlockDelta":
            return self._delta(self._block(told), told["delta"])
        if event == "contentBlockStart":
            return self._start(self._block(told), told["start"])
        if event == "messageStop":
            self._stop = told["stopReason"]
        elif event == "metadata":
            self._usage = told.get("usage") or {}
        elif event[:1] == "!":
            raise broken(event[1:], told)
        return ()

    def _block(self, told: Json) -> _Growing:
        return self._blocks.setdefault(told["contentBlockIndex"], _Growing())

    def _start(self, block: _Growing, start: Json) -> tuple[Piece, ...]:
        block.start = start
        call: Any = start.get("toolUse")
        if call is None or call.get("type") == "server_tool_use":
            return ()
        block.call = self._calls
        self._calls += 1
        return (ToolPiece(block.call, "", call["name"], call["toolUseId"]),)

    def _delta(self, block: _Growing, delta: Json) -> tuple[Piece, ...]:
        if "text" in delta:
            block.text.append(delta["text"])
            return (TextPiece(delta["text"]),) if delta["text"] else ()
        if "toolUse" in delta:
            block.tool.append(delta["toolUse"]["input"])
            return (ToolPiece(block.call, delta["toolUse"]["input"]),) if block.call >= 0 else ()
        if "citation" in delta:
            block.citations.append(delta["citation"])
            return ()
        return self._thought(block, delta.get("reasoningContent") or {})

    def _thought(self, block: _Growing, told: Json) -> tuple[Piece, ...]:
        if "signature" in told:
            block.signature.append(told["signature"])
        if "redactedContent" in told:
            block.redacted.append(told["redactedContent"])
        text = told.get("text")
        if not text:
            return ()
        block.thinking.append(text)
        return (ThinkingPiece(text),)

    def _ended(self) -> bool:
        # The usage comes last: without it the answer would look free.
        return self._stop is not None and self._usage is not None

    def _text(self) -> str:
        return "".join(t for i in sorted(self._blocks) for t in self._blocks[i].text)

    def _body(self) -> Json:
        content = [self._blocks[i].whole() for i in sorted(self._blocks)]
        return {"output": {"message": {"content": content}}, "stopReason": self._stop, "usage": self._usage}

    def _decode(self, body: Json) -> Reply:
        return decode(body)

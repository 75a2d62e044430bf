"""A streamed Chat Completions answer: pieces to show, and at the end the reply.

The fold puts the stream together to the body that an unstreamed answer has and decodes that, so the two
ways cannot differ. Texts are kept as lists and joined once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.faults import fault
from chainkit_providers.folding import Folding
from chainkit_providers.openai.chat_reply import THOUGHTS, decode, detailed, thought
from chainkit_providers.openai.think_tags import Parting
from chainkit_providers.payload import Json, inner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply
    from chainkit_providers.openai.dialect import Dialect

_GROWS = ("text", "summary", "data", "transcript")


class _Growing:
    """One choice of a stream, as far as it has come."""

    __slots__ = (
        "annotations",
        "audio",
        "calls",
        "details",
        "executed",
        "finish",
        "images",
        "logprobs",
        "parting",
        "refusal",
        "text",
        "thinking",
        "where",
    )

    def __init__(self, parting: Parting | None = None) -> None:
        self.parting = parting
        self.text: list[str] = []
        self.thinking: list[str] = []
        self.refusal: list[str] = []
        self.calls: list[_GrowingCall] = []
        self.where: dict[int, _GrowingCall] = {}
        self.annotations: list[Json] = []
        self.images: list[Json] = []
        self.audio = _GrowingDetail()
        self.details: dict[tuple[Any, Any], _GrowingDetail] = {}
        self.executed: dict[int, Json] = {}
        self.logprobs: list[Json] = []
        self.finish: str | None = None

    def whole(self, index: int) -> Json:
        """The choice as an unstreamed answer would hold it."""
        if self.parting is not None:
            _part(self, self.parting.rest(), [])
        message: Json = {
            "content": "".join(self.text),
            "reasoning_content": "".join(self.thinking),
            "reasoning_details": [d.whole() for d in self.details.values()],
            "refusal": "".join(self.refusal),
            "annotations": self.annotations,
            "images": self.images,
            "audio": self.audio.whole(),
            "executed_tools": [self.executed[i] for i in sorted(self.executed)],
            "tool_calls": [c.whole() for c in self.calls],
        }
        return {
            "index": index,
            "message": message,
            "finish_reason": self.finish,
            "logprobs": {"content": self.logprobs},
        }


class _GrowingCall:
    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int, call_id: str | None) -> None:
        self.index = index
        self.id = call_id
        self.name: str | None = None
        self.arguments: list[str] = []

    def whole(self) -> Json:
        return {"id": self.id, "function": {"name": self.name, "arguments": "".join(self.arguments)}}


class _GrowingDetail:
    """A reasoning detail, or sound: its texts grow, of the rest the last told value is kept."""

    __slots__ = ("fields", "texts")

    def __init__(self) -> None:
        self.fields: Json = {}
        self.texts: dict[str, list[str]] = {}

    def add(self, told: Json) -> None:
        for name, value in told.items():
            if name in _GROWS and isinstance(value, str):
                self.texts.setdefault(name, []).append(value)
            elif value is not None or name not in self.fields:
                self.fields[name] = value

    def whole(self) -> Json:
        return self.fields | {name: "".join(texts) for name, texts in self.texts.items()}


class ChatFold(Folding):
    """Folds a stream of Chat Completions chunks; shows the pieces of the first choice."""

    __slots__ = ("_choices", "_dialect", "_ends", "_first", "_id", "_model", "_top", "_usage", "vendor")

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.vendor = dialect.vendor
        self._first = self._new()
        self._choices: dict[int, _Growing] = {0: self._first}
        self._id: str | None = None
        self._model: str | None = None
        self._usage: Json | None = None
        self._top: Json = {}
        self._ends = False

    def _new(self) -> _Growing:
        return _Growing(Parting() if self._dialect.think_tags else None)

    def _take(self, event: str, told: Json) -> tuple[Piece, ...] | list[Piece]:
        if event == "error" or told.get("error") is not None or told.get("object") == "error":
            raise fault(self.vendor, told, keys=self._dialect.keys)
        if self._id is None or not self._model:
            self._head(told)
        if told.get("usage") or "x_groq" in told or "citations" in told or "search_results" in told:
            self._extras(told)
        choices = told.get("choices")
        if not choices:
            return ()
        if len(choices) == 1 and not choices[0].get("index"):
            return _grow(self._first, choices[0])
        return self._several(choices)

    def _head(self, chunk: Json) -> None:
        self._id = self._id or chunk.get("id") or None
        self._model = self._model or chunk.get("model") or None

    def _extras(self, chunk: Json) -> None:
        told = chunk.get("usage") or inner(chunk, "x_groq").get("usage")
        if told:
            self._usage = told
        for name in ("citations", "search_results"):
            if chunk.get(name):
                self._top[name] = chunk[name]

    def _several(self, choices: list[Json]) -> list[Piece]:
        shown: list[Piece] = []
        for choice in choices:
            index: int = choice.get("index") or 0
            growing = self._choices.setdefault(index, self._new())
            pieces = _grow(growing, choice)
            if growing is self._first:
                shown.extend(pieces)
        return shown

    def _done(self) -> None:
        self._ends = True

    def _ended(self) -> bool:
        # Some servers send no end mark after the finish reason, some no finish reason before the mark.
        return self._ends or self._first.finish is not None

    def _text(self) -> str:
        return "".join(self._first.text) or str(self._first.audio.whole().get("transcript") or "")

    def _body(self) -> Json:
        choices = [self._choices[i].whole(i) for i in sorted(self._choices)]
        return {**self._top, "id": self._id, "model": self._model, "usage": self._usage, "choices": choices}

    def _decode(self, body: Json) -> Reply:
        return decode(body, self._dialect)


def _grow(growing: _Growing, choice: Json) -> tuple[Piece, ...] | list[Piece]:
    """Take one choice of a chunk in; gives what is to be shown."""
    if choice.get("finish_reason"):
        growing.finish = choice["finish_reason"]
    logprobs = choice.get("logprobs")
    if logprobs:
        growing.logprobs.extend(logprobs.get("content") or ())
    delta = choice.get("delta")
    if growing.parting is not None:
        return _grow_parted(growing, delta or {})
    if not delta:
        return ()
    content = delta.get("content")
    if type(content) is str and content and len(delta) <= 2:
        growing.text.append(content)
        return (TextPiece(content),)
    return _grow_more(growing, delta)


def _grow_parted(growing: _Growing, delta: Json) -> list[Piece]:
    """A delta whose text may still hold thinking between tags; a server that tells it in a field writes no tags."""
    if any(delta.get(name) for name in ("reasoning_content", "reasoning", "reasoning_details")):
        growing.parting = None
    shown = _grow_more(growing, delta)
    if growing.finish and growing.parting is not None:
        _part(growing, growing.parting.rest(), shown)
    return shown


def _grow_more(growing: _Growing, delta: Json) -> list[Piece]:
    """A delta that may hold more than text."""
    shown: list[Piece] = []
    details: list[Json] = delta.get("reasoning_details") or []
    thinking = delta.get("reasoning_content")
    thinking = thinking if thinking is not None else delta.get("reasoning")
    _think(growing, thinking if thinking is not None else detailed(details), shown)
    _say(growing, delta.get("content"), shown)
    shown.extend(_call_piece(growing, call) for call in delta.get("tool_calls") or ())
    if delta.get("function_call"):
        shown.append(_call_piece(growing, {"index": 0, "function": delta["function_call"]}))
    if delta.get("refusal"):
        growing.refusal.append(delta["refusal"])
    growing.annotations.extend(delta.get("annotations") or ())
    growing.images.extend(delta.get("images") or ())
    if delta.get("audio"):
        _hear(growing, delta["audio"], shown)
    for detail in details:
        growing.details.setdefault((detail.get("index"), detail.get("type")), _GrowingDetail()).add(detail)
    for tool in delta.get("executed_tools") or ():
        growing.executed.setdefault(tool.get("index") or 0, {}).update(tool)
    return shown


def _hear(growing: _Growing, told: Json, shown: list[Piece]) -> None:
    """Sound, and what it says, which is the text of an answer that is spoken."""
    growing.audio.add(told)
    if told.get("transcript"):
        shown.append(TextPiece(told["transcript"]))


def _think(growing: _Growing, text: str | None, shown: list[Piece]) -> None:
    if text:
        growing.thinking.append(text)
        shown.append(ThinkingPiece(text))


def _say(growing: _Growing, content: Any, shown: list[Piece]) -> None:
    if not content:
        return
    if isinstance(content, list):
        for item in content:  # pyright: ignore[reportUnknownVariableType]
            _grow_item(growing, item, shown)  # pyright: ignore[reportUnknownArgumentType]
        return
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if growing.parting is not None:
        _part(growing, growing.parting.feed(text), shown)
        if growing.parting.done:
            growing.parting = None
        return
    growing.text.append(text)
    shown.append(TextPiece(text))


def _part(growing: _Growing, pieces: Iterable[tuple[bool, str]], shown: list[Piece]) -> None:
    for inside, piece in pieces:
        if inside:
            _think(growing, piece, shown)
        else:
            growing.text.append(piece)
            shown.append(TextPiece(piece))


def _grow_item(growing: _Growing, item: Json, shown: list[Piece]) -> None:
    if item.get("type") in THOUGHTS:
        _think(growing, thought(item), shown)
    else:
        _say(growing, item.get("text"), shown)


def _call_piece(growing: _Growing, told: Json) -> ToolPiece:
    """A piece of a tool call. A new id under an old index is a new call: some vendors send no index."""
    index, call_id = told.get("index"), told.get("id")
    function = inner(told, "function")
    call = growing.where.get(index or 0)
    if call is None or _is_another(call, index, call_id, function):
        call = _GrowingCall(len(growing.calls), call_id)
        growing.calls.append(call)
        growing.where[index or 0] = call
    return _extend(call, call_id, function)


def _is_another(call: _GrowingCall, index: int | None, call_id: str | None, function: Json) -> bool:
    if call_id and call.id and call_id != call.id:
        return True
    return index is None and bool(function.get("name") and call.name)


def _extend(call: _GrowingCall, call_id: str | None, function: Json) -> ToolPiece:
    told: Any = function.get("arguments")
    text: str = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False) if told else ""
    name = None if call.name else function.get("name") or None
    if name:
        call.name = name
    if call_id and not call.id:
        call.id = call_id
    show_id = call_id if not call.arguments else None
    if text:
        call.arguments.append(text)
    return ToolPiece(call.index, text, name, show_id)

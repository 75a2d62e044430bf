"""A streamed `generateContent` answer: pieces to show, and at the end the reply.

Every event has the form of a whole answer and holds the next parts. The fold puts them together to the body that an
unstreamed answer has and decodes that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.folding import Folding, shaped
from chainkit_providers.google.arguments import Arguments
from chainkit_providers.google.errors import VENDOR, fault_in
from chainkit_providers.google.reply import decode
from chainkit_providers.payload import Json

if TYPE_CHECKING:
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import Reply

_LISTS = {
    "logprobsResult": ("chosenCandidates", "topCandidates"),
    "citationMetadata": ("citations",),
    "urlContextMetadata": ("urlMetadata",),
}
"""What comes in further pieces, by the object that holds it. Other objects are told whole, the last time best."""


class _Candidate:
    """One answer, as far as it has come."""

    __slots__ = ("calls", "fields", "open", "parts")

    def __init__(self) -> None:
        self.parts: list[Json] = []
        self.fields: Json = {}
        self.calls = 0
        self.open: tuple[Json, Arguments] | None = None

    def tell(self, candidate: Json) -> None:
        """Keep what is said besides the parts."""
        for name, value in candidate.items():
            if name == "content" or value is None:
                continue
            self.fields[name] = _joined(name, self.fields.get(name), value)

    def take(self, part: Json) -> Piece | None:
        """One more part; gives what there is to show of it."""
        text = part.get("text")
        if text is not None:
            if type(text) is not str:
                raise TypeError("text is no text")
            self.parts.append(part)
            if not text:
                return None
            return ThinkingPiece(text) if part.get("thought") else TextPiece(text)
        if "functionCall" in part:
            return self._call(part, part["functionCall"])
        self.parts.append(part)
        return None

    def _call(self, part: Json, made: Json) -> Piece | None:
        if self.open is not None and not made.get("name"):
            return self._more(self.open, made)
        self.open = None
        self.parts.append(part)
        self.calls += 1
        name, given = made.get("name"), made.get("id")
        if made.get("willContinue") or "partialArgs" in made:
            self.open = made, Arguments()
            begun = self._more(self.open, made)
            return ToolPiece(self.calls - 1, "" if begun is None else begun.arguments, name, given)
        return ToolPiece(self.calls - 1, json.dumps(made.get("args") or {}, ensure_ascii=False), name, given)

    def _more(self, open_call: tuple[Json, Arguments], made: Json) -> ToolPiece | None:
        """Arguments that come piece by piece; they are shown when they are whole."""
        call, arguments = open_call
        arguments.take(made.get("partialArgs") or [])
        call["args"] = arguments.value
        if made.get("willContinue"):
            return None
        self.open = None
        return ToolPiece(self.calls - 1, json.dumps(arguments.value, ensure_ascii=False))

    def whole(self) -> Json:
        """As it stands in an unstreamed answer."""
        return self.fields | {"content": {"role": "model", "parts": _merged(self.parts)}}


class GeminiFold(Folding):
    """Folds a stream of `streamGenerateContent`; `count` answers were asked for."""

    __slots__ = ("_candidates", "_count", "_feedback", "_first", "_last", "_usage")
    vendor = VENDOR

    def __init__(self, count: int = 1) -> None:
        self._first = _Candidate()
        self._candidates = {0: self._first}
        self._count = count
        self._feedback: Json | None = None
        self._last: Json = {}
        self._usage: Json = {}

    def take(self, told: Json) -> None:
        """One event that is parsed, and is not shown."""
        self._take("", told)

    def _take(self, event: str, told: Json) -> tuple[Piece, ...] | list[Piece]:
        self._last = told
        usage = told.get("usageMetadata")
        if usage:
            self._usage.update(usage)
        candidates = told.get("candidates")
        if not candidates:
            return self._aside(told)
        shown: list[Piece] = []
        for candidate in candidates:
            index = candidate.get("index")
            growing = self._candidate(index) if index else self._first
            if len(candidate) > 2 or "finishReason" in candidate:
                growing.tell(candidate)
            content = candidate.get("content")
            for part in (content and content.get("parts")) or ():
                piece = growing.take(part)
                if piece is not None and not index:
                    shown.append(piece)
        return shown

    def _candidate(self, index: int) -> _Candidate:
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = _Candidate()
        return found

    def _aside(self, told: Json) -> tuple[Piece, ...]:
        if "error" in told:
            raise fault_in(VENDOR, told)
        self._feedback = told.get("promptFeedback") or self._feedback
        return ()

    def _ended(self) -> bool:
        if self._feedback and self._feedback.get("blockReason"):
            return True
        ended = [c for c in self._candidates.values() if c.fields.get("finishReason") is not None]
        return len(ended) == len(self._candidates) >= self._count

    def _text(self) -> str:
        return "".join(p.get("text") or "" for p in self._first.parts if not p.get("thought"))

    def _body(self) -> Json:
        blocked = self._feedback and self._feedback.get("blockReason")
        if blocked and not self._first.parts:
            answers: list[Json] = []
        else:
            answers = [{"finishReason": blocked, **c.whole(), "index": i} for i, c in sorted(self._candidates.items())]
        body: Json = {name: self._last[name] for name in ("modelVersion", "responseId") if name in self._last}
        body |= {"usageMetadata": self._usage} if self._usage else {}
        return body | {"candidates": answers} | ({"promptFeedback": self._feedback} if self._feedback else {})

    def _decode(self, body: Json) -> Reply:
        return decode(body)


def _joined(name: str, held: Any, new: Any) -> Any:
    if not (isinstance(held, dict) and isinstance(new, dict)):
        return new
    return _object(name, held, new)  # pyright: ignore[reportUnknownArgumentType]


def _object(name: str, held: Json, new: Json) -> Json:
    lists = {k: [*(held.get(k) or ()), *(new.get(k) or ())] for k in _LISTS.get(name, ()) if k in held or k in new}
    return held | {k: v for k, v in new.items() if v} | lists


def _merged(parts: list[Json]) -> list[Json]:
    """Text that came in pieces as one part; a signature ends its part, and an empty text without one is none."""
    merged: list[Json] = []
    texts: list[str] = []
    for part in parts:
        text = part.get("text")
        if not text and text is not None and "thoughtSignature" not in part:
            continue
        if text and texts and _continues(merged[-1], part):
            texts.append(text)
            continue
        if texts:
            merged[-1]["text"] = "".join(texts)
        merged.append(dict(part))
        texts = [text] if text else []
    if texts:
        merged[-1]["text"] = "".join(texts)
    return merged


def _continues(before: Json, part: Json) -> bool:
    return (
        "thoughtSignature" not in before
        and "thoughtSignature" not in part
        and bool(before.get("thought")) == bool(part.get("thought"))
    )


@shaped("streamGenerateContent")
def whole(events: list[Any]) -> Reply:
    """A stream that came as one JSON array of its events, as it does where nobody asked for server-sent ones."""
    fold = GeminiFold(len({c.get("index") or 0 for told in events for c in told.get("candidates") or ()}) or 1)
    for told in events:
        fold.take(told)
    return fold.finish()

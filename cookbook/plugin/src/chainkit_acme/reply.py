"""Acme's answers in our words: whole, and event by event."""

from __future__ import annotations

import json
from typing import Any

from chainkit.errors import ReplyMalformed, StreamBroken
from chainkit.messages import Text, Thinking, ToolCall
from chainkit.models.pieces import Piece, TextPiece, ThinkingPiece, ToolPiece
from chainkit.models.reply import FinishReason, Reply
from chainkit.usage import Usage

Json = dict[str, Any]
FINISH: dict[str, FinishReason] = {"done": "stop", "full": "length", "call": "tool_calls", "no": "content_filter"}


def decode(body: Any) -> Reply:
    """A whole answer. Raises ReplyMalformed for what is none."""
    try:
        return _reply(body, tuple(_part(p) for p in body["parts"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ReplyMalformed(f"this is no answer of acme's ({error!r}): {str(body)[:200]}") from error


def _reply(ended: Json, parts: tuple[Text | Thinking | ToolCall, ...]) -> Reply:
    used = ended.get("used")
    # What was not told is unknown, and never 0.
    usage = Usage() if used is None else Usage(input=used["read"], output=used["wrote"], cached=used.get("kept"))
    why = ended["why"]
    return Reply(parts, FINISH.get(why, "unknown"), why, usage, model=ended.get("model"), raw=ended)


def _part(part: Json) -> Text | Thinking | ToolCall:
    if "thought" in part:
        return Thinking(part["thought"]["text"], part["thought"].get("seal"), "acme")
    if "call" in part:
        call = part["call"]
        return ToolCall(call["name"], call["arguments"], call["id"])
    return Text(part["text"])


class TalkFold:
    """Turns the events of one answer into one reply. Each event adds to the last part, or begins one."""

    def __init__(self) -> None:
        self._parts: list[Json] = []
        self._end: Json | None = None

    def feed(self, event: str, data: bytes) -> tuple[Piece, ...]:
        """One event; gives what is to be shown of it."""
        try:
            told = json.loads(data)
            if "problem" in told:
                from chainkit_acme.chat import problem

                raise problem(told["problem"])
            if "end" in told:
                self._end = told["end"]
                return ()
            return self._grown(told)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ReplyMalformed(f"this is no event of acme's ({error!r}): {data[:200]!r}") from error

    def _grown(self, told: Json) -> tuple[Piece, ...]:
        if "text" in told:
            self._last("text", told["text"])
            return (TextPiece(told["text"]),)
        if "thought" in told:
            self._last("thought", told["thought"])
            self._parts[-1]["seal"] = told.get("seal")
            return (ThinkingPiece(told["thought"]),)
        if "call" in told:
            self._parts.append({"kind": "call", "told": "", **told["call"]})
            return (ToolPiece(self._calls(), "", told["call"]["name"], told["call"]["id"]),)
        self._parts[-1]["told"] += told["arguments"]
        return (ToolPiece(self._calls(), told["arguments"]),)

    def _calls(self) -> int:
        return sum(part["kind"] == "call" for part in self._parts) - 1

    def _last(self, kind: str, told: str) -> None:
        if not self._parts or self._parts[-1]["kind"] != kind:
            self._parts.append({"kind": kind, "told": ""})
        self._parts[-1]["told"] += told

    def finish(self) -> Reply:
        """The reply. Raises StreamBroken, with the text that came, where the last event did not."""
        parts = tuple(_whole(part) for part in self._parts)
        if self._end is None:
            broken = StreamBroken("acme's stream ended before its end")
            broken.partial = "".join(p.text for p in parts if isinstance(p, Text))
            raise broken
        return _reply(self._end, parts)


def _whole(part: Json) -> Text | Thinking | ToolCall:
    if part["kind"] == "text":
        return Text(part["told"])
    if part["kind"] == "thought":
        return Thinking(part["told"], part["seal"], "acme")
    return _call(part)


def _call(part: Json) -> ToolCall:
    try:
        return ToolCall(part["name"], json.loads(part["told"] or "{}"), part["id"])
    except ValueError:
        # A limit cut the arguments off: they are kept as they came.
        return ToolCall(part["name"], {}, part["id"], part["told"])

"""Asking again: what to append to the conversation after an answer that did not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainkit.errors import OutputError
from chainkit.messages import Message, Messages, Part, ToolCall, ToolResult, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainkit.errors import Attempt

AGAIN = "Answer again with the whole, corrected answer only, and nothing else."
CURE = "see `.attempts` for what each try said; a model with native schemas, or a simpler type, fails less"
CALL_AGAIN = "Call it again with the whole, corrected arguments."


def reask(said: str | Message, error: OutputError) -> Messages:
    """The messages to append: what the model said, and what was wrong with it.

    `said` is the raw text, or the reply as a message, which keeps thinking and tool calls where their vendor
    wants them back. A tool call is answered with a failed result, as vendors take no other turn after one.
    """
    turn = message("assistant", said) if isinstance(said, str) else said
    calls = [p for p in turn.parts if isinstance(p, ToolCall)]
    results = tuple(ToolResult(c.id, f"{_told(error)}\n{CALL_AGAIN}", c.name, failed=True) for c in calls)
    if results:
        return Messages((turn, Message("tool", results)))
    again = message("user", f"{_told(error)}\n{AGAIN}")
    return Messages((turn, again) if _says_something(turn.parts) else (again,))


def _told(error: OutputError) -> str:
    return error.message[:1].upper() + error.message[1:] + ("" if error.message.endswith((".", "!")) else ".")


def _says_something(parts: Sequence[Part]) -> bool:
    """Vendors refuse a turn of the assistant that is empty."""
    return any(getattr(p, "text", "x").strip() for p in parts)


def all_attempts(errors: Sequence[OutputError]) -> OutputError:
    """The error of a step that gave up: the last one's message, and each attempt's raw text and error."""
    last = errors[-1]
    attempts: tuple[Attempt, ...] = tuple(a for e in errors for a in e.attempts)
    error = OutputError(last.message, cure=last.cure or CURE, path=last.path)
    error.attempts = attempts
    return error

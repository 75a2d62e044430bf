"""What of a chain's answer belongs into the conversation."""

from __future__ import annotations

from typing import Any

from chainkit.messages import Message, Messages, Text, counted_text
from chainkit.models.reply import Reply
from chainkit.tools.result import AgentResult


def said_in(found: Any, given: Messages) -> Messages:
    """The turns that an answer adds; none where the model said nothing, or where an agent waits for a person.

    A reply is kept with all its parts, an agent's work with its calls and results, a verdict as its value, and any other
    value as its text or as JSON.
    """
    if isinstance(found, Reply):
        return _reply(found)
    if isinstance(found, AgentResult):
        return Messages() if found.pending else _after(found.messages, given)  # pyright: ignore[reportUnknownMemberType]
    if hasattr(found, "ballots"):
        return said_in(found.value, given)
    text = _text(found)
    return Messages((Message("assistant", (Text(text),)),)) if text else Messages()


def _reply(reply: Reply) -> Messages:
    if reply.parts and (reply.text or reply.tool_calls):
        return Messages((reply.message,))
    return Messages((Message("assistant", (Text(reply.refusal),)),)) if reply.refusal else Messages()


def _after(messages: Messages, given: Messages) -> Messages:
    """What an agent added: it may have put its own system message before the rest."""
    added = 0 if messages[: len(given)] == given else 1
    return Messages(messages[len(given) + added :])


def _text(found: Any) -> str:
    if isinstance(found, str):
        return found
    text = counted_text(found)
    if text is None and isinstance(getattr(found, "text", None), str):
        text = str(found)
    return _as_json(found) if text is None else text


def _as_json(found: Any) -> str:
    from pydantic_core import to_json

    return to_json(found, fallback=str).decode()

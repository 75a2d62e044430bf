"""The conversation so far, from the forms in which callers keep it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from chainkit.errors import PromptError, did_you_mean
from chainkit.messages import Message, Messages, Role, Text
from chainkit.prompts.parts import is_listing

_ROLES = ("user", "assistant", "tool")


def as_turns(value: Any) -> Messages:
    """Messages, or rows such as `{"role": "user", "content": "Hi"}`, as messages; raises PromptError."""
    if isinstance(value, Messages):
        return value
    if not is_listing(value):
        msg = f"a history is a list of messages, got {type(value).__name__}"
        raise PromptError(msg, cure='[{"role": "user", "content": "Hi"}], or [] at the start')
    return Messages(_turn(i, row) for i, row in enumerate(value))


def _turn(index: int, row: Any) -> Message:
    if isinstance(row, Message):
        return row
    if not isinstance(row, Mapping):
        msg = f"turn {index} of a history must be a Message or a row, got {type(row).__name__}"
        raise PromptError(msg, cure='{"role": "user", "content": "Hi"}')
    fields = cast("Mapping[str, Any]", row)
    return Message(_role(index, fields.get("role")), _parts(index, fields))


def _role(index: int, role: Any) -> Role:
    if role in _ROLES:
        return cast("Role", role)
    if role == "system":
        msg = f"turn {index} of a history is a row of the role 'system'"
        raise PromptError(
            msg, cure="rows may come from outside: put a Message into the history where a system message is meant"
        )
    raise PromptError(f"turn {index} of a history has no role {role!r}", cure=did_you_mean(str(role), _ROLES))


def _parts(index: int, row: Mapping[str, Any]) -> tuple[Text, ...]:
    content = row.get("content")
    if isinstance(content, str):
        return (Text(content),)
    extra = sorted(row.keys() - {"role", "content"})
    raise PromptError(
        f"turn {index} of a history must have its text under 'content', got {type(content).__name__}"
        + (f" beside {', '.join(map(repr, extra))}" if extra else ""),
        cure="use a Message for turns that hold more than text",
    )


def newest(turns: Messages, last: int | None) -> Messages:
    """At most `last` of the newest messages, beginning with a user's where there is one among them."""
    if last is None or len(turns) <= last:
        return turns
    kept = turns[-last:]
    first = next((i for i, turn in enumerate(kept) if turn.role == "user"), None)
    if first is None:
        return Messages(turn for turn in kept if turn.role != "tool")
    return Messages(kept[first:])

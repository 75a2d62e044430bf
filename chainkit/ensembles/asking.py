"""How a combiner puts a question and its answers before a model: as marked data, never as a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainkit.messages import Messages as _Messages
from chainkit.messages import as_messages, message

if TYPE_CHECKING:
    from chainkit.ensembles.verdict import Ballot
    from chainkit.messages import Messages

LONGEST = 20_000
"""Characters of one answer that a combiner's model is shown."""


def put(instruction: str, question: Any, ballots: Sequence[Ballot[Any]], ending: str) -> Messages:
    """The instruction, the question, the answers by number, and what to answer."""
    answers = "\n\n".join(
        f"<answer number={number}>\n{spelled(ballot.value)}\n</answer>" for number, ballot in enumerate(ballots, 1)
    )
    text = f"<question>\n{spelled(question)}\n</question>\n\n{answers}\n\n{ending}"
    return _Messages((message("system", instruction), message("user", text)))


def spelled(value: Any) -> str:
    """A value as text for a model: messages as a transcript, data as JSON."""
    messages = as_messages(value)
    if messages is not None:
        users = [m for m in messages if m.role == "user"]
        text = users[0].text if len(messages) == 1 or len(users) == 1 == len(messages) else str(messages)
    elif hasattr(value, "model_dump_json"):
        text = value.model_dump_json()
    elif isinstance(value, Mapping | list | tuple):
        import json

        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + " […]"

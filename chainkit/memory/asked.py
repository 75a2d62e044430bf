"""What is said now, in whose conversation, and how the chain takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainkit.chain import Chain
from chainkit.compose.policy import Around
from chainkit.compose.sequence import Sequence
from chainkit.errors import CompositionError, did_you_mean
from chainkit.memory.store import named
from chainkit.messages import Messages, Text, as_messages, counted_text
from chainkit.prompts.parts import HistoryPart
from chainkit.prompts.prompt import Prompt

CONVERSATION, MESSAGE = "conversation", "message"


@dataclass(frozen=True)
class Asked:
    """One question: its conversation, its turns, and further variables."""

    conversation: str
    turns: Messages
    rest: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Shape:
    """How a chain takes a conversation: as messages, or as a mapping with `turns` and, under `message`, what is said now."""

    turns: str | None = None
    message: str = MESSAGE

    def given(self, asked: Asked, all_turns: Messages) -> Any:
        """The input of the chain."""
        if self.turns is None:
            return all_turns
        before = Messages(all_turns[: len(all_turns) - len(asked.turns)])
        return {**asked.rest, self.turns: before, self.message: _text_of(asked.turns)}


def shape_of(chain: Chain[Any, Any], turns: str | None, message: str | None, system: str | None) -> Shape:
    """How that chain takes it. Raises CompositionError for a prompt without a place for the conversation."""
    found = _prompt(chain)
    if found is None:
        if turns is None and message is not None:
            raise CompositionError("message= names a variable, and the chain takes messages", cure="name turns= too")
        return Shape(turns, message or MESSAGE)
    if system is not None:
        raise CompositionError("the chain begins with a prompt of its own", cure="put system(...) into that prompt")
    places = [part.name for part in found.template if isinstance(part, HistoryPart)]
    if turns is None and not places:
        raise CompositionError(
            "the prompt has no place for the conversation", cure='prompt(system(...), history("turns"), user(...))'
        )
    place = turns or places[0]
    return Shape(place, message or _variable([name for name in found.variables if name != place]))


def _variable(names: list[str]) -> str:
    if MESSAGE in names or len(names) != 1:
        if MESSAGE not in names:
            msg = (
                f"which variable of the prompt is what the user says: {', '.join(map(repr, names)) or 'there is none'}"
            )
            raise CompositionError(msg, cure="chatting(..., message='question')")
        return MESSAGE
    return names[0]


def _prompt(chain: Chain[Any, Any]) -> Prompt[Any] | None:
    """The prompt that a chain begins with."""
    if isinstance(chain, Prompt):
        return chain  # pyright: ignore[reportUnknownVariableType]
    if isinstance(chain, Sequence):
        return _prompt(chain.chain[0])
    return _prompt(chain.chain) if isinstance(chain, Around) else None


def asked_in(value: Any, shape: Shape, bound: str | None) -> Asked:
    """What an input asks. Raises CompositionError for what says no message, or no conversation."""
    if isinstance(value, Mapping):
        return _from_mapping(value, shape, bound)  # pyright: ignore[reportUnknownArgumentType]
    return Asked(_conversation(bound), _turns(value))


def _from_mapping(value: Mapping[str, Any], shape: Shape, bound: str | None) -> Asked:
    key = MESSAGE if MESSAGE in value else shape.message
    if key not in value:
        msg = f"what is said is missing: {key!r} is not among {', '.join(map(repr, value)) or 'nothing'}"
        raise CompositionError(msg, cure=f"{{'conversation': ..., {key!r}: ...}}")
    rest = {name: held for name, held in value.items() if name not in (key, CONVERSATION)}
    if shape.turns is None and rest:
        msg = f"the chain takes messages, and nothing else that is called {min(rest)!r}"
        raise CompositionError(msg, cure=did_you_mean(min(rest), (CONVERSATION, MESSAGE)))
    return Asked(_conversation(value.get(CONVERSATION, bound)), _turns(value[key]), rest)


def _conversation(name: Any) -> str:
    if name is None:
        cure = "chatting(..., conversation='ada'), or {'conversation': 'ada', 'message': ...}"
        raise CompositionError("nothing says whose conversation this is", cure=cure)
    return named(name)


def _turns(value: Any) -> Messages:
    text = None if isinstance(value, str) else counted_text(value)
    found = as_messages(value if text is None else text)
    if found is None:
        msg = f"what is said is a text or messages, and this is {type(value).__name__}: {value!r:.60}"
        raise CompositionError(msg)
    return found


def _text_of(turns: Messages) -> str:
    if len(turns) == 1 and all(isinstance(part, Text) for part in turns[0].parts):
        return turns[0].text
    cure = "give pictures as variables of the prompt, media(...), or chat with a model or agent itself"
    raise CompositionError("a prompt takes what is said now as one text", cure=cure)

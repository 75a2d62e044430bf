"""A chain taken apart at its last model: what comes before it, the model, what comes after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.compose.sequence import Sequence
from chainkit.errors import CompositionError
from chainkit.messages import Messages
from chainkit.models.chat import ChatModel
from chainkit.models.request import ChatRequest

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.resolve import Resolved


@dataclass(frozen=True)
class Ending:
    """The parts; `before` and `after` are None where there is nothing."""

    before: Chain[Any, Any] | None
    model: ChatModel
    after: Chain[Any, Any] | None


def ending(chain: Chain[Any, Any], what: str) -> Ending:
    """The parts of a model, or of a sequence that holds one. Raises CompositionError for another chain."""
    parts = chain.chain if isinstance(chain, Sequence) else (chain,)
    at = next((i for i in range(len(parts) - 1, -1, -1) if isinstance(parts[i], ChatModel)), None)
    if at is None:
        msg = f"{what} needs a chain that ends in a model, and this one is {chain!r:.80}"
        raise CompositionError(msg, cure="use `prompt | model`, with policies such as .retry() left away")
    model = parts[at]
    assert isinstance(model, ChatModel)
    return Ending(_whole(parts[:at]), model, _whole(parts[at + 1 :]))


def asked_of(model: ChatModel, resolved: Resolved, value: Any) -> ChatRequest:
    """The request that a model would send for that input, its output's form included."""
    messages = value if type(value) is Messages else model.messages(value)
    request = ChatRequest(resolved.model, messages, dict(model.options), model.tools, lenient=model.lenient)
    asked = model.asked()
    if asked is not None:
        way, spec = asked.way(resolved.profile, tools=bool(model.tools))
        request.messages, request.output = way.instructed(messages), spec
    return request


def _whole(parts: tuple[Chain[Any, Any], ...]) -> Chain[Any, Any] | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Sequence(parts)

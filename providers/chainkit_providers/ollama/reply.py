"""A whole answer of an Ollama chat as a reply of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import Text, Thinking, ToolCall
from chainkit.models.reply import Reply
from chainkit_providers.folding import shaped
from chainkit_providers.ollama.wire import VENDOR, finish_reason, in_answer, usage
from chainkit_providers.payload import Json, call_arguments, inner, listed, malformed, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable


@shaped("Ollama chat")
def decode(body: Any) -> Reply:
    """A whole answer, its times (in nanoseconds) in `raw`. Raises the fault that it holds, or ReplyMalformed."""
    if not isinstance(body, dict):
        raise malformed("Ollama chat", body, "message")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    if answer.get("error") is not None:
        raise in_answer(answer)
    message = answer.get("message")
    if not isinstance(message, dict):
        raise malformed("Ollama chat", answer, "message")
    parts = tuple(_parts(message))  # pyright: ignore[reportUnknownArgumentType]
    return _reply(parts, answer)


@shaped("Ollama generate")
def decode_text(body: Any) -> Reply:
    """The same of a completion."""
    if not isinstance(body, dict):
        raise malformed("Ollama generate", body, "response")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    if answer.get("error") is not None:
        raise in_answer(answer)
    if "response" not in answer:
        raise malformed("Ollama generate", answer, "response")
    return _reply(tuple(_texts(answer, "response")), answer)


def _reply(parts: tuple[Text | Thinking | ToolCall, ...], answer: Json) -> Reply:
    word: str | None = answer.get("done_reason")
    return Reply(
        parts,
        finish_reason(word, calls=any(type(p) is ToolCall for p in parts)),
        word,
        usage(answer),
        model=answer.get("model"),
        logprobs=tuple(listed(answer, "logprobs")),
        raw=answer,
    )


def _parts(message: Json) -> Iterable[Text | Thinking | ToolCall]:
    yield from _texts(message, "content")
    yield from (_call(c.get("id"), inner(c, "function")) for c in listed(message, "tool_calls"))


def _texts(told: Json, name: str) -> Iterable[Text | Thinking]:
    thinking, text = text_of(told, "thinking"), text_of(told, name)
    if thinking:
        yield Thinking(thinking, vendor=VENDOR)
    if text:
        yield Text(text)


def _call(call_id: str | None, function: Json) -> ToolCall:
    told: Any = function.get("arguments")
    if isinstance(told, dict):
        return ToolCall(text_of(function, "name"), told, call_id)  # pyright: ignore[reportUnknownArgumentType]
    arguments, raw = call_arguments(told)
    return ToolCall(text_of(function, "name"), arguments, call_id, raw)

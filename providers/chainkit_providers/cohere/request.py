"""A request of ours as the body of a v2 chat call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import Media, Text, Thinking, ToolCall, ToolResult
from chainkit_providers.cohere.reply import TOOL_PLAN, VENDOR
from chainkit_providers.openai.chat_request import check_choice, plain
from chainkit_providers.payload import Json, arguments_text, cannot_send, media_url, note_foreign, result_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.messages import Message, Part
    from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "p",
    "top_k": "k",
    "max_tokens": "max_tokens",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
TAKES = frozenset((*_OPTIONS, "stop", "logprobs", "reasoning", "reasoning_tokens", "tool_choice", "extra"))
"""The options that this wire honours."""


def encode(request: ChatRequest, options: dict[str, Any]) -> Json:
    """The JSON body; takes what the wire honours out of `options`."""
    extra = options.pop("extra", None)
    body: Json = {"model": request.model, "messages": list(messages(request.messages)), "stream": request.stream}
    note_foreign(request, VENDOR)
    _put_tools(body, request, options)
    _put_output(body, request.output)
    for option, name in _OPTIONS.items():
        if option in options:
            body[name] = plain(options.pop(option))
    _put_rest(body, options)
    if extra:
        body.update(extra)
    return body


def messages(turns: Iterable[Message]) -> Iterable[Json]:
    """The turns as the wire's messages; one tool turn gives a message for each of its results."""
    for turn in turns:
        if turn.role == "tool":
            yield from (_result(p) for p in turn.parts if isinstance(p, ToolResult))
        elif turn.role == "assistant":
            yield _assistant(turn)
        else:
            yield {"role": turn.role, "content": _content(turn)}


def _result(result: ToolResult) -> Json:
    return {"role": "tool", "tool_call_id": result.id, "content": result_text(result)}


def _content(turn: Message) -> str | list[Json]:
    if all(isinstance(p, Text) for p in turn.parts):
        return turn.text
    return [part for p in turn.parts if (part := _part(p)) is not None]


def _part(part: Part) -> Json | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if not isinstance(part, Media):
        return None
    if part.kind != "image":
        raise cannot_send("v2 chat", part, "give images, or the text of a document")
    return {"type": "image_url", "image_url": {"url": media_url(part)}}


def _assistant(turn: Message) -> Json:
    own = [p for p in turn.parts if isinstance(p, Thinking) and p.vendor == VENDOR and p.text]
    plan = "".join(p.text for p in own if p.signature == TOOL_PLAN)
    thoughts = [{"type": "thinking", "thinking": p.text} for p in own if p.signature != TOOL_PLAN]
    calls = [_call(p) for p in turn.parts if isinstance(p, ToolCall)]
    written: Json = {"role": "assistant"}
    if thoughts:
        written["content"] = [*thoughts, *([{"type": "text", "text": turn.text}] if turn.text else [])]
    elif turn.text or not calls:
        written["content"] = turn.text
    if calls:
        written |= {"tool_calls": calls} | ({"tool_plan": plan} if plan else {})
    return written


def _call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments_text(call)}}


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any]) -> None:
    tools = [_function(t.name, t.parameters, t.description) for t in request.tools]
    choice, output = options.pop("tool_choice", None), request.output
    if output is not None and output.mode == "tool":
        tools.append(_function(output.name, output.schema, output.description))
        choice = choice or ("required" if request.tools else output.name)
    if choice not in (None, "auto"):
        tools, body["tool_choice"] = _chosen(choice, tools, request.tools, output)
    if tools:
        body["tools"] = tools


def _chosen(
    choice: str, offered: list[Json], tools: tuple[ToolSpec, ...], output: OutputSpec | None
) -> tuple[list[Json], str]:
    """The wire can force a call and no certain tool: so that a named one is called, it alone is offered."""
    if choice in ("none", "required"):
        return offered, choice.upper()
    check_choice(choice, tools, output)
    return [t for t in offered if t["function"]["name"] == choice], "REQUIRED"


def _function(name: str, parameters: Any, description: str) -> Json:
    about = {"description": description} if description else {}
    return {"type": "function", "function": {"name": name, **about, "parameters": dict(parameters)}}


def _put_output(body: Json, output: OutputSpec | None) -> None:
    if output is None or output.mode in ("tool", "prompt"):
        return
    form: Json = {"type": "json_object"}
    body["response_format"] = form if output.mode == "json" else form | {"json_schema": dict(output.schema)}


def _put_rest(body: Json, options: dict[str, Any]) -> None:
    if "stop" in options:
        stop = options.pop("stop")
        body["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if options.get("logprobs") == 0:
        # The wire gives the chosen tokens' own and no alternatives; asking for those is left to be refused.
        del options["logprobs"]
        body["logprobs"] = True
    level, budget = options.pop("reasoning", None), options.pop("reasoning_tokens", None)
    if level is not None or budget is not None:
        asked: Json = {"type": "disabled" if level == "none" else "enabled"}
        body["thinking"] = asked if budget is None else asked | {"token_budget": budget}

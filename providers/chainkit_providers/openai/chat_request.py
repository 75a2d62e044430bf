"""A request of ours as the body of a Chat Completions call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit.messages import ServerItem, Thinking, ToolCall, ToolResult
from chainkit_providers.openai.call_ids import told_apart
from chainkit_providers.openai.chat_parts import content
from chainkit_providers.payload import Json, arguments_text, note_foreign, result_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chainkit.messages import Message
    from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
    from chainkit_providers.openai.dialect import Dialect

_MODES = ("auto", "none", "required")
_OFF: dict[str, Json] = {
    "thinking": {"thinking": {"type": "disabled"}},
    "enable_thinking": {"enable_thinking": False},
    # Templates differ in the name; one that they do not know has no effect.
    "chat_template_kwargs": {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}},
    "disable_reasoning": {"disable_reasoning": True},
}


def encode(request: ChatRequest, options: dict[str, Any], dialect: Dialect) -> Json:
    """The JSON body; takes what the dialect honours out of `options`."""
    extra = options.pop("extra", None)
    held = dialect.held_back(request.model, options)
    note_foreign(request, dialect.vendor)
    body: Json = {"model": request.model, "messages": list(messages(request.messages, dialect)), **dialect.always}
    _put_tools(body, request, options, dialect)
    _put_output(body, request.output, dialect)
    _put_options(body, request.model, options, dialect)
    options.update(held)
    if request.stream:
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    if extra:
        body.update(extra)
    return body


def messages(turns: Sequence[Message], dialect: Dialect) -> Iterable[Json]:
    """The turns as the wire's messages; one tool turn gives a message for each of its results."""
    for turn in told_apart(turns):
        if turn.role == "tool":
            yield from (_result(p) for p in turn.parts if isinstance(p, ToolResult))
            continue
        written = _assistant(turn, dialect) if turn.role == "assistant" else {"content": content(turn, dialect)}
        named = {"name": turn.name} if turn.name else {}
        yield {"role": turn.role, **written, **named}


def _result(result: ToolResult) -> Json:
    return {"role": "tool", "tool_call_id": result.id, "content": result_text(result)}


def _assistant(turn: Message, dialect: Dialect) -> Json:
    calls = [_call(p) for p in turn.parts if isinstance(p, ToolCall)]
    written: Json = {"content": turn.text or (None if calls else "")}
    if calls:
        written["tool_calls"] = calls
    spoken = [p.data["id"] for p in turn.parts if isinstance(p, ServerItem) and _is_spoken(p, dialect)]
    if spoken:
        written = {**written, "content": None, "audio": {"id": spoken[0]}}
    if dialect.thinking_back:
        _put_thinking(written, turn, dialect)
    return written


def _is_spoken(item: ServerItem, dialect: Dialect) -> bool:
    return item.type == "audio" and item.vendor == dialect.vendor and "id" in item.data


def _call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments_text(call)}}


def _put_thinking(written: Json, turn: Message, dialect: Dialect) -> None:
    own = [p for p in turn.parts if isinstance(p, Thinking) and p.vendor == dialect.vendor]
    kept = [item for p in own if p.data for item in json.loads(p.data)]
    text = "".join(p.text for p in own)
    if dialect.thinking_back == "reasoning_details":
        if kept:
            written["reasoning_details"] = kept
    elif not text and not kept:
        return
    elif dialect.thinking_back == "content":
        thoughts = kept or [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]
        written["content"] = [*thoughts, *([{"type": "text", "text": turn.text}] if turn.text else [])]
    elif text:
        written[dialect.thinking_back or "reasoning_content"] = text


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any], dialect: Dialect) -> None:
    tools = [_function(t.name, t.parameters, t.description) for t in request.tools]
    choice, output = wanted(options, dialect.options, dialect.tool_choices), request.output
    if output is not None and output.mode == "tool":
        tools.append(_function(output.name, output.schema, output.description))
        choice = choice or forced(output.name, bool(request.tools), dialect, dialect.options)
    tools, choice = narrowed(tools, choice, request, dialect)
    if tools:
        check_tools(dialect)
        body["tools"] = tools
    if choice is not None:
        body["tool_choice"] = tool_choice(choice, request.tools, output)
    if "parallel_tools" in options and "parallel_tools" in dialect.options:
        body[dialect.options["parallel_tools"]] = options.pop("parallel_tools")


def wanted(options: dict[str, Any], named: Mapping[str, str], choices: tuple[str, ...]) -> str | None:
    """The choice of tools that was asked for, where the vendor knows it; else it stays among the options."""
    choice = options.get("tool_choice")
    words = {choice} if choice in _MODES else {"name", "alone"}
    known = "tool_choice" in named and not words.isdisjoint(choices)
    return options.pop("tool_choice", None) if known else None


def narrowed(
    tools: list[Json], choice: str | None, request: ChatRequest, dialect: Dialect
) -> tuple[list[Json], str | None]:
    """The tools to offer, and the choice: a tool forced by name stands alone where the vendor knows only words.

    Raises BadRequest for an unknown name.
    """
    if choice is None or choice in _MODES or "alone" not in dialect.tool_choices:
        return tools, choice
    check_choice(choice, request.tools, request.output)
    return [t for t in tools if t.get("function", t)["name"] == choice], "required"


def forced(name: str, others: bool, dialect: Dialect, named: Mapping[str, str]) -> str | None:
    """How an output's own tool is called for: by its name, or any call where other tools stand beside it."""
    choices = dialect.tool_choices
    wished = "required" if others or "name" not in choices else name
    known = wished == name or wished in choices
    return (wished if known else "auto") if "tool_choice" in named else None


def check_tools(dialect: Dialect) -> None:
    """Raise BadRequest where a vendor knows no tools at all."""
    if not dialect.tool_choices:
        msg = f"{dialect.vendor} takes no tools"
        raise BadRequest(msg, cure="leave tools= out, or ask another model")


def _function(name: str, parameters: Any, description: str) -> Json:
    about = {"description": description} if description else {}
    return {"type": "function", "function": {"name": name, **about, "parameters": dict(parameters)}}


def tool_choice(choice: str, tools: tuple[ToolSpec, ...], output: OutputSpec | None) -> str | Json:
    """A mode as it is, a tool's name as the object that forces it. Raises BadRequest for an unknown name."""
    if choice in _MODES:
        return choice
    check_choice(choice, tools, output)
    return {"type": "function", "function": {"name": choice}}


def check_choice(choice: str, tools: tuple[ToolSpec, ...], output: OutputSpec | None) -> None:
    """Raise BadRequest where a forced tool is not among those offered."""
    known = [t.name for t in tools] + ([output.name] if output is not None else [])
    if choice not in known:
        raise BadRequest(
            f"tool_choice={choice!r} names no tool of this call",
            cure=f"use 'auto', 'none', 'required' or one of: {', '.join(known) or 'no tools are given'}",
        )


def _put_output(body: Json, output: OutputSpec | None, dialect: Dialect) -> None:
    if output is None or output.mode in ("tool", "prompt"):
        return
    if output.mode == "json":
        body["response_format"] = {"type": "json_object"}
        return
    about = {"description": output.description} if output.description else {}
    schema: Json = {"name": output.name, **about, "schema": dict(output.schema)}
    if dialect.strict and output.mode == "native":
        schema["strict"] = True
    body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _put_options(body: Json, model: str, options: dict[str, Any], dialect: Dialect) -> None:
    _switch_off(body, options, dialect)
    for option, name in dialect.options.items():
        if option in options and option != "tool_choice":
            body[name] = plain(options.pop(option))
    if "max_tokens" in body and dialect.thinks is not None and dialect.thinks.search(model):
        body["max_completion_tokens"] = body.pop("max_tokens")
    if dialect.top_logprobs and "logprobs" in body:
        body["top_logprobs"], body["logprobs"] = body["logprobs"], True
    if dialect.reasoning_object:
        _put_reasoning(body, options)
    put_cache(body, model, options, dialect, "chat")


def _switch_off(body: Json, options: dict[str, Any], dialect: Dialect) -> None:
    """Thinking turned off, where that is a field of its own and no level of effort."""
    if dialect.thinking_switch is not None and options.get("reasoning") == "none":
        del options["reasoning"]
        body.update(_OFF[dialect.thinking_switch])


def put_cache(body: Json, model: str, options: dict[str, Any], dialect: Dialect, api: str) -> None:
    """Ask for the prompt to be kept; a wish that the model cannot honour stays among the options."""
    wish = options.get("prompt_cache")
    asked = dialect.cache(model, wish, api) if wish is not None and dialect.cache is not None else None
    if asked is not None:
        del options["prompt_cache"]
        body.update(asked)


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples as lists, mappings as dicts."""
    if isinstance(value, str | int | float):
        return value
    return dict(value) if hasattr(value, "keys") else list(value)


def _put_reasoning(body: Json, options: dict[str, Any]) -> None:
    asked = {"effort": options.pop("reasoning", None), "max_tokens": options.pop("reasoning_tokens", None)}
    if any(v is not None for v in asked.values()):
        body["reasoning"] = {k: v for k, v in asked.items() if v is not None}

"""A request of ours as the body of a Responses call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import Media, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit_providers.openai.call_ids import told_apart
from chainkit_providers.openai.chat_request import check_choice, check_tools, forced, narrowed, plain, put_cache, wanted
from chainkit_providers.payload import Json, arguments_text, cannot_send, media_url, note_foreign, result_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainkit.messages import Message, Part
    from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
    from chainkit_providers.openai.dialect import Dialect

REASONING_TEXT = "reasoning_text"
"""Marks thinking that the vendor showed as it is and not as a summary, for its way back."""


def encode(request: ChatRequest, options: dict[str, Any], dialect: Dialect) -> Json:
    """The JSON body; takes what the dialect honours out of `options`."""
    extra = options.pop("extra", None)
    held = dialect.held_back(request.model, options)
    note_foreign(request, dialect.vendor)
    body: Json = {"model": request.model, "input": list(items(request.messages, dialect)), **dialect.always}
    _put_tools(body, request, options, dialect)
    _put_format(body, request.output, dialect)
    for option, place in dialect.responses.items():
        if option in options and option != "tool_choice":
            _put(body, place, plain(options.pop(option)))
    put_cache(body, request.model, options, dialect, "responses")
    options.update(held)
    include = _include(body, request.model, dialect)
    if include:
        body["include"] = include
    if request.stream:
        body["stream"] = True
    if extra:
        body.update(extra)
    return body


def _put(body: Json, place: str, value: Any) -> None:
    """Set a field, or one inside an object: `reasoning.effort`."""
    outer, dot, inner = place.partition(".")
    if dot:
        body.setdefault(outer, {})[inner] = value
    else:
        body[outer] = value


def _include(body: Json, model: str, dialect: Dialect) -> list[str]:
    """Encrypted reasoning is asked for where the model has it, so that it can go back without the vendor's store."""
    thinks = dialect.thinks is not None and dialect.thinks.search(model)
    wanted = ["reasoning.encrypted_content"] if thinks else []
    return [*wanted, "message.output_text.logprobs"] if "top_logprobs" in body else wanted


def items(turns: Sequence[Message], dialect: Dialect) -> Iterable[Json]:
    """The turns as input items: a message, a call, a result and a thought are one item each."""
    for turn in told_apart(turns):
        if turn.role == "tool":
            yield from (_result(p) for p in turn.parts if isinstance(p, ToolResult))
        elif turn.role == "assistant":
            yield from _assistant(turn.parts, dialect)
        else:
            yield {"role": turn.role, "content": _content(turn, dialect)}


def _result(result: ToolResult) -> Json:
    return {"type": "function_call_output", "call_id": result.id, "output": result_text(result)}


def _content(turn: Message, dialect: Dialect) -> str | list[Json]:
    if all(isinstance(p, Text) for p in turn.parts):
        return turn.text
    return [part for p in turn.parts if (part := _part(p, dialect)) is not None]


def _part(part: Part, dialect: Dialect) -> Json | None:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    return _media(part, dialect) if isinstance(part, Media) else None


def _media(media: Media, dialect: Dialect) -> Json:
    if media.kind not in dialect.media or media.kind not in ("image", "document"):
        cure = "use api='chat' for sound; give images or documents here"
        raise cannot_send(f"{dialect.vendor}, in Responses,", media, cure)
    if media.kind == "image":
        return {"type": "input_image", "image_url": media_url(media), "detail": "auto"}
    if media.url is not None:
        return {"type": "input_file", "file_url": media.url}
    name = media.name or f"document.{media.media_type.rpartition('/')[2]}"
    return {"type": "input_file", "filename": name, "file_data": media_url(media)}


def _assistant(parts: tuple[Part, ...], dialect: Dialect) -> Iterable[Json]:
    thoughts: dict[str | None, Json] = {}
    for part in parts:
        if isinstance(part, Text):
            if part.text:
                phase = {"phase": part.phase} if dialect.phases and part.phase else {}
                yield {"type": "message", "role": "assistant", "content": part.text, **phase}
        elif isinstance(part, ToolCall):
            yield _call(part)
        elif isinstance(part, ServerItem) and part.vendor == dialect.vendor:
            yield dict(part.data)
        elif isinstance(part, Thinking) and part.vendor == dialect.vendor:
            yield from _thought(part, thoughts)


def _call(call: ToolCall) -> Json:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments_text(call)}


def _thought(part: Thinking, thoughts: dict[str | None, Json]) -> Iterable[Json]:
    """A reasoning item, once; further parts of the same id add to its summary.

    A summary without its encrypted content stays here: the vendor refuses an id whose next item it cannot find.
    """
    shown = {"type": "summary_text", "text": part.text}
    if part.signature == REASONING_TEXT:
        plain_text = [{"type": REASONING_TEXT, "text": part.text}]
        yield {"type": "reasoning", "id": part.id, "summary": [], "content": plain_text}
    elif part.id in thoughts:
        thoughts[part.id]["summary"].append(shown)
    elif part.data is not None:
        item: Json = {"type": "reasoning", "summary": [shown] if part.text else [], "encrypted_content": part.data}
        thoughts[part.id] = item
        yield item


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any], dialect: Dialect) -> None:
    tools = [_function(t.name, t.parameters, t.description) for t in request.tools]
    choice, output = wanted(options, dialect.responses, dialect.tool_choices), request.output
    if output is not None and output.mode == "tool":
        tools.append(_function(output.name, output.schema, output.description))
        choice = choice or forced(output.name, bool(request.tools), dialect, dialect.responses)
    tools, choice = narrowed(tools, choice, request, dialect)
    if tools:
        check_tools(dialect)
        body["tools"] = tools
    if choice is not None:
        body["tool_choice"] = _tool_choice(choice, request.tools, output)


def _function(name: str, parameters: Any, description: str) -> Json:
    # This wire rewrites schemas into its strict dialect unless told not to.
    about = {"description": description} if description else {}
    return {"type": "function", "name": name, **about, "parameters": dict(parameters), "strict": False}


def _tool_choice(choice: str, tools: tuple[ToolSpec, ...], output: OutputSpec | None) -> str | Json:
    if choice in ("auto", "none", "required"):
        return choice
    check_choice(choice, tools, output)
    return {"type": "function", "name": choice}


def _put_format(body: Json, output: OutputSpec | None, dialect: Dialect) -> None:
    if output is not None and output.mode == "json":
        body["text"] = {"format": {"type": "json_object"}}
    elif output is not None and output.mode in ("native", "grammar"):
        about = {"description": output.description} if output.description else {}
        form = {"type": "json_schema", "name": output.name, **about, "schema": dict(output.schema)}
        body["text"] = {"format": form | {"strict": dialect.strict and output.mode == "native"}}

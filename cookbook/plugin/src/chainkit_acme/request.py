"""Our request in Acme's words."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit.messages import Media, ServerItem, Text, Thinking, ToolCall, ToolResult

if TYPE_CHECKING:
    from chainkit.messages import Message, Part
    from chainkit.models.request import ChatRequest

Json = dict[str, Any]
NAMES = {"max_tokens": "longest", "temperature": "warmth", "top_p": "nucleus", "seed": "seed"}
"""Our options, and what Acme calls them."""
TAKES = frozenset((*NAMES, "stop", "tool_choice", "extra"))
"""All options that Acme honours. The core raises on every other one, before anything is sent."""
CHOICES = {"auto": "may", "none": "never", "required": "must"}


def encode(request: ChatRequest, options: dict[str, Any]) -> Json:
    """The JSON body. What is honoured is taken out of `options`; what is left makes the core raise."""
    body: Json = {
        "model": request.model,
        "stream": request.stream,
        "turns": [_turn(m, request) for m in request.messages],
    }
    _put_tools(body, request, options)
    for ours, theirs in NAMES.items():
        if ours in options:
            body[theirs] = options.pop(ours)
    if "stop" in options:
        stop = options.pop("stop")
        body["stop_at"] = [stop] if isinstance(stop, str) else list(stop)
    return body | (options.pop("extra", None) or {})


def _turn(turn: Message, request: ChatRequest) -> Json:
    return {"who": turn.role, "parts": [found for p in turn.parts if (found := _part(p, request)) is not None]}


def _part(part: Part, request: ChatRequest) -> Json | None:
    match part:
        case Text():
            return {"text": part.text}
        case Media():
            return {"image": _image(part)}
        case ToolCall():
            return {"call": {"id": part.id, "name": part.name, "arguments": dict(part.arguments)}}
        case ToolResult():
            return {"result": {"id": part.id, "text": part.text, "failed": part.failed}}
        case Thinking() | ServerItem():
            return _own(part, request)


def _image(part: Media) -> Json:
    # The profile says that Acme opens no URLs: chainkit has fetched what was behind one.
    if part.kind != "image" or part.data is None:
        raise BadRequest(f"acme takes images, and no {part.kind}", cure="send its text, or an image of it")
    return {"type": part.media_type, "base64": b64encode(part.data).decode()}


def _own(part: Thinking | ServerItem, request: ChatRequest) -> Json | None:
    """Thinking goes back to its own vendor only; what is left out is told in the reply's warnings."""
    if part.vendor != "acme" or not isinstance(part, Thinking):
        request.warn(f"acme cannot read what {part.vendor or 'an unknown vendor'} thought; it was left out")
        return None
    return {"thought": {"text": part.text, "seal": part.signature}}


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any]) -> None:
    tools = [{"name": t.name, "about": t.description, "takes": dict(t.parameters)} for t in request.tools]
    choice, output = options.pop("tool_choice", None), request.output
    if output is not None and output.mode == "native":
        body["form"] = dict(output.schema)
    elif output is not None and output.mode == "tool":
        tools.append({"name": output.name, "about": output.description, "takes": dict(output.schema)})
        choice = choice or output.name
    if tools:
        body["tools"] = tools
    if choice is not None:
        body["use_tools"] = CHOICES.get(choice, choice)

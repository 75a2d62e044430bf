"""A request of ours as the body of an Ollama chat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chainkit.messages import Media, Thinking, ToolCall, ToolResult
from chainkit_providers.ollama.wire import VENDOR, put_options
from chainkit_providers.payload import Json, base64_text, cannot_send, note_foreign, result_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.messages import Message, Messages
    from chainkit.models.request import ChatRequest, OutputSpec

LEVELS = re.compile(r"^(?:.*/)?gpt-oss")
"""Models whose thinking has levels and no switch; that of all others has a switch and no levels."""


def encode(request: ChatRequest, options: dict[str, Any]) -> Json:
    """The JSON body; takes what the wire honours out of `options`."""
    extra = options.pop("extra", None)
    body: Json = {"model": request.model, "messages": list(messages(request.messages)), "stream": request.stream}
    note_foreign(request, VENDOR)
    _put_tools(body, request, options)
    _put_output(body, request.output)
    _put_thinking(body, request, options)
    put_options(body, options)
    return body | dict(extra or {})


def messages(turns: Messages) -> Iterable[Json]:
    """The turns as the wire's messages; one tool turn gives a message for each of its results."""
    # A result is told by its tool's name; ours by the call's id.
    names = {p.id: p.name for turn in turns for p in turn.parts if isinstance(p, ToolCall)}
    for turn in turns:
        if turn.role == "tool":
            yield from (_result(p, names) for p in turn.parts if isinstance(p, ToolResult))
        else:
            yield {"role": turn.role, "content": turn.text, **_beside(turn)}


def _result(result: ToolResult, names: dict[str | None, str]) -> Json:
    told: Json = {"role": "tool", "content": result_text(result)}
    name = result.name or names.get(result.id)
    named: Json = {"tool_name": name} if name else {}
    return told | named | ({"tool_call_id": result.id} if result.id else {})


def _beside(turn: Message) -> Json:
    """What a turn holds beside its text."""
    found: Json = {}
    images = [_image(p) for p in turn.parts if isinstance(p, Media)]
    calls = [_call(p) for p in turn.parts if isinstance(p, ToolCall)]
    thinking = "".join(p.text for p in turn.parts if isinstance(p, Thinking) and p.vendor == VENDOR)
    if images:
        found["images"] = images
    if calls:
        found["tool_calls"] = calls
    if thinking:
        found["thinking"] = thinking
    return found


def _image(media: Media) -> str:
    if media.kind != "image" or media.data is None:
        raise cannot_send("Ollama", media, "give the bytes of an image, or the text of a document")
    return base64_text(media)


def _call(call: ToolCall) -> Json:
    # Arguments that were no JSON object have no place on this wire, which holds an object.
    told = {"function": {"name": call.name, "arguments": dict(call.arguments)}}
    return {"id": call.id, **told} if call.id else told


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any]) -> None:
    choice = options.get("tool_choice")
    # It offers tools or none; forcing one is left to be refused.
    if choice in ("auto", "none"):
        del options["tool_choice"]
    if request.tools and choice != "none":
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
            }
            for t in request.tools
        ]


def _put_output(body: Json, output: OutputSpec | None) -> None:
    if output is None or output.mode == "prompt":
        return
    body["format"] = "json" if output.mode == "json" else dict(output.schema)


def _put_thinking(body: Json, request: ChatRequest, options: dict[str, Any]) -> None:
    level = options.get("reasoning")
    if level is None:
        return
    if LEVELS.match(request.model):
        if level != "none":
            body["think"] = "low" if options.pop("reasoning") == "minimal" else level
        return
    body["think"] = options.pop("reasoning") != "none"
    if body["think"]:
        request.warn(f"{VENDOR}:{request.model} thinks or does not; the level {level!r} only turned it on")

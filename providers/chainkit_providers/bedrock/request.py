"""A request of ours as the body of a Converse call. Source: Bedrock's API reference, Converse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit.messages import Media, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit_providers.bedrock.models import maker
from chainkit_providers.bedrock.reply import VENDOR
from chainkit_providers.openai.chat_request import check_choice
from chainkit_providers.payload import Json, base64_text, cannot_send

if TYPE_CHECKING:
    from chainkit.messages import Part
    from chainkit.models.request import ChatRequest

_CONFIG = {"max_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP"}
_CHOICES: dict[str, Json] = {"auto": {"auto": {}}, "required": {"any": {}}}
_BUDGET = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384}
_FORMATS = {
    "image/jpeg": "jpeg", "image/jpg": "jpeg", "text/plain": "txt", "text/markdown": "md", "text/html": "html",
    "text/csv": "csv", "application/msword": "doc", "video/quicktime": "mov", "video/x-matroska": "mkv",
    "video/3gpp": "three_gp", "audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wave": "wav",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel": "xls",
}  # fmt: skip


def encode(request: ChatRequest, options: dict[str, Any]) -> Json:
    """The JSON body; takes what the wire and the model honour out of `options`."""
    extra = options.pop("extra", None)
    body: Json = {"messages": _messages(request)}
    system = [p for m in request.messages if m.role == "system" for p in m.parts if isinstance(p, Text)]
    if system:
        body["system"] = [{"text": p.text} for p in system]
    config = {wire: options.pop(ours) for ours, wire in _CONFIG.items() if ours in options}
    if "stop" in options:
        stop = options.pop("stop")
        config["stopSequences"] = [stop] if isinstance(stop, str) else list(stop)
    if config:
        body["inferenceConfig"] = config
    _put_tools(body, request, options)
    _put_output(body, request)
    _put_model_fields(body, request.model, options)
    _put_cache(body, options)
    if "service_tier" in options:
        body["serviceTier"] = {"type": options.pop("service_tier")}
    if extra:
        body.update(extra)
    return body


def _messages(request: ChatRequest) -> list[Json]:
    """Turns of user and assistant that take turns; results of tools belong to the user."""
    written: list[Json] = []
    for turn in request.messages:
        if turn.role == "system":
            continue
        role = "assistant" if turn.role == "assistant" else "user"
        content = [b for p in turn.parts if (b := _block(p, request)) is not None]
        if written and written[-1]["role"] == role:
            written[-1]["content"] += content
        elif content:
            written.append({"role": role, "content": content})
    return written


def _block(part: Part, request: ChatRequest) -> Json | None:
    if isinstance(part, Text):
        # The vendor refuses an empty text, and a reply may hold one.
        return {"text": part.text} if part.text else None
    if isinstance(part, Media):
        return _media(part)
    if isinstance(part, ToolCall):
        return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": dict(part.arguments)}}
    if isinstance(part, ToolResult):
        status = {"status": "error"} if part.failed else {}
        return {"toolResult": {"toolUseId": part.id, "content": [{"text": part.text or " "}], **status}}
    if part.vendor != VENDOR:
        request.warn(f"what {part.vendor} alone can read was left out: {type(part).__name__}")
        return None
    return dict(part.data) if isinstance(part, ServerItem) else _thinking(part)


def _thinking(part: Thinking) -> Json | None:
    if part.data is not None:
        return {"reasoningContent": {"redactedContent": part.data}}
    if part.signature is None:
        return None
    return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}


def _media(media: Media) -> Json:
    source: Json
    if media.url is not None and media.url.startswith("s3://"):
        source = {"s3Location": {"uri": media.url}}
    elif media.data is not None:
        source = {"bytes": base64_text(media)}
    else:
        raise cannot_send("Converse", media, "give its bytes, or its place in S3: s3://bucket/key")
    form = _FORMATS.get(media.media_type) or media.media_type.rpartition("/")[2]
    if media.kind != "document":
        return {media.kind: {"format": form, "source": source}}
    return {"document": {"format": form, "name": _named(media.name), "source": source}}


def _named(name: str | None) -> str:
    """A document's name, as the vendor takes it: letters, digits, blanks, hyphens, brackets."""
    return (
        re.sub(r"\s+", " ", re.sub(r"[^\w\s()\[\]-]|_", " ", name or "document", flags=re.ASCII)).strip() or "document"
    )


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any]) -> None:
    tools = [_tool(t.name, t.description, t.parameters) for t in request.tools]
    choice, output = options.pop("tool_choice", None), request.output
    if output is not None and output.mode == "tool":
        tools.append(_tool(output.name, output.description, output.schema))
        choice = choice or ("required" if request.tools else output.name)
    if not tools or choice == "none":
        _without_tools(body, request)
        return
    config: Json = {"tools": tools}
    body["toolConfig"] = config
    if choice in _CHOICES:
        config["toolChoice"] = _CHOICES[choice]
    elif choice is not None:
        check_choice(choice, request.tools, output)
        config["toolChoice"] = {"tool": {"name": choice}}


def _without_tools(body: Json, request: ChatRequest) -> None:
    # A conversation that holds calls must say its tools; to forbid them there is no word.
    used = any(isinstance(p, ToolCall | ToolResult) for m in request.messages for p in m.parts)
    if request.tools and used:
        body["toolConfig"] = {"tools": [_tool(t.name, t.description, t.parameters) for t in request.tools]}
        request.warn("bedrock cannot forbid tools in a conversation that used some: tool_choice='none' was left out")


def _tool(name: str, description: str, schema: Any) -> Json:
    about = {"description": description} if description else {}
    return {"toolSpec": {"name": name, **about, "inputSchema": {"json": dict(schema)}}}


def _put_output(body: Json, request: ChatRequest) -> None:
    output = request.output
    if output is None or output.mode in ("tool", "prompt"):
        return
    if output.mode == "json":
        raise BadRequest("bedrock has no mode for JSON of any shape", cure="give a schema, or output mode 'tool'")
    about = {"description": output.description} if output.description else {}
    held = {"schema": json.dumps(dict(output.schema)), "name": output.name, **about}
    body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": held}}}


def _put_model_fields(body: Json, model: str, options: dict[str, Any]) -> None:
    """What each maker's models take in words of their own."""
    fields: Json = {}
    by = maker(model)
    if by == "anthropic":
        if "top_k" in options:
            fields["top_k"] = options.pop("top_k")
        budget = options.pop("reasoning_tokens", None) or _BUDGET.get(str(options.get("reasoning")))
        if budget is not None or options.get("reasoning") == "none":
            options.pop("reasoning", None)
            fields["thinking"] = {"type": "enabled", "budget_tokens": budget} if budget else {"type": "disabled"}
    elif by == "amazon" and "top_k" in options:
        fields["inferenceConfig"] = {"topK": options.pop("top_k")}
    elif by == "openai" and options.get("reasoning") in ("low", "medium", "high"):
        fields["reasoning_effort"] = options.pop("reasoning")
    if fields:
        body["additionalModelRequestFields"] = fields


def _put_cache(body: Json, options: dict[str, Any]) -> None:
    """Marks after the system prompt, the tools and the last turn: all before them is kept."""
    asked = options.pop("prompt_cache", None)
    if asked is None:
        return
    point: Json = {"cachePoint": {"type": "default", **({"ttl": "1h"} if asked == "long" else {})}}
    if "system" in body:
        body["system"].append(point)
    if "toolConfig" in body:
        body["toolConfig"]["tools"].append(point)
    if body["messages"]:
        body["messages"][-1]["content"].append(point)

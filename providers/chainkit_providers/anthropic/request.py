"""A request of ours as the body of a Messages call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit.messages import Media, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit_providers.anthropic.models import SAMPLING, family
from chainkit_providers.anthropic.reply import VENDOR
from chainkit_providers.openai.chat_request import check_choice
from chainkit_providers.payload import Json, base64_text, cannot_send, note_foreign

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.messages import Message, Part
    from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
    from chainkit_providers.anthropic.models import Family

_BUDGET = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384}
"""Thinking tokens for a level, on models that take a budget and no level."""
_EFFORT = {"minimal": "low"}
_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def encode(request: ChatRequest, options: dict[str, Any]) -> Json:
    """The JSON body; takes what the wire and the model honour out of `options`."""
    extra, known = options.pop("extra", None), family(request.model)
    body: Json = {"model": request.model, "max_tokens": _max_tokens(request.model, options, known)}
    system = [p for m in request.messages if m.role == "system" for p in m.parts if isinstance(p, Text)]
    if system:
        body["system"] = system[0].text if len(system) == 1 else [_text(p) for p in system]
    body["messages"] = messages(request.messages)
    note_foreign(request, VENDOR)
    _put_tools(body, request, options)
    _put_options(body, options, known)
    _put_thinking(body, options, known)
    _put_output(body, request.output)
    if request.stream:
        body["stream"] = True
    if extra:
        body.update(extra)
    return body


def _max_tokens(model: str, options: dict[str, Any], known: Family | None) -> int:
    """This wire needs a limit: the one asked for, else the most that the model is known to write."""
    if "max_tokens" in options:
        return int(options.pop("max_tokens"))
    if known is None:
        raise BadRequest(
            f"anthropic needs max_tokens, and the output limit of {model!r} is not known here",
            cure=f"say how long an answer may be: model('anthropic:{model}', max_tokens=4096)",
        )
    return known.max_output


def messages(turns: Iterable[Message]) -> list[Json]:
    """The turns as user and assistant messages; results of tools that ran together share one message."""
    written: list[Json] = []
    was_tool = False
    for turn in turns:
        if turn.role == "system":
            continue
        if turn.role == "assistant":
            written.append({"role": "assistant", "content": _assistant(turn)})
        elif was_tool:
            written[-1]["content"].extend(_blocks(turn.parts))
        else:
            written.append({"role": "user", "content": _content(turn)})
        was_tool = turn.role == "tool"
    return written


def _content(turn: Message) -> str | list[Json]:
    only = turn.parts[0] if len(turn.parts) == 1 else None
    return only.text if isinstance(only, Text) else _blocks(turn.parts)


def _assistant(turn: Message) -> str | list[Json]:
    # Empty text blocks are refused, and a reply may hold one.
    parts = tuple(p for p in turn.parts if not (isinstance(p, Text) and not p.text))
    only = parts[0] if len(parts) == 1 else None
    return only.text if isinstance(only, Text) else _blocks(parts)


def _blocks(parts: tuple[Part, ...]) -> list[Json]:
    return [block for p in parts if (block := _block(p)) is not None]


def _block(part: Part) -> Json | None:
    if isinstance(part, Text):
        return _text(part)
    if isinstance(part, Media):
        return _media(part)
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": dict(part.arguments)}
    if isinstance(part, ToolResult):
        return _result(part)
    if part.vendor != VENDOR:
        return None
    return dict(part.data) if isinstance(part, ServerItem) else _thinking(part)


def _text(part: Text) -> Json:
    return {"type": "text", "text": part.text}


def _media(media: Media) -> Json:
    if media.kind not in ("image", "document"):
        raise cannot_send("Messages", media, "give images or documents")
    block: Json = {"type": media.kind, "source": _source(media)}
    if media.kind == "document" and media.name:
        block["title"] = media.name
    return block


def _source(media: Media) -> Json:
    if media.url is not None:
        return {"type": "url", "url": media.url}
    if media.kind == "document" and media.media_type.startswith("text/"):
        return {"type": "text", "media_type": "text/plain", "data": (media.data or b"").decode("utf-8", "replace")}
    return {"type": "base64", "media_type": media.media_type, "data": base64_text(media)}


def _result(result: ToolResult) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": result.id, "content": result.text}
    return block | {"is_error": True} if result.failed else block


def _thinking(part: Thinking) -> Json | None:
    """Thinking goes back with its signature only; without one the vendor refuses it."""
    if part.data is not None:
        return {"type": "redacted_thinking", "data": part.data}
    if part.signature is None:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any]) -> None:
    tools = [_tool(t.name, t.parameters, t.description) for t in request.tools]
    choice, output = options.pop("tool_choice", None), request.output
    if output is not None and output.mode == "tool":
        tools.append(_tool(output.name, output.schema, output.description))
        choice = choice or ("required" if request.tools else output.name)
    if tools:
        body["tools"] = tools
    chosen = _tool_choice(choice, request.tools, output, parallel=options.pop("parallel_tools", None))
    if chosen:
        body["tool_choice"] = chosen


def _tool(name: str, schema: Any, description: str) -> Json:
    about = {"description": description} if description else {}
    return {"name": name, **about, "input_schema": dict(schema)}


def _tool_choice(
    choice: str | None, tools: tuple[ToolSpec, ...], output: OutputSpec | None, *, parallel: bool | None
) -> Json:
    if choice is None and parallel is None:
        return {}
    choice = choice or "auto"
    single = {"disable_parallel_tool_use": not parallel} if parallel is not None and choice != "none" else {}
    if choice in _CHOICES:
        return {"type": _CHOICES[choice], **single}
    check_choice(choice, tools, output)
    return {"type": "tool", "name": choice, **single}


def _put_options(body: Json, options: dict[str, Any], known: Family | None) -> None:
    if known is None or known.thinking != "adaptive":
        body |= {name: options.pop(name) for name in SAMPLING if name in options}
    if "stop" in options:
        stop = options.pop("stop")
        body["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    if "service_tier" in options:
        body["service_tier"] = options.pop("service_tier")
    if "prompt_cache" in options:
        # The vendor itself marks the last block that can be kept, and finds earlier ones.
        lasts = {"ttl": "1h"} if options.pop("prompt_cache") == "long" else {}
        body["cache_control"] = {"type": "ephemeral", **lasts}
    if "user" in options:
        body["metadata"] = {"user_id": options.pop("user")}


def _put_thinking(body: Json, options: dict[str, Any], known: Family | None) -> None:
    """A level as effort where the model takes one, else as a budget; a number of tokens as a budget."""
    if options.get("reasoning") == "none":
        del options["reasoning"]
        body["thinking"] = {"type": "disabled"}
    if known is not None and known.thinking == "none":
        return
    if "reasoning_tokens" in options and (known is None or known.thinking != "adaptive"):
        body["thinking"] = {"type": "enabled", "budget_tokens": options.pop("reasoning_tokens")}
    if "reasoning" in options:
        level: str = options.pop("reasoning")
        if known is not None and known.effort:
            body["output_config"] = {"effort": _EFFORT.get(level, level)}
        body.setdefault("thinking", _asked(level, known))


def _asked(level: str, known: Family | None) -> Json:
    if known is None or known.thinking in ("both", "adaptive"):
        return {"type": "adaptive"}
    return {"type": "enabled", "budget_tokens": _BUDGET.get(level, _BUDGET["high"])}


def _put_output(body: Json, output: OutputSpec | None) -> None:
    if output is None or output.mode in ("tool", "prompt"):
        return
    if output.mode == "json":
        raise BadRequest("anthropic has no mode for JSON of any shape", cure="give a schema, or output mode 'tool'")
    body["output_config"] = body.get("output_config", {}) | {
        "format": {"type": "json_schema", "schema": dict(output.schema)}
    }

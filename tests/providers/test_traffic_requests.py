"""Recorded requests that vendors took: said in our words, our adapters write them again.

Each recorded body is read into a `ChatRequest` by the readers below, encoded, and compared. Fields that
we have no word for travel in `extra`. What a recording hides (the bytes of a picture) is not compared.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from chainkit.messages import Media, Message, Messages, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.cohere.reply import TOOL_PLAN
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.models import DIALECT
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chainkit.models.provider import ChatWire


class NoWord(Exception):  # noqa: N818 - no error: a line that cannot be said in our words
    """Why a recorded request has no equal in our words."""


# Chat Completions


def chat(body: dict[str, Any]) -> ChatRequest:
    """A Chat Completions body in our words."""
    if "functions" in body:
        raise NoWord("functions, the forerunner of tools")
    options = _named(
        body,
        {
            "max_completion_tokens": "max_tokens",
            "reasoning_effort": "reasoning",
            "parallel_tool_calls": "parallel_tools",
        },
    )
    if body.get("logprobs"):
        options["logprobs"] = body.get("top_logprobs", 0)
    if "tool_choice" in body:
        choice = body["tool_choice"]
        options["tool_choice"] = choice if isinstance(choice, str) else choice["function"]["name"]
    tools = tuple(_function(t["function"]) for t in body.get("tools") or ())
    return _request(body, map(chat_message, body["messages"]), options, tools, _format(body.get("response_format")))


def _format(told: dict[str, Any] | None) -> OutputSpec | None:
    if not told or told["type"] == "text":
        return None
    if told["type"] == "json_object":
        return OutputSpec("answer", {}, "json")
    schema = told["json_schema"]
    if "description" in schema:
        raise NoWord("a description of the output's schema")
    return OutputSpec(schema["name"], schema["schema"], "native")


def _function(told: dict[str, Any]) -> ToolSpec:
    return ToolSpec(told["name"], told.get("description") or "", told.get("parameters") or {})


def chat_message(told: dict[str, Any]) -> Message:
    """One message of Chat Completions."""
    role, content = told["role"], told.get("content")
    if role == "developer":
        raise NoWord("the role developer")
    if role == "tool":
        return Message("tool", (ToolResult(told["tool_call_id"], _joined(content)),))
    calls = tuple(_call(c["function"], c["id"]) for c in told.get("tool_calls") or ())
    parts = (Text(content),) if isinstance(content, str) and content else tuple(map(chat_part, content or ()))
    return Message(role, (*parts, *calls), told.get("name"))


def _joined(content: Any) -> str:
    return content if isinstance(content, str) else "".join(p["text"] for p in content)


def _call(function: dict[str, Any], call_id: str) -> ToolCall:
    try:
        return ToolCall(function["name"], json.loads(function["arguments"] or "{}"), call_id)
    except ValueError:
        return ToolCall(function["name"], {}, call_id, function["arguments"])


def chat_part(part: dict[str, Any]) -> Any:
    """One content part of Chat Completions."""
    if "prompt_cache_breakpoint" in part:
        raise NoWord("cache marks")
    if part["type"] == "text":
        return Text(part["text"])
    if part["type"] == "image_url":
        return media("image", part["image_url"]["url"])
    if part["type"] == "input_audio":
        kind = {"wav": "audio/wav", "mp3": "audio/mpeg"}[part["input_audio"]["format"]]
        return Media("audio", kind, b"hidden")
    if "file_id" in part["file"]:
        raise NoWord("files kept by the vendor")
    return media("document", part["file"]["file_data"], part["file"]["filename"])


def media(kind: Any, url: str, name: str | None = None) -> Media:
    """A part from a URL; what it held is hidden in the recording."""
    if url.startswith("data:"):
        return Media(kind, url[5:].partition(";")[0], b"hidden", name=name)
    return Media(kind, "image/*", url=url, name=name)


# Responses


def responses(body: dict[str, Any]) -> ChatRequest:
    """A Responses body in our words."""
    options = _named(body, {"max_output_tokens": "max_tokens", "parallel_tool_calls": "parallel_tools"})
    for name in ("seed", "stop"):
        options.pop(name, None)
    if body.get("reasoning", {}).get("effort") and len(body["reasoning"]) == 1:
        options["reasoning"] = body["reasoning"]["effort"]
    choice = body.get("tool_choice")
    if choice is not None:
        if isinstance(choice, dict) and choice["type"] != "function":
            raise NoWord("a choice among allowed tools")
        options["tool_choice"] = choice if isinstance(choice, str) else choice["name"]
    if any(t["type"] != "function" for t in body.get("tools") or ()):
        raise NoWord("tools that the vendor runs")
    tools = tuple(_function(t) for t in body.get("tools") or ())
    told = body.get("text", {}).get("format")
    output = _format({"type": told["type"], "json_schema": told} if told else None)
    if "verbosity" in body.get("text", {}):
        options["verbosity"] = body["text"]["verbosity"]
    if "prompt" in body or "input" not in body:
        raise NoWord("prompts kept by the vendor")
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    return _request(body, [m for i in items for m in response_items(i)], options, tools, output)


def response_items(item: dict[str, Any]) -> Iterable[Message]:
    """One input item of Responses."""
    kind = item.get("type", "message")
    if kind == "message":
        yield response_message(item)
    elif kind == "function_call":
        yield Message("assistant", (_call(item, item["call_id"]),))
    elif kind == "function_call_output":
        if not isinstance(item["output"], str):
            raise NoWord("a tool's result that is more than text")
        yield Message("tool", (ToolResult(item["call_id"], item["output"]),))
    elif kind == "reasoning":
        if not item.get("encrypted_content"):
            raise NoWord("reasoning kept by the vendor")
        shown = [s["text"] for s in item["summary"]] or [""]
        thoughts = [
            Thinking(t, None, "openai", item.get("id"), item["encrypted_content"] if not i else None)
            for i, t in enumerate(shown)
        ]
        yield Message("assistant", tuple(thoughts))
    elif kind.startswith("custom") or "output" in kind or "approval" in kind:
        raise NoWord("results of tools other than functions")
    else:
        yield Message("assistant", (ServerItem("openai", kind, item),))


def response_message(item: dict[str, Any]) -> Message:
    """One message among the input items."""
    if item["role"] == "developer":
        raise NoWord("the role developer")
    content = item["content"]
    parts = (Text(content),) if isinstance(content, str) else tuple(map(response_part, content))
    return Message(item["role"], parts)


def response_part(part: dict[str, Any]) -> Any:
    """One content part of Responses."""
    if "prompt_cache_breakpoint" in part:
        raise NoWord("cache marks")
    if part["type"] in ("input_text", "output_text"):
        return Text(part["text"])
    if "file_id" in part:
        raise NoWord("files kept by the vendor")
    if part["type"] == "input_image":
        return media("image", part["image_url"])
    return media("document", part.get("file_url") or part["file_data"], part.get("filename"))


# Messages


def messages(body: dict[str, Any]) -> ChatRequest:
    """A Messages body in our words."""
    if any("input_schema" not in t for t in body.get("tools") or ()):
        raise NoWord("tools that the vendor runs")
    options = _named(body, {"stop_sequences": "stop"})
    options.pop("seed", None)
    _choose(body.get("tool_choice"), options)
    if body.get("thinking", {}).keys() - {"type", "budget_tokens"}:
        raise NoWord("how thinking is shown")
    if body.get("thinking", {}).get("type") == "enabled":
        options["reasoning_tokens"] = body["thinking"]["budget_tokens"]
    elif body.get("thinking", {}).get("type") == "disabled":
        options["reasoning"] = "none"
    told = body.get("output_config", {}).get("format")
    output = OutputSpec("answer", told["schema"], "native") if told else None
    tools = tuple(ToolSpec(t["name"], t.get("description") or "", t["input_schema"]) for t in body.get("tools") or ())
    system = body.get("system") or ()
    parts = (Text(system),) if isinstance(system, str) else tuple(map(message_part, system))
    turns = ([Message("system", parts)] if parts else []) + [m for t in body["messages"] for m in message_turns(t)]
    return _request(body, turns, options, tools, output)


def _choose(choice: dict[str, Any] | None, options: dict[str, Any]) -> None:
    if choice is None:
        return
    options["tool_choice"] = {"any": "required", "tool": choice.get("name")}.get(choice["type"], choice["type"])
    if "disable_parallel_tool_use" in choice:
        options["parallel_tools"] = not choice["disable_parallel_tool_use"]


def message_turns(turn: dict[str, Any]) -> Iterable[Message]:
    """One message of Messages; results of tools are a turn of their own with us."""
    content = turn["content"]
    parts = [Text(content)] if isinstance(content, str) else list(map(message_part, content))
    results = [p for p in parts if isinstance(p, ToolResult)]
    others = [p for p in parts if not isinstance(p, ToolResult)]
    if results:
        yield Message("tool", tuple(results))
    if others:
        yield Message(turn["role"], tuple(others))


def message_part(block: dict[str, Any]) -> Any:
    """One content block of Messages."""
    kind = block["type"]
    if kind == "text":
        return Text(block["text"])
    if kind == "thinking":
        return Thinking(block["thinking"], block["signature"], "anthropic")
    if kind == "redacted_thinking":
        return Thinking("", None, "anthropic", None, block["data"])
    if kind == "tool_use":
        return ToolCall(block["name"], block["input"], block["id"])
    if kind == "tool_result":
        return _tool_result(block)
    if kind not in ("image", "document"):
        return ServerItem("anthropic", kind, block)
    source = block["source"]
    if source["type"] in ("file", "content"):
        raise NoWord("files kept by the vendor")
    data = None if source["type"] == "url" else source["data"].encode() if source["type"] == "text" else b"hidden"
    return Media(kind, source.get("media_type") or f"{kind}/*", data, source.get("url"), block.get("title"))


def _tool_result(block: dict[str, Any]) -> ToolResult:
    content = block["content"]
    if not isinstance(content, str) and any(p["type"] != "text" for p in content):
        raise NoWord("a tool's result that is more than text")
    return ToolResult(block["tool_use_id"], _joined(content), failed=bool(block.get("is_error")))


# v2 chat


def cohere(body: dict[str, Any]) -> ChatRequest:
    """A v2 chat body in our words."""
    options = _named(body, {"stop_sequences": "stop", "p": "top_p", "k": "top_k"})
    if "tool_choice" in body:
        options["tool_choice"] = body["tool_choice"].lower()
    if "thinking" in body:
        options["reasoning"] = {"enabled": "high", "disabled": "none"}[body["thinking"]["type"]]
    told = body.get("response_format")
    mode = "native" if told and "json_schema" in told else "json"
    output = OutputSpec("answer", told.get("json_schema", {}), mode) if told else None
    tools = tuple(_function(t["function"]) for t in body.get("tools") or ())
    return _request(body, map(cohere_message, body["messages"]), options, tools, output)


def cohere_message(told: dict[str, Any]) -> Message:
    """One message of v2 chat."""
    if told["role"] == "tool" and not isinstance(told["content"], str):
        raise NoWord("a tool's result as documents")
    found = chat_message(told)
    plan = told.get("tool_plan")
    return Message(found.role, (Thinking(plan, TOOL_PLAN, "cohere"), *found.parts), found.name) if plan else found


# What they share

OURS = (
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "n",
    "user",
    "verbosity",
)
OURS += ("service_tier", "top_k")
READ = {
    "model",
    "messages",
    "input",
    "system",
    "tools",
    "tool_choice",
    "response_format",
    "stream",
    "stream_options",
    "logprobs",
    "top_logprobs",
    "output_config",
    "metadata",
}


def _named(body: dict[str, Any], others: dict[str, str]) -> dict[str, Any]:
    names = {name: name for name in OURS} | others
    return {ours: body[theirs] for theirs, ours in names.items() if body.get(theirs) is not None}


def _request(
    body: dict[str, Any],
    turns: Iterable[Message],
    options: dict[str, Any],
    tools: tuple[ToolSpec, ...],
    output: OutputSpec | None,
) -> ChatRequest:
    taken = {
        "max_completion_tokens",
        "max_output_tokens",
        "stop_sequences",
        "reasoning_effort",
        "parallel_tool_calls",
        "text",
        "p",
        "k",
    }
    taken |= READ | set(OURS) | ({"reasoning"} if "reasoning" in options else set())
    taken |= {"thinking"} if {"reasoning", "reasoning_tokens"} & options.keys() else set()
    extra = {k: v for k, v in body.items() if k not in taken and v is not None}
    if extra:
        options["extra"] = extra
    return ChatRequest(body["model"], Messages(turns), options, tools, output, bool(body.get("stream")))


HIDDEN = re.compile(r"^data:([^;]+);base64,.*$", re.DOTALL)


def plain(value: Any) -> Any:
    """A body without what makes no difference to its vendor, or is hidden in the recording."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if not isinstance(value, dict):
        return HIDDEN.sub(r"data:\1", value) if isinstance(value, str) else value
    told = {k: plain(v) for k, v in value.items() if v is not None and v != [] and k not in SILENT}
    if isinstance(told.get("content"), list):
        told["content"] = _content(told["content"])
    if told.get("content") == "":
        del told["content"]
    if told.get("is_error") is False:
        del told["is_error"]
    if told.get("type") == "base64":
        told["data"] = "hidden"
    if "input_audio" in told:
        told["input_audio"]["data"] = "hidden"
    return told


SILENT = {
    "strict",
    "detail",
    "cache_control",
    "stream_options",
    "citations",
    "annotations",
    "status",
    "include",
    "caller",
    "phase",
}


def _content(parts: list[Any]) -> Any:
    """A lone text is the same as a string; the roles of Responses name their texts."""
    texts = [p for p in parts if isinstance(p, dict) and p.get("type") in ("text", "input_text", "output_text")]
    return "".join(p["text"] for p in texts) if len(texts) == len(parts) else parts


def whole(body: dict[str, Any]) -> dict[str, Any]:
    """A whole body, compared."""
    told = plain(body)
    told.pop("stream", None)
    if isinstance(told.get("input"), str):
        told["input"] = [{"role": "user", "content": told["input"]}]
    told["input"] = [i for i in told.get("input") or () if i != {"role": "assistant"}]
    for item in told["input"]:
        if item.get("type") == "message" or item.get("type") in ("reasoning", "function_call"):
            item.pop("id", None)
        if item.get("type") == "message":
            del item["type"]
    if isinstance(told.get("system"), list):
        told["system"] = "".join(p["text"] for p in told["system"])
    if not told.get("system"):
        told.pop("system", None)
    if told.get("response_format") == {"type": "text"}:
        del told["response_format"]
    if not told.get("logprobs"):
        told.pop("logprobs", None)
    if not told.get("top_logprobs"):
        told.pop("top_logprobs", None)
    told["messages"] = _joined_results(told.get("messages") or [])
    for turn in told["messages"]:
        if turn["role"] == "tool":
            turn.pop("name", None)
        for call in turn.get("tool_calls") or ():
            call.pop("index", None)
    _arguments(told)
    for name in ("stop", "stop_sequences"):
        if isinstance(told.get(name), str):
            told[name] = [told[name]]
    if "max_completion_tokens" in told:
        told["max_tokens"] = told.pop("max_completion_tokens")
    for tool in told.get("tools") or ():
        _described(tool.get("function", tool))
    return told


def _joined_results(turns: list[Any]) -> list[Any]:
    """What follows results of tools, in the same message with them: to the vendor the same."""
    joined: list[Any] = []
    for turn in turns:
        last = joined[-1]["content"] if joined and joined[-1]["role"] == turn["role"] == "user" else None
        if isinstance(last, list) and last[-1].get("type") == "tool_result" and isinstance(turn["content"], str):
            last.append({"type": "text", "text": turn["content"]})
        else:
            joined.append(turn)
    return joined


def _described(function: dict[str, Any]) -> None:
    if not function.get("description"):
        function.pop("description", None)
    if "input_schema" not in function:
        function.setdefault("parameters", {})
    else:
        function.pop("type", None)


def _arguments(told: dict[str, Any]) -> None:
    functions = [c["function"] for m in told.get("messages") or () for c in m.get("tool_calls") or ()]
    for function in functions + [i for i in told.get("input") or () if i.get("type") == "function_call"]:
        try:
            function["arguments"] = json.loads(function["arguments"] or "{}")
        except ValueError:
            continue


WIRES: dict[str, tuple[ChatWire, Callable[[dict[str, Any]], ChatRequest]]] = {
    "openai_chat": (ChatCompletions(DIALECT), chat),
    "openai_responses": (Responses(DIALECT), responses),
    "anthropic": (MessagesWire(), messages),
    "cohere_v2": (ChatV2(), cohere),
}
VENDOR = {"openai_chat": "openai", "openai_responses": "openai", "anthropic": "anthropic", "cohere_v2": "cohere"}


def compared(
    lines: list[Any], wire: ChatWire, read: Callable[[dict[str, Any]], ChatRequest]
) -> tuple[int, list[str], list[str]]:
    """How many lines agree; what has no word; what differs."""
    agreed, wordless, wrong = 0, [], []
    for line in lines:
        try:
            request = read(line.request)
        except NoWord as why:
            wordless.append(str(why))
            continue
        options = dict(request.options)
        written, wanted = whole(wire.encode(request, options)), whole(line.request)
        if options:
            wrong.append(f"{line.id}: left over: {options}")
        differ = [k for k in written.keys() | wanted.keys() if written.get(k) != wanted.get(k)]
        wrong += [f"{line.id} {k}:\n  {written.get(k)!r:.600}\n  {wanted.get(k)!r:.600}" for k in differ]
        agreed += not differ and not options
    return agreed, wordless, wrong


@pytest.mark.parametrize("name", WIRES)
def test_recorded_requests_are_written_again_from_our_words(traffic: list[Any], name: str) -> None:
    wire, read = WIRES[name]
    lines = [n for n in traffic if n.provider == VENDOR[name] and n.wire.removesuffix("_stream") == name and n.request]
    agreed, wordless, wrong = compared(lines, wire, read)
    assert not wrong, f"{len(wrong)} of {len(lines)}\n" + "\n".join(wrong)
    assert agreed + len(wordless) == len(lines)
    assert agreed > len(lines) / 2

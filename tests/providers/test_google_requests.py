"""Recorded requests that Gemini took: said in our words, our adapter writes them again.

Each recorded body is read into a `ChatRequest`, encoded, and compared. What only Google has travels in `vendor`.
What makes no difference to the vendor is left out of the comparison; `plain` and `tools_of` say what and why.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from chainkit.messages import Media, Message, Messages, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit.models.vendor import put
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.google.models import family
from chainkit_providers.google.options import GoogleOptions
from chainkit_providers.google.parts import UNSIGNED

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"}
"""What holds names of the user's own."""
OPTIONS = {
    "temperature": "temperature",
    "maxOutputTokens": "max_tokens",
    "stopSequences": "stop",
    "seed": "seed",
    "candidateCount": "n",
    "logprobs": "logprobs",
}
VENDOR = {"safetySettings": "google_safety_settings"}
KINDS = {"image": "image", "audio": "audio", "video": "video"}


class NoWord(Exception):  # noqa: N818 - no error: a line that cannot be said in our words
    """Why a recorded request has no equal in our words."""


def camel(value: Any, *, kept: bool = False) -> Any:
    """A body in the names of JSON: the vendor takes both forms."""
    if isinstance(value, list):
        return [camel(v, kept=kept) for v in value]
    if not isinstance(value, dict):
        return value
    if kept:
        return value
    return {n: camel(v, kept=n in KEPT) for k, v in value.items() for n in [_camel(k)]}


def _camel(name: str) -> str:
    return re.sub(r"(?<=[a-z])_([a-z])", lambda found: found[1].upper(), name)


# A body in our words.


def ours(body: dict[str, Any], model: str) -> ChatRequest:
    """The question that a body asks."""
    config = dict(body.get("generationConfig") or {})
    options: dict[str, Any] = {our: config.pop(their) for their, our in OPTIONS.items() if their in config}
    config.pop("responseLogprobs", None)
    vendor = {our: body[their] for their, our in VENDOR.items() if body.get(their)}
    modalities = config.pop("responseModalities", None)
    if modalities:
        vendor["google_response_modalities"] = modalities
    _thinking(config.pop("thinkingConfig", None) or {}, options, vendor)
    tools = tuple(_tools(body, vendor))
    _choose(body.get("toolConfig") or {}, options, vendor)
    output = _output(config)
    if config:
        raise NoWord(f"the fields {sorted(config)}")
    if vendor:
        options["vendor"] = vendor
    told = body.get("systemInstruction") or {"parts": []}
    system = told["parts"] if isinstance(told["parts"], list) else [told["parts"]]
    turns = [Message("system", tuple(Text(p["text"]) for p in system))] if system else []
    turns += [turn for content in body["contents"] for turn in turns_of(content)]
    known = family(model)
    if output is not None and tools and known is not None and not known.joint:
        raise NoWord("a schema beside tools, which the model refuses")
    return ChatRequest(model, Messages(turns), options, tools, output)


def _thinking(told: dict[str, Any], options: dict[str, Any], vendor: dict[str, Any]) -> None:
    if "thinkingLevel" in told:
        options["reasoning"] = told["thinkingLevel"].lower()
    if "thinkingBudget" in told:
        options["reasoning_tokens"] = told["thinkingBudget"]
    if told and told.get("includeThoughts") is None:
        raise NoWord("thinking without a word on whether it is shown")
    if "includeThoughts" in told:
        vendor["google_include_thoughts"] = told["includeThoughts"]


def _tools(body: dict[str, Any], vendor: dict[str, Any]) -> Iterator[ToolSpec]:
    for tool in body.get("tools") or ():
        if "functionDeclarations" not in tool:
            vendor.setdefault("google_server_tools", []).append(tool)
        for told in tool.get("functionDeclarations", ()):
            schema = told.get("parametersJsonSchema") or told.get("parameters") or {}
            yield ToolSpec(told["name"], told.get("description") or "", schema)


def _choose(told: dict[str, Any], options: dict[str, Any], vendor: dict[str, Any]) -> None:
    if "includeServerSideToolInvocations" in told:
        vendor["google_server_tool_calls"] = told["includeServerSideToolInvocations"]
    chosen = told.get("functionCallingConfig") or {}
    if not chosen.get("mode"):
        return
    mode, names = chosen["mode"].upper(), chosen.get("allowedFunctionNames") or []
    if mode not in ("AUTO", "NONE", "ANY") or len(names) > 1:
        raise NoWord(f"the choice {mode} among {len(names)} tools")
    options["tool_choice"] = names[0] if names else {"ANY": "required"}.get(mode, mode.lower())


def _output(config: dict[str, Any]) -> OutputSpec | None:
    kind = config.pop("responseMimeType", None)
    schema = config.pop("responseJsonSchema", None) or config.pop("responseSchema", None)
    if kind is None:
        return None
    return OutputSpec("answer", schema, "native") if schema else OutputSpec("answer", {}, "json")


def turns_of(content: dict[str, Any]) -> Iterator[Message]:
    """The turns of one content; results of tools are a turn of their own with us."""
    parts = [p for told in content["parts"] for p in part_of(told)]
    if content.get("role") == "model":
        yield Message("assistant", tuple(parts))
        return
    results = [p for p in parts if isinstance(p, ToolResult)]
    others = [p for p in parts if not isinstance(p, ToolResult)]
    if results:
        yield Message("tool", tuple(results))
    if others:
        yield Message("user", tuple(others))


def part_of(told: dict[str, Any]) -> Iterator[Any]:
    """One part."""
    signature = told.get("thoughtSignature")
    if told.get("thought"):
        yield Thinking(told.get("text") or "", signature, "google")
        return
    if "videoMetadata" in told or "mediaResolution" in told:
        raise NoWord("how one part is to be looked at")
    if signature is not None and ("text" in told or "functionCall" in told):
        yield Thinking("", signature, "google")
    if "text" in told:
        if told["text"]:
            yield Text(told["text"])
    elif "functionCall" in told:
        made = told["functionCall"]
        yield ToolCall(made["name"], made.get("args") or {}, made.get("id"))
    elif "functionResponse" in told:
        made = told["functionResponse"]
        if "parts" in made:
            raise NoWord("a tool's result that is more than text")
        yield ToolResult(made.get("id"), json.dumps(made["response"]), made["name"])
    elif "inlineData" in told or "fileData" in told:
        yield _media(told.get("inlineData"), told.get("fileData") or {})
    else:
        yield ServerItem("google", next(k for k in told if k != "thoughtSignature"), told)


def _media(inline: dict[str, Any] | None, file: dict[str, Any]) -> Media:
    media_type = (inline or file).get("mimeType") or "document/*"
    kind: Any = KINDS.get(media_type.partition("/")[0], "document")
    return Media(kind, media_type, None if inline is None else b"hidden", None if inline else file["fileUri"])


# What is compared.


def plain(value: Any) -> Any:
    """A body without what makes no difference: bytes that are hidden, empty objects and lists, the case of enums."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    told = {k: p for k, v in value.items() if (p := plain(v)) not in (None, {}, [])}
    if "data" in told and "mimeType" in told:
        told["data"] = "hidden"
    for name in ("thinkingLevel", "mode"):
        if isinstance(told.get(name), str):
            told[name] = told[name].lower()
    # A call that another model made: each client has its own way to mark it.
    if told.get("thoughtSignature") in (UNSIGNED, "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv"):
        del told["thoughtSignature"]
    return told


def whole(body: dict[str, Any]) -> dict[str, Any]:
    """A whole body, compared."""
    told = plain(body)
    told.get("systemInstruction", {}).pop("role", None)
    system = told.get("systemInstruction", {}).get("parts")
    if isinstance(system, dict):
        told["systemInstruction"]["parts"] = [system]
    if told.get("systemInstruction") == {"parts": [{"text": ""}]}:
        # A system turn without a word: we leave it out.
        del told["systemInstruction"]
    told["tools"] = tools_of(told)
    config = told.get("generationConfig", {})
    for name in ("responseSchema", "responseJsonSchema"):
        if name in config:
            config["schema"] = lowered(config.pop(name))
    told["contents"] = contents_of(told.get("contents", []))
    return {k: v for k, v in told.items() if v}


def tools_of(told: dict[str, Any]) -> list[Any]:
    """The tools: functions in one list, their parameters in either dialect. Their order beside others is free."""
    functions, others = [], []
    for tool in told.get("tools", ()):
        functions += [_function(f) for f in tool.get("functionDeclarations", ())]
        others += [tool] if "functionDeclarations" not in tool else []
    return [functions, others] if functions or others else []


def _function(told: dict[str, Any]) -> dict[str, Any]:
    schema = lowered(told.get("parametersJsonSchema") or told.get("parameters") or {})
    return {"name": told["name"], "description": told.get("description") or "", "schema": schema}


def lowered(schema: Any) -> Any:
    """A schema with its types in small letters: OpenAPI's form writes them large."""
    if isinstance(schema, list):
        return [lowered(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: v.lower() if k == "type" and isinstance(v, str) else lowered(v) for k, v in schema.items()}


def contents_of(contents: list[Any]) -> list[Any]:
    """The contents: what a tool answered is put by each client under a name of its own; roles may be left out."""
    made: list[Any] = []
    for content in contents:
        parts = [p for told in content.get("parts", ()) if (p := _part(told))]
        role = content.get("role") or "user"
        # Clients put what follows a tool's result in the same content, we in the next one; and empty ones are none.
        if made and made[-1][0] == role == "user" and "functionResponse" in made[-1][1][0]:
            made[-1][1].extend(parts)
        elif parts:
            made.append((role, parts))
    return made


def _part(told: dict[str, Any]) -> Any:
    if "functionResponse" in told:
        return {"functionResponse": {k: v for k, v in told["functionResponse"].items() if k in ("name", "id")}}
    if "functionCall" in told:
        return told | {"functionCall": {"args": {}, **told["functionCall"]}}
    return None if told == {"text": ""} else told


def compared(line: Any) -> str | None:
    """Where what we write differs from what was recorded."""
    found = re.search(r"models/([^:]+):", line.endpoint)
    assert found is not None
    recorded = camel(line.request)
    request = ours(recorded, found[1])
    options = dict(request.options)
    vendor = options.pop("vendor", {})
    body = json.loads(json.dumps(Gemini().encode(request, options)))
    put(body, "google", GoogleOptions, vendor)
    assert not options, (line.id, options)
    written, wanted = whole(body), whole(recorded)
    differ = [k for k in written.keys() | wanted.keys() if written.get(k) != wanted.get(k)]
    return "\n".join(f"{line.id} {k}:\n  {written.get(k)!r:.900}\n  {wanted.get(k)!r:.900}" for k in differ) or None


def test_recorded_requests_are_written_again_from_our_words(traffic: list[Any]) -> None:
    lines = [n for n in traffic if n.wire in ("gemini", "gemini_stream") and n.request]
    wordless: Counter[str] = Counter()
    wrong: list[str] = []
    for line in lines:
        try:
            differs = compared(line)
        except NoWord as why:
            wordless[str(why)] += 1
            continue
        wrong += [differs] if differs else []
    assert not wrong, f"{len(wrong)} of {len(lines)} ({wordless})\n" + "\n".join(wrong)
    assert wordless.total() < len(lines) / 10, wordless

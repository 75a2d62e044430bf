"""A request of ours as the body of a `generateContent` call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit_providers.google.errors import VENDOR
from chainkit_providers.google.models import family
from chainkit_providers.google.parts import contents, system
from chainkit_providers.google.schema import answerable
from chainkit_providers.openai.chat_request import check_choice
from chainkit_providers.payload import Json, note_foreign

if TYPE_CHECKING:
    from chainkit.models.request import ChatRequest, OutputSpec
    from chainkit_providers.google.models import Family

_FIELDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "n": "candidateCount",
}
_BUDGET = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Thinking tokens for a level, on models that take a budget and no level: as the vendor maps OpenAI's efforts."""
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def encode(request: ChatRequest, options: dict[str, Any]) -> Json:
    """The JSON body; takes what the wire and the model honour out of `options`."""
    extra, known = options.pop("extra", None), family(request.model)
    note_foreign(request, VENDOR)
    body: Json = {"contents": contents(request.messages, signed=known is not None and known.thinking == "level")}
    told = system(request.messages)
    if told is not None:
        body["systemInstruction"] = told
    _put_tools(body, request, options)
    config = _config(options)
    _put_thinking(config, options, known)
    _put_output(config, request, known)
    if config:
        body["generationConfig"] = config
    if "service_tier" in options:
        body["serviceTier"] = options.pop("service_tier")
    _settle(options)
    if extra:
        body.update(extra)
    return body


def _config(options: dict[str, Any]) -> Json:
    config: Json = {theirs: options.pop(ours) for ours, theirs in _FIELDS.items() if ours in options}
    if "stop" in options:
        stop = options.pop("stop")
        config["stopSequences"] = [stop] if isinstance(stop, str) else list(stop)
    if "logprobs" in options:
        config |= {"responseLogprobs": True, "logprobs": options.pop("logprobs")}
    return config


def _settle(options: dict[str, Any]) -> None:
    """What the vendor does unasked: it keeps prompts for minutes, and calls several tools at once."""
    if options.get("prompt_cache") == "short":
        del options["prompt_cache"]
    if options.get("parallel_tools") is True:
        del options["parallel_tools"]


def _put_tools(body: Json, request: ChatRequest, options: dict[str, Any]) -> None:
    tools = [_tool(t.name, t.parameters, t.description) for t in request.tools]
    choice, output = options.pop("tool_choice", None), request.output
    if output is not None and output.mode == "tool":
        tools.append(_tool(output.name, output.schema, output.description))
        choice = choice or ("required" if request.tools else output.name)
    if tools:
        body["tools"] = [{"functionDeclarations": tools}]
    if choice is None:
        return
    config: Json = {"mode": _MODES.get(choice, "ANY")}
    if choice not in _MODES:
        check_choice(choice, request.tools, output)
        config["allowedFunctionNames"] = [choice]
    body["toolConfig"] = {"functionCallingConfig": config}


def _tool(name: str, schema: Any, description: str) -> Json:
    return {"name": name, "description": description, "parametersJsonSchema": dict(schema)}


def _put_thinking(config: Json, options: dict[str, Any], known: Family | None) -> None:
    """A level where the model takes one, else a budget. What it cannot do stays in `options`."""
    thinking = _thinking(options, known)
    if thinking:
        config["thinkingConfig"] = thinking


def _thinking(options: dict[str, Any], known: Family | None) -> Json:
    form = "level" if known is None else known.thinking
    if options.get("reasoning") == "none" and known is not None and known.off:
        del options["reasoning"]
        return {"thinkingBudget": 0} if form == "budget" else {}
    if form == "no" or options.get("reasoning") == "none":
        return {}
    if "reasoning_tokens" in options and "reasoning" not in options:
        return {"thinkingBudget": options.pop("reasoning_tokens"), "includeThoughts": True}
    if "reasoning" not in options:
        return {}
    if "reasoning_tokens" in options and form == "level":
        raise BadRequest(
            "google takes a level of thinking or a number of tokens, not both", cure="leave one of them out"
        )
    level: str = options.pop("reasoning")
    if form == "level":
        return {"thinkingLevel": level if known is None else known.level(level), "includeThoughts": True}
    return {"thinkingBudget": options.pop("reasoning_tokens", _BUDGET[level]), "includeThoughts": True}


def _put_output(config: Json, request: ChatRequest, known: Family | None) -> None:
    output: OutputSpec | None = request.output
    if output is None or output.mode in ("tool", "prompt"):
        return
    if request.tools and known is not None and not known.joint:
        raise BadRequest(
            f"{request.model} cannot call tools and be held to a schema in one request",
            cure="use a model of the third generation, or ask for the value in a step after the tools",
        )
    config["responseMimeType"] = "application/json"
    if output.mode == "native":
        config["responseJsonSchema"] = answerable(output.schema)

"""A request as a model in this process is asked: the messages of Chat Completions, which chat templates read.

Beside them stand our options under our names, those of this provider without their prefix, and `generation`: what
`extra=` hands to transformers' GenerationConfig as it is. A schema is a grammar of llguidance, as in `local:`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit.models.completion import CompletionRequest
from chainkit.models.settled import settle
from chainkit.models.vendor import fields as vendor_fields
from chainkit_providers.openai.chat_request import encode as encode_chat
from chainkit_providers.openai.dialect import Dialect, fields
from chainkit_providers.transformers.options import TransformersOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.models.request import ChatRequest

DIALECT = Dialect(
    "transformers",
    options=fields(
        "user",
        "parallel_tools",
        "frequency_penalty",
        "presence_penalty",
        top_k="top_k",
        min_p="min_p",
        repeat_penalty="repeat_penalty",
        grammar="grammar",
        reasoning="reasoning",
    ),
    strict=False,
    stream_usage=False,
    top_logprobs=False,
    thinking_back="reasoning_content",
    media=(),
)
OPTIONS = frozenset({*DIALECT.options, "parallel_tools", "extra", "vendor"})
_COMPLETES = OPTIONS - {"parallel_tools", "tool_choice", "reasoning"} | {"prompt_logprobs"}
_JSON = "%llguidance {}\nstart: %json "
_CHATS, _COMPLETIONS, _ELSE = (
    frozenset({"num_beams", "length_penalty", "early_stopping", "no_repeat_ngram", "min_tokens", "template"}),
    frozenset({"num_beams", "length_penalty", "early_stopping", "no_repeat_ngram", "min_tokens"}),
    {"classify": frozenset({"hypothesis_template", "multi_label"}), "embed": frozenset({"pooling"})},
)


def encode(request: ChatRequest) -> dict[str, Any]:
    """The body. Raises BadRequest for an option that is not honoured, or two that do not go together."""
    options = dict(request.options)
    if isinstance(request, CompletionRequest):
        body = _completion(request, options)
    else:
        own, generation = _own(options, _CHATS), options.pop("extra", None)
        several = bool(options.pop("parallel_tools", False))
        body = encode_chat(request, options, DIALECT) | own
        _put_grammar(body)
        _put_tools(body, several=several)
        _put_generation(body, generation)
    honoured = _COMPLETES if isinstance(request, CompletionRequest) else OPTIONS
    settle(request, options, f"transformers:{request.model}", tuple(honoured))
    body.pop("stream", None)
    _check(body)
    return body


def _completion(request: CompletionRequest, options: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"model": request.model, "prompt": request.prefix}
    if request.suffix is not None:
        body["suffix"] = request.suffix
    body |= _own(options, _COMPLETIONS)
    _put_generation(body, options.pop("extra", None))
    for name in _COMPLETES & options.keys():
        body[name] = options.pop(name)
    return body


def _own(options: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    own = vendor_fields("transformers", TransformersOptions, options.pop("vendor", None) or {})
    foreign = sorted(own.keys() - known)
    if foreign:
        msg = f"the vendor option 'transformers_{foreign[0]}' is for another kind of model; nothing was sent"
        raise BadRequest(msg, cure="leave it out")
    return own


def task_options(request: Any, *taken: str) -> dict[str, Any]:
    """The options of a request that is no chat, by their names without prefix. Raises BadRequest for any other."""
    options = dict(request.options)
    own = _own(options, _ELSE[request.kind])
    own |= {name: options.pop(name) for name in taken if name in options}
    settle(request, options, f"transformers:{request.model}", (*taken, "vendor"))
    return own


def _put_grammar(body: dict[str, Any]) -> None:
    form = body.pop("response_format", None)
    if form is None:
        return
    if "grammar" in body:
        raise BadRequest("grammar= and output= both say what form the answer has", cure="give one of them")
    body["grammar"] = json_grammar(form["json_schema"]["schema"] if "json_schema" in form else {"type": "object"})


def json_grammar(schema: Mapping[str, Any]) -> str:
    """A grammar of that schema's JSON, with fixed separators: free whitespace lets a small model wander."""
    guided = {**schema, "x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
    return _JSON + json.dumps(guided, ensure_ascii=False)


def _put_tools(body: dict[str, Any], *, several: bool) -> None:
    """Offer a tool that is forced by name alone; a grammar holds a forced call to the tools' own arguments."""
    choice = body.pop("tool_choice", "auto")
    tools: list[Any] = body.get("tools") or []
    if isinstance(choice, dict):
        wanted: str = choice["function"]["name"]  # pyright: ignore[reportUnknownVariableType]
        tools = body["tools"] = [t for t in tools if t["function"]["name"] == wanted]
        choice = "required"
    if not tools or choice == "none":
        body.pop("tools", None)
    elif choice == "required":
        if "grammar" in body:
            raise BadRequest("a forced tool call has a form of its own, beside grammar= and output=", cure="give one")
        body["force_call"] = True
        body["grammar"] = json_grammar({"anyOf": [_call_of(t["function"]) for t in tools]})
    else:
        body["several_calls"] = several


def _call_of(function: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": function["name"]}, "arguments": function["parameters"]},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _put_generation(body: dict[str, Any], generation: Mapping[str, Any] | None) -> None:
    if generation:
        body["generation"] = dict(generation)


def _check(body: Mapping[str, Any]) -> None:
    """Raise BadRequest for options that do not go together."""
    beams, n = body.get("num_beams", 1), body.get("n", 1)
    if beams > 1:
        clash = [k for k in ("logprobs", "grammar", "top_k", "top_p", "min_p") if k in body]
        if body.get("temperature"):
            clash.append("temperature")
        if clash:
            msg = f"beam search draws nothing, and goes together with neither sampling, logprobs nor a grammar: {clash[0]!r}"
            raise BadRequest(msg, cure="leave it out, or leave out transformers_num_beams")
        if n > beams:
            raise BadRequest(f"n={n} answers out of {beams} beams", cure=f"transformers_num_beams={n}")
    else:
        alone = next((k for k in ("length_penalty", "early_stopping") if k in body), None)
        if alone is not None:
            raise BadRequest(f"transformers_{alone} is for beam search", cure="add transformers_num_beams=4")
    if "grammar" in body and "min_tokens" in body:
        raise BadRequest("a grammar says where an answer may end, and so does transformers_min_tokens", cure="give one")

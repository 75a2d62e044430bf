"""A request as llama.cpp takes it: Chat Completions, with what it reads differently.

It enforces a schema by a grammar. Where it was built with llguidance (xllamacpp's wheels are) we write that
grammar, with fixed separators: free whitespace lets a small model wander, and costs twice the tokens.
Of `tool_choice` it reads words only, so a tool forced by name is offered
alone. Where our template stands in for one without tools, a forced call is begun for the model (it would
ramble first, otherwise), and a call ends the answer unless several are asked for (it would repeat it).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chainkit.errors import BadRequest
from chainkit.models.settled import settle
from chainkit_providers.local import native
from chainkit_providers.openai.chat_fold import ChatFold
from chainkit_providers.openai.chat_request import encode as encode_chat
from chainkit_providers.openai.dialect import Dialect, fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.models.request import ChatRequest

ToolForm: TypeAlias = Literal["own", "ours", "none"]
"""Who writes tools into the prompt: the model's own template, ours in its place, or nobody."""

DIALECT = Dialect(
    "local",
    options=fields(
        "user", "parallel_tools", top_k="top_k", min_p="min_p", repeat_penalty="repeat_penalty", grammar="grammar"
    ),
    strict=False,
    stream_usage=False,
    tool_choices=("auto", "none", "required", "alone"),
    # llama.cpp parts thinking from text itself for the templates that it knows, and leaves the tags in for others.
    think_tags=True,
)
OPTIONS = frozenset({*DIALECT.options, "parallel_tools", "extra"})
_JSON = "%llguidance {}\nstart: %json "
_BEGIN, _END = "<tool_call>\n", "</tool_call>"


def encode(request: ChatRequest, form: Callable[[], ToolForm]) -> dict[str, Any]:
    """The body. Raises BadRequest for an option that llama.cpp does not honour. `form` is asked if tools are given."""
    options = dict(request.options)
    several = bool(options.pop("parallel_tools", False))
    body = encode_chat(request, options, DIALECT)
    settle(request, options, f"local:{request.model}", tuple(OPTIONS))
    if body.get("grammar") is not None and "response_format" in body:
        raise BadRequest("grammar= and output= both say what form the answer has", cure="give one of them")
    body.pop("stream", None)
    if "response_format" in body and not body.get("tools") and native.has_llguidance():
        body["grammar"] = _json_grammar(body.pop("response_format")["json_schema"]["schema"])
    if body.get("tools"):
        _put_tools(body, form(), several=several)
    return body


def _json_grammar(schema: Mapping[str, Any]) -> str:
    guided = {**schema, "x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
    return _JSON + json.dumps(guided, ensure_ascii=False)


def check_form(body: Mapping[str, Any], text: str) -> None:
    """Raise BadRequest where llama.cpp could make no grammar of a schema: it says so to nobody, and answers freely."""
    if str(body.get("grammar")).startswith(_JSON) and text and not text.startswith("{"):
        msg = f"llama.cpp makes no grammar of the output's schema; it answered freely: {text[:80]!r}"
        raise BadRequest(msg, cure="use a simpler output type: .render(x) shows the schema that was sent")


def fold() -> ChatFold:
    """A fresh fold for one answer."""
    return ChatFold(DIALECT)


def _put_tools(body: dict[str, Any], form: ToolForm, *, several: bool) -> None:
    choice = body.get("tool_choice", "auto")
    if choice == "none":
        del body["tools"], body["tool_choice"]
        return
    if form == "none":
        cure = "use another model for tools, or ask for output=... instead"
        raise BadRequest(f"the chat template of {body['model']} has no place for tools", cure=cure)
    if form == "ours":
        _lead(body, choice, several=several)


def _lead(body: dict[str, Any], choice: str, *, several: bool) -> None:
    if choice == "required":
        body["messages"] = [*body["messages"], {"role": "assistant", "content": _BEGIN}]
    if not several:
        stop: str | list[str] = body.get("stop") or []
        body["stop"] = [*([stop] if isinstance(stop, str) else stop), _END]

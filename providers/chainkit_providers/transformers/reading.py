"""A body as the tokens that a model reads: its chat template, its tools, what its answer begins with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest, ContextTooLong
from chainkit_providers.openai.fill import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit_providers.transformers.loaded import Loaded

CALL, CALL_END, THINK = "<tool_call>", "</tool_call>", "<think>"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is read. `begun` is text of the answer that stands in it already; `stop` ends the answer, and belongs to it."""

    tokens: list[int]
    begun: str = ""
    stop: str | None = None


def read(loaded: Loaded, body: Mapping[str, Any]) -> Prompt:
    """The tokens. Raises BadRequest for what the template has no place for, ContextTooLong."""
    prompt = _completion(loaded, body) if "prompt" in body else _chat(loaded, body)
    context = loaded.context
    if context is not None and len(prompt.tokens) >= context:
        msg = f"the prompt has {len(prompt.tokens)} tokens, and {loaded.name} was made for {context}"
        raise ContextTooLong(msg, cure="send less, or use a model with a longer context")
    return prompt


def _completion(loaded: Loaded, body: Mapping[str, Any]) -> Prompt:
    text: str = body["prompt"]
    if "suffix" in body:
        known = loaded.tokenizer.get_vocab()
        family = next((f for f in FAMILIES if all(mark in known for mark in f.vocabulary)), None)
        if family is None:
            msg = f"{loaded.name} fills no gaps: its vocabulary has no marks for them"
            raise BadRequest(msg, cure="use a model trained for it (qwen2.5-coder, starcoder2, codegemma)")
        text = family.around(text, body["suffix"])
    tokens: list[int] = loaded.tokenizer(text, verbose=False)["input_ids"]
    # An empty text still begins somewhere.
    return Prompt(tokens or loaded.ends[:1] or [0])


def _chat(loaded: Loaded, body: Mapping[str, Any]) -> Prompt:
    tools: list[Any] | None = body.get("tools")
    template, ours = _template(loaded, tools)
    messages = [_message(m) for m in body["messages"]]
    goes_on = messages[-1]["role"] == "assistant" and not messages[-1].get("tool_calls")
    text = _rendered(
        loaded, template, messages, tools, {**_thinking(template, body), **body.get("template", {})}, goes_on
    )
    begun = f"{CALL}\n" if body.get("force_call") else THINK if text.rstrip().endswith(THINK) else ""
    text += begun if body.get("force_call") else ""
    # A template of its own lets a small model repeat its call for ever.
    stop = CALL_END if ours and not body.get("several_calls") and not body.get("force_call") else None
    return Prompt(loaded.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"], begun, stop)


def _template(loaded: Loaded, tools: list[Any] | None) -> tuple[str, bool]:
    """The template, and whether it is ours: where the model's own ignores tools, but marks turns as ours does."""
    try:
        own: str = loaded.tokenizer.get_chat_template(tools=tools)
    except ValueError as error:
        msg = f"{loaded.name} has no chat template: it was not made for chats"
        raise BadRequest(msg, cure=f"go on with a text: completion('transformers:{loaded.name}')") from error
    if not tools or "tools" in own:
        return own, False
    if "<|im_start|>" not in own:
        cure = "use another model for tools, or ask for output=... instead"
        raise BadRequest(f"the chat template of {loaded.name} has no place for tools", cure=cure)
    return files("chainkit_providers.local").joinpath("tools.jinja").read_text("utf-8") + "{% endif %}", True


def _thinking(template: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The template's own word for `reasoning`. Raises BadRequest where it has none for that."""
    asked = body.get("reasoning")
    if asked is None:
        return {}
    if "reasoning_effort" in template:
        return {"reasoning_effort": asked}
    if "enable_thinking" in template and asked == "none":
        return {"enable_thinking": False}
    msg = f"the chat template of {body['model']} knows no reasoning={asked!r}"
    raise BadRequest(msg, cure="leave it out, or tell the template: vendor={'transformers_template': {...}}")


def _message(told: Mapping[str, Any]) -> dict[str, Any]:
    """A message as templates read it: a call's arguments as an object."""
    calls: list[Any] = told.get("tool_calls") or []
    if not calls:
        return {**told, "content": told.get("content") or ""}
    return {**told, "content": told.get("content") or "", "tool_calls": [_call(c) for c in calls]}


def _call(told: Mapping[str, Any]) -> dict[str, Any]:
    function = told["function"]
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        arguments = function["arguments"]
    return {**told, "function": {**function, "arguments": arguments}}


def _rendered(
    loaded: Loaded, template: str, messages: list[Any], tools: list[Any] | None, more: dict[str, Any], goes_on: bool
) -> str:
    from jinja2 import TemplateError

    try:
        text: str = loaded.tokenizer.apply_chat_template(
            messages,
            tools=tools,
            chat_template=template,
            tokenize=False,
            add_generation_prompt=not goes_on,
            continue_final_message=goes_on,
            **more,
        )
    except (TemplateError, ValueError, TypeError) as error:
        msg = f"the chat template of {loaded.name} refuses these messages: {error}"
        raise BadRequest(msg, cure="look at what was sent with .render(x)") from error
    return text

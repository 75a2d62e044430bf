"""How one vendor's Chat Completions and Responses differ from another's: a row of data that the wires read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

ThinkingBack: TypeAlias = Literal["reasoning_content", "reasoning", "reasoning_details", "content"]
ThinkingSwitch: TypeAlias = Literal["thinking", "enable_thinking", "chat_template_kwargs", "disable_reasoning"]
Caching: TypeAlias = Callable[[str, str, str], Mapping[str, Any] | None]
"""(model, "short" or "long", api) -> the fields that ask for it; empty where it goes without saying, None where not."""
Unfit: TypeAlias = Callable[[str, Mapping[str, Any]], Iterable[str]]
"""(model, options) -> the options that this model refuses, though its vendor knows them."""
ToldCost: TypeAlias = Literal["cost", "cost.total_cost", "cost_in_usd_ticks", "estimated_cost"]
MediaKind: TypeAlias = Literal["image", "audio", "video", "document"]

PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        "max_tokens": "max_tokens",
        "stop": "stop",
        "seed": "seed",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "logit_bias": "logit_bias",
        "n": "n",
        "user": "user",
        "parallel_tools": "parallel_tool_calls",
        "tool_choice": "tool_choice",
        "logprobs": "logprobs",
    }
)
"""What nearly every server of this protocol takes: our option, and its field on the wire."""

RESPONSES: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        "max_tokens": "max_output_tokens",
        "parallel_tools": "parallel_tool_calls",
        "service_tier": "service_tier",
        "user": "user",
        "logprobs": "top_logprobs",
        "tool_choice": "tool_choice",
        "reasoning": "reasoning.effort",
        "verbosity": "text.verbosity",
        "prompt_cache_key": "prompt_cache_key",
    }
)
"""What OpenAI's own Responses takes, and where."""


def fields(*without: str, **more: str) -> Mapping[str, str]:
    """`PLAIN` without some options and with others."""
    return MappingProxyType({k: v for k, v in PLAIN.items() if k not in without} | more)


def responses(*without: str) -> Mapping[str, str]:
    """`RESPONSES` without some options."""
    return MappingProxyType({k: v for k, v in RESPONSES.items() if k not in without})


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's row. An option that stands in no row raises before anything is sent.

    - `options` and `responses` map our options to the fields of Chat Completions and of Responses.
    - `always` are fields that go with every call. `unfit` names options that one of its models refuses.
    - `thinks` matches its reasoning models: they want `max_completion_tokens`, and Responses is asked for
      their encrypted reasoning.
    - `strict`: a schema is sent with `strict: true`. `stream_usage`: usage in streams has to be asked for.
      `top_logprobs`: `logprobs` is a switch beside `top_logprobs`.
    - `think_tags`: thinking may stand at the head of the text, between tags.
      `thinking_back`: the field of a message in which the vendor takes its own reasoning back.
      `thinking_switch`: the field by which `reasoning="none"` turns thinking off.
      `reasoning_object`: `reasoning: {effort, max_tokens}` instead of fields of their own.
      `phases`: Responses takes back what an answer's texts were marked as.
    - `tool_choices`: which of "auto", "none", "required" it takes, and "name" for one tool by name. With "alone"
      such a tool is the only one offered, and "required", for a server that reads words only.
    - `media`: the kinds of part that it reads; `fetches`: those whose URL it opens itself;
      `parts`: whose form they have.
    - `cache`: how `prompt_cache` is asked for. `cost`: the field of its usage that tells the cost.
    - `keys` are the variables that hold its key.
    """

    vendor: str
    options: Mapping[str, str] = field(default_factory=lambda: PLAIN)
    responses: Mapping[str, str] = field(default_factory=lambda: RESPONSES)
    always: Mapping[str, Any] = field(default_factory=dict[str, Any])
    unfit: Unfit | None = None
    thinks: re.Pattern[str] | None = None
    strict: bool = True
    stream_usage: bool = True
    top_logprobs: bool = True
    think_tags: bool = False
    thinking_back: ThinkingBack | None = None
    thinking_switch: ThinkingSwitch | None = None
    reasoning_object: bool = False
    phases: bool = False
    tool_choices: tuple[str, ...] = ("auto", "none", "required", "name")
    media: tuple[MediaKind, ...] = ("image", "audio", "document")
    fetches: tuple[MediaKind, ...] = ("image",)
    parts: Literal["openai", "mistral"] = "openai"
    cache: Caching | None = None
    cost: ToldCost | None = None
    keys: tuple[str, ...] = ()

    def takes(self, api: str) -> frozenset[str]:
        """The options that it honours in an interface: "chat" or "responses"."""
        named = {*(self.responses if api == "responses" else self.options), "extra", "vendor"}
        if api != "responses":
            named |= {"reasoning", "reasoning_tokens"} if self.reasoning_object else set()
            named |= {"reasoning"} if self.thinking_switch else set()
        return frozenset(named | ({"prompt_cache"} if self.cache else set()))

    def held_back(self, model: str, options: dict[str, Any]) -> dict[str, Any]:
        """Take the options that a model refuses out of `options`: they are put back for the core to refuse.

        What asks for no more than what is done anyway goes without saying.
        """
        if not options:
            return {}
        for name, usual in _USUAL.items():
            if options.get(name) == usual and name not in self.options:
                del options[name]
        refused = () if self.unfit is None else self.unfit(model, options)
        return {name: options.pop(name) for name in refused if name in options}


_USUAL = {"n": 1, "tool_choice": "auto"}

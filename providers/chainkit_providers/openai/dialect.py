"""How one vendor's Chat Completions differ from another's: a row of data that the wire reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

ThinkingBack: TypeAlias = Literal["reasoning_content", "reasoning_details", "content"]

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


def fields(*without: str, **more: str) -> Mapping[str, str]:
    """`PLAIN` without some options and with others."""
    return MappingProxyType({k: v for k, v in PLAIN.items() if k not in without} | more)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's row.

    `options` maps our options to its fields; an option that stands in no row raises before sending.
    `thinks` matches its reasoning models: they want `max_completion_tokens`, and Responses is asked for
    their encrypted reasoning. `strict` says whether a schema is sent with `strict: true`, `stream_usage`
    whether usage in streams has to be asked for, `top_logprobs` whether `logprobs` is a switch beside
    `top_logprobs`. `thinking_back` is the field in which the vendor takes its own reasoning back;
    `thinking_switch` turns reasoning off with `thinking: {type: disabled}`; `reasoning_object` sends
    `reasoning: {effort, max_tokens}`. `keys` are the variables that hold its key.
    """

    vendor: str
    options: Mapping[str, str] = field(default_factory=lambda: PLAIN)
    thinks: re.Pattern[str] | None = None
    strict: bool = True
    stream_usage: bool = True
    top_logprobs: bool = True
    thinking_back: ThinkingBack | None = None
    thinking_switch: bool = False
    reasoning_object: bool = False
    keys: tuple[str, ...] = ()

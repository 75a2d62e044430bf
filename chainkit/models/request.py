"""What a chat model is asked, in no vendor's words: what an adapter encodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeAlias, TypedDict

from chainkit.messages import Messages

OutputMode: TypeAlias = Literal["native", "tool", "grammar", "json", "prompt"]


class Options(TypedDict, total=False):
    """Options of a chat model. What a model cannot honour raises before sending; it never vanishes."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    max_tokens: int
    stop: str | Sequence[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    repeat_penalty: float
    logit_bias: Mapping[str, float]
    logprobs: int
    n: int
    reasoning: Literal["none", "minimal", "low", "medium", "high"]
    reasoning_tokens: int
    verbosity: Literal["low", "medium", "high"]
    service_tier: str
    prompt_cache: Literal["short", "long"]
    """Keep the prompt in the vendor's cache: for minutes, or for an hour and more."""
    prompt_cache_key: str
    parallel_tools: bool
    tool_choice: str
    user: str
    grammar: str
    extra: Mapping[str, Any]
    """Vendor fields, sent as they are."""
    vendor: Mapping[str, Any]
    """Typed options of one vendor, prefixed with its name: a TypedDict of its package."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it: `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """The form an answer must have: a JSON schema, its name, and how to ask for it."""

    name: str
    schema: Mapping[str, Any]
    mode: OutputMode
    description: str = ""


class Noting:
    """A request that writes down, for the reply, what the model is not told."""

    __slots__ = ()
    warnings: list[str]

    def warn(self, text: str) -> None:
        """Write it down, once."""
        if text not in self.warnings:
            self.warnings.append(text)


@dataclass(slots=True)
class ChatRequest(Noting):
    """One question to a chat model.

    `options` holds only what was set. `stream` asks for pieces. An adapter's `encode` takes each option
    out with `pop` and the core raises on what is left - or, where the request is `lenient`, writes it down.
    `warnings` are what an adapter had to leave out: they stand in the reply.
    """

    kind: ClassVar[str] = "chat"

    model: str
    messages: Messages
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tools: tuple[ToolSpec, ...] = ()
    output: OutputSpec | None = None
    stream: bool = False
    lenient: bool = False
    warnings: list[str] = field(default_factory=list[str])

    @property
    def size(self) -> int:
        """Characters of the question, with room for what stands between messages."""
        return sum(len(str(m)) + 16 for m in self.messages)

    def with_messages(self, messages: Messages) -> ChatRequest:
        """The same question with other messages."""
        return replace(self, messages=messages)

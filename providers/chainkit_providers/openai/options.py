"""What only OpenAI takes: `model("openai:...", vendor={"openai_store": False})`.

Azure speaks the same protocol and takes the same options under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from chainkit.models.vendor import At


class Shared(TypedDict, total=False):
    """What both interfaces take."""

    openai_store: Annotated[bool, At("store")]
    """Keep the answer on the vendor's side (its own default differs between the interfaces)."""
    openai_metadata: Annotated[Mapping[str, str], At("metadata")]
    openai_safety_identifier: Annotated[str, At("safety_identifier")]
    openai_moderation: Annotated[Mapping[str, Any], At("moderation")]


class ChatOptions(Shared, total=False):
    """What Chat Completions takes besides."""

    openai_prediction: Annotated[Mapping[str, Any], At("prediction")]
    openai_modalities: Annotated[Sequence[Literal["text", "audio"]], At("modalities")]
    openai_audio: Annotated[Mapping[str, Any], At("audio")]
    openai_web_search_options: Annotated[Mapping[str, Any], At("web_search_options")]


class ResponsesOptions(Shared, total=False):
    """What Responses takes besides."""

    openai_server_tools: Annotated[Sequence[Mapping[str, Any]], At("tools[]")]
    """Tools that the vendor runs itself, beside those of `tools=`: `[{"type": "web_search"}]`."""
    openai_include: Annotated[Sequence[str], At("include[]")]
    openai_reasoning_summary: Annotated[Literal["auto", "concise", "detailed"], At("reasoning.summary")]
    openai_previous_response_id: Annotated[str, At("previous_response_id")]
    openai_conversation: Annotated[str, At("conversation")]
    openai_truncation: Annotated[Literal["auto", "disabled"], At("truncation")]
    openai_max_tool_calls: Annotated[int, At("max_tool_calls")]
    openai_prompt: Annotated[Mapping[str, Any], At("prompt")]
    openai_context_management: Annotated[Sequence[Mapping[str, Any]], At("context_management")]


class OpenAIOptions(ChatOptions, ResponsesOptions, total=False):
    """All of them. An option that the chosen interface does not have raises before anything is sent."""

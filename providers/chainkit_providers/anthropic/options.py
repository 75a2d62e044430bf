"""What only Anthropic takes: `model("anthropic:...", vendor={"anthropic_server_tools": [...]})`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from chainkit.models.vendor import At


class AnthropicOptions(TypedDict, total=False):
    """Options of Messages beside the common ones."""

    anthropic_server_tools: Annotated[Sequence[Mapping[str, Any]], At("tools[]")]
    """Tools that the vendor runs itself, beside those of `tools=`: `[{"type": "web_search_20250305", "name": "web_search"}]`."""
    anthropic_container: Annotated[str, At("container")]
    """The container of an earlier answer, for code that goes on in it."""
    anthropic_inference_geo: Annotated[str, At("inference_geo")]
    anthropic_speed: Annotated[Literal["standard", "fast"], At("speed")]
    anthropic_thinking: Annotated[Mapping[str, Any], At("thinking")]
    """How it thinks, in the vendor's own words; takes the place of `reasoning`."""

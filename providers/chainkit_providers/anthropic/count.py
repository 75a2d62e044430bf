"""Counting tokens: the body of a Messages call, answered with a number. Source: Anthropic's API reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.count import TokenCount
from chainkit_providers.anthropic.messages import MessagesWire

if TYPE_CHECKING:
    from chainkit.models.count import CountRequest

_READ = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "mcp_servers")
"""What of a question the count depends on; the endpoint takes nothing else."""


class CountTokens(MessagesWire):
    """`POST /v1/messages/count_tokens`."""

    path = "v1/messages/count_tokens"
    answer: Literal["json", "bytes"] = "json"

    def encode(self, request: CountRequest, options: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The JSON body: what the model would read."""
        body = super().encode(replace(request.asked, stream=False), dict(request.asked.options))
        return {name: body[name] for name in _READ if name in body}

    def decode(self, body: Any, request: CountRequest) -> TokenCount:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The count."""
        return TokenCount(tokens=int(body["input_tokens"]), model=request.model, raw=body)


COUNT = CountTokens()

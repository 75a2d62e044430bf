"""Counting tokens: the body of a Responses call, answered with a number. Source: OpenAI's API reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.count import TokenCount
from chainkit_providers.openai.models import DIALECT
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.count import CountRequest

_READ = ("model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "parallel_tool_calls")
"""What of a question the count depends on; the endpoint takes nothing else."""


class InputTokens(Responses):
    """`POST /responses/input_tokens`, for whatever interface the question would go through."""

    answer: Literal["json", "bytes"] = "json"

    def encode(self, request: CountRequest, options: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The JSON body: what the model would read."""
        body = super().encode(replace(request.asked, stream=False), dict(request.asked.options))
        return {name: body[name] for name in _READ if name in body}

    def decode(self, body: Any, request: CountRequest) -> TokenCount:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The count."""
        return TokenCount(tokens=int(body["input_tokens"]), model=request.model, raw=body)


COUNT = InputTokens(DIALECT, "responses/input_tokens")

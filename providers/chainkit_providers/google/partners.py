"""Other vendors' models on Vertex AI: Anthropic's by its Messages, the rest by OpenAI's Chat Completions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

from chainkit.models.profile import Profile
from chainkit_providers.anthropic.count import CountTokens
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.anthropic.models import profile as claude
from chainkit_providers.google.errors import refused
from chainkit_providers.google.models import profile as gemini
from chainkit_providers.google.places import publisher
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect, fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.count import CountRequest
    from chainkit.models.request import ChatRequest
    from chainkit_providers.google.places import Place

_VERSION = "vertex-2023-10-16"
"""The version of Messages that stands in the body here, as the model stands in the path."""
OPEN = Dialect("vertex", fields(), strict=False)


class NoOptions(TypedDict):
    """Google's own options are none of these models'."""


def profile(model: str) -> Profile:
    """What is known of a model on Vertex AI, whoever made it."""
    kind = api(model)
    if kind == "messages":
        return replace(claude(model), provider="vertex", priced_as="google")
    if kind == "openai":
        ways = ("native", "tool", "json", "prompt")
        return Profile("vertex", model, output=ways, options=OPEN.takes("chat"), vision=True, priced_as="google")
    return gemini(model, "vertex")


def api(model: str) -> str:
    """The interface that a model speaks, by its name."""
    if publisher(model) == "anthropic":
        return "messages"
    return "openai" if "/" in model and not model.startswith(("projects/", "publishers/", "endpoints/")) else "chat"


class ClaudeOnVertex(MessagesWire):
    """Anthropic's Messages, by `rawPredict`."""

    vendor: Any = getattr(MessagesWire, "vendor", NoOptions)

    def __init__(self, place: Place) -> None:
        self._place = place

    def path(self, request: ChatRequest) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """Where to POST."""
        return self._place.path(request.model, "streamRawPredict" if request.stream else "rawPredict")

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The body of Messages, its model left to the path."""
        body = super().encode(request, options)
        del body["model"]
        return {"anthropic_version": _VERSION, **body}

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply: Google's own form, or Anthropic's."""
        return refused("vertex", status, headers, body)


class ClaudeCount(CountTokens):
    """How many tokens a question to Claude has: a model of its own to ask."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def path(self, request: CountRequest) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """Where to POST."""
        return self._place.path("publishers/anthropic/models/count-tokens", "rawPredict")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none: Google's own form, or Anthropic's."""
        return refused("vertex", status, headers, body)


class OpenModels(ChatCompletions):
    """Models of the garden that are named `publisher/model`, through the endpoint that speaks OpenAI's protocol."""

    def __init__(self, place: Place) -> None:
        super().__init__(OPEN, f"{place.before}/endpoints/openapi/chat/completions", vendor=NoOptions)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, in Google's own form."""
        return refused("vertex", status, headers, body)

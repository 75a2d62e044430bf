"""OpenAI: Chat Completions and Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.models import DIALECT, api
from chainkit_providers.openai.offers import tasks_of
from chainkit_providers.openai.options import ChatOptions, OpenAIOptions, ResponsesOptions
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.provider import Account


__all__ = ["CHAT", "RESPONSES", "OpenAI", "OpenAIOptions", "provider"]


class _ByModel(HttpBackend):
    """An account of which nobody said the interface: each model goes through the one that takes all it can do."""

    def wire_of(self, request: Any) -> Any:
        """The wire for a request."""
        if request.kind == "chat" and api(request.model) == "responses":
            return RESPONSES
        return super().wire_of(request)


class OpenAI(HttpProvider):
    """The vendor's row. A server of one's own, named by `base_url`, is asked through Chat Completions."""

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        if account.api is None and account.base_url is None:
            return _ByModel(self, account, CHAT)
        return super().open(account)


CHAT = ChatCompletions(DIALECT, vendor=ChatOptions)
RESPONSES = Responses(DIALECT, vendor=ResponsesOptions)
provider = OpenAI(
    name="openai",
    base_url="https://api.openai.com/v1",
    batches="chainkit_providers.openai.batches:BATCHES",
    wires={"chat": CHAT, "responses": RESPONSES},
    tasks={
        **tasks_of("openai", DIALECT.keys),
        "complete": "chainkit_providers.openai.completing:OPENAI",
        "count": "chainkit_providers.openai.count:COUNT",
    },
    key_env=DIALECT.keys,
    base_url_env=("OPENAI_BASE_URL",),
    header_env={"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"},
    hosts=(".api.openai.com",),
    keys_at="https://platform.openai.com/api-keys",
    sdk="chainkit_providers.openai.sdk:SDK",
    extra="openai",
    profiles="chainkit_providers.openai.models:profile",
    vendor=OpenAIOptions,
)

"""OpenAI: Chat Completions and Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainkit.models.http import HttpBackend, HttpProvider
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.models import DIALECT, api
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.provider import Account, Rendered
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest
    from chainkit.run.call import Call


class _ByModel(HttpBackend):
    """An account of which nobody said the interface: each model goes through the one that takes all it can do."""

    def __init__(self, row: HttpProvider, account: Account) -> None:
        super().__init__(row, account, CHAT)
        self._responses = HttpBackend(row, account, RESPONSES)

    async def send(self, call: Call) -> Reply:
        """Answer `call.request`."""
        if api(call.request.model) == "responses":
            return await self._responses.send(call)
        return await super().send(call)

    def render(self, request: ChatRequest) -> Rendered:
        """The request as it would leave."""
        return self._responses.render(request) if api(request.model) == "responses" else super().render(request)


class OpenAI(HttpProvider):
    """The vendor's row. A server of one's own, named by `base_url`, is asked through Chat Completions."""

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        if account.api is None and account.base_url is None:
            return _ByModel(self, account)
        return super().open(account)


CHAT, RESPONSES = ChatCompletions(DIALECT), Responses(DIALECT)
provider = OpenAI(
    name="openai",
    base_url="https://api.openai.com/v1",
    wires={"chat": CHAT, "responses": RESPONSES},
    key_env=DIALECT.keys,
    base_url_env=("OPENAI_BASE_URL",),
    header_env={"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"},
    hosts=(".api.openai.com",),
    keys_at="https://platform.openai.com/api-keys",
    sdk="chainkit_providers.openai.sdk:SDK",
    extra="openai",
    profiles="chainkit_providers.openai.models:profile",
)

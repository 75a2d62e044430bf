"""The Chat Completions wire: `POST /chat/completions`, spoken by OpenAI and by most gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.faults import http_fault
from chainkit_providers.openai.chat_fold import ChatFold
from chainkit_providers.openai.chat_reply import decode
from chainkit_providers.openai.chat_request import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest
    from chainkit_providers.openai.dialect import Dialect


class ChatCompletions:
    """Chat Completions in one vendor's dialect."""

    name = "chat"

    def __init__(
        self, dialect: Dialect, path: str | Callable[[ChatRequest], str] = "chat/completions", *, vendor: Any = None
    ) -> None:
        self.dialect = dialect
        self.path = path
        self.vendor = vendor

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the dialect honours out of `options`."""
        return encode(request, options, self.dialect)

    def decode(self, body: Any) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault that it holds."""
        return decode(body, self.dialect)

    def fold(self, request: ChatRequest) -> ChatFold:
        """A fresh fold for a streamed answer."""
        return ChatFold(self.dialect)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return http_fault(self.dialect.vendor, status, headers, body, keys=self.dialect.keys)

"""The Responses wire: `POST /responses`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.faults import http_fault
from chainkit_providers.openai.responses_fold import ResponsesFold
from chainkit_providers.openai.responses_reply import decode
from chainkit_providers.openai.responses_request import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.reply import Reply
    from chainkit.models.request import ChatRequest
    from chainkit_providers.openai.dialect import Dialect


class Responses:
    """Responses, in one vendor's dialect."""

    name = "responses"

    def __init__(
        self, dialect: Dialect, path: str | Callable[[ChatRequest], str] = "responses", *, vendor: Any = None
    ) -> None:
        self.dialect = dialect
        self.path = path
        self.vendor = vendor

    def encode(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the wire honours out of `options`."""
        return encode(request, options, self.dialect)

    def decode(self, body: Any) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault of a failed one."""
        return decode(body, self.dialect)

    def fold(self, request: ChatRequest) -> ResponsesFold:
        """A fresh fold for a streamed answer."""
        return ResponsesFold(self.dialect)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return http_fault(self.dialect.vendor, status, headers, body, keys=self.dialect.keys)

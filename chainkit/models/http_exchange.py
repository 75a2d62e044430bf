"""An exchange with an HTTP provider that is no question to a model, and what its own batches need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError
from chainkit.models.exchange import Exchanged
from chainkit.models.json_bytes import written
from chainkit.models.multipart import Multipart
from chainkit.run.carriers.wire import HttpRequest

if TYPE_CHECKING:
    from chainkit.models.access import Access
    from chainkit.models.exchange import Exchange
    from chainkit.models.reply import Reply

_HEADERS = {"content-type": "application/json", "accept": "*/*", "user-agent": "chainkit"}


def leaving(asked: Exchange, found: Access, provider: str, *, relative: bool) -> HttpRequest:
    """The request that an exchange sends. Raises CompositionError where a vendor's client carries requests."""
    if relative:
        msg = f"{provider}: this goes through chainkit's own carrier only"
        raise CompositionError(msg, cure="leave carrier='sdk' and client= away")
    headers, content = found.headers | _HEADERS, None
    if isinstance(asked.body, Multipart):
        content, headers["content-type"] = asked.body.encoded()
    elif asked.body is not None:
        content = written(asked.body)
    return HttpRequest(asked.method, found.base_url + asked.path, headers, content)


async def answered(response: Any) -> Exchanged:
    """What came back."""
    return Exchanged(body=await response.read())


def batched(wire: Any, request: Any, status: int, body: Any) -> Reply:
    """The reply in the answer of one item of a batch. Raises the item's error."""
    if not 200 <= status < 300:
        raise wire.error(status, {}, written(body))
    reply: Reply = wire.decode(body)
    reply.warnings = (*reply.warnings, *request.warnings)
    return reply

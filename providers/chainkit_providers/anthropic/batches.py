"""Message batches: requests go up in one body, answers come down as lines of JSON.

Source: Anthropic's Message Batches API reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chainkit.models.batches import Answered, BatchState
from chainkit.models.exchange import Exchange
from chainkit_providers.payload import inner, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainkit.models.batches import Item
    from chainkit.models.exchange import Door

_JOBS = "/v1/messages/batches"


@dataclass(frozen=True, slots=True)
class MessageBatches:
    """The vendor's form."""

    most: int = 100_000

    async def submit(self, door: Door, model: str, items: Sequence[Item]) -> str:
        """Hand the requests in."""
        requests = [{"custom_id": i.name, "params": i.body} for i in items]
        # A batch that was started twice would be paid for twice.
        started = await door(Exchange(model, method="POST", path=_JOBS, body={"requests": requests}, again=False))
        return str(parse(started)["id"])

    async def state(self, door: Door, id: str) -> BatchState:
        """How far the batch is."""
        told: Any = parse(await door(Exchange("", path=f"{_JOBS}/{quote(id)}")))
        word, counts = str(told.get("processing_status", "unknown")), inner(told, "request_counts")
        failed = sum(counts.get(n, 0) for n in ("errored", "canceled", "expired"))
        total = sum(v for v in counts.values() if isinstance(v, int))
        return BatchState(id, word == "ended", word, total, counts.get("succeeded", 0), failed, None, told)

    async def results(self, door: Door, state: BatchState) -> Iterable[Answered]:
        """The lines of the answers."""
        body = await door(Exchange("", path=f"{_JOBS}/{quote(state.id)}/results"))
        return [_answered(parse(line)) for line in body.splitlines() if line.strip()]

    async def cancel(self, door: Door, id: str) -> None:
        """Stop the batch."""
        await door(Exchange("", method="POST", path=f"{_JOBS}/{quote(id)}/cancel"))


_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}


def _answered(line: Any) -> Answered:
    name, result = str(line["custom_id"]), line["result"]
    if result["type"] == "succeeded":
        return Answered(name, 200, result["message"])
    if result["type"] == "errored":
        error = result["error"]
        kind = (error.get("error") or error).get("type")
        return Answered(name, _STATUS.get(kind, 500), error)
    said = {"type": result["type"], "message": f"the item was {result['type']} before it was answered"}
    return Answered(name, 500, {"type": "error", "error": said})


BATCHES = MessageBatches()

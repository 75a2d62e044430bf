"""Gemini's batches: the requests stand in the body that starts one, the answers in the operation that it becomes.

Source: the Batch API of the Gemini API, models.batchGenerateContent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chainkit.errors import BadRequest
from chainkit.models.batches import Answered, BatchState
from chainkit.models.exchange import Exchange
from chainkit.models.json_bytes import written
from chainkit_providers.google.places import STUDIO
from chainkit_providers.payload import inner, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainkit.models.batches import Item
    from chainkit.models.exchange import Door

_BYTES = 20_000_000
"""Of all requests that stand in one body."""
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")


@dataclass(frozen=True, slots=True)
class GeminiBatches:
    """Batches of requests that stand in the body."""

    most: int = 10_000

    async def submit(self, door: Door, model: str, items: Sequence[Item]) -> str:
        """Hand the requests in. Raises BadRequest where they are too many bytes for one body."""
        requests = [{"request": i.body, "metadata": {"key": i.name}} for i in items]
        body = {"batch": {"display_name": "chainkit", "input_config": {"requests": {"requests": requests}}}}
        if len(written(body)) > _BYTES:
            msg = f"google: a batch holds {_BYTES:,} bytes of requests at the most, and these {len(items)} are more"
            raise BadRequest(msg, cure="hand in fewer items at once")
        path = f"/{STUDIO.path(model, 'batchGenerateContent')}"
        # A batch that was started twice would be paid for twice.
        return str(parse(await door(Exchange(model, method="POST", path=path, body=body, again=False)))["name"])

    async def state(self, door: Door, id: str) -> BatchState:
        """How far the batch is."""
        told: Any = parse(await door(Exchange("", path=_at(id))))
        about = inner(told, "metadata")
        word, stats = str(about.get("state", "unknown")), inner(about, "batchStats")
        done = bool(told.get("done")) or word.endswith(_ENDED)
        total, succeeded, failed = (
            int(stats.get(n) or 0) for n in ("requestCount", "successfulRequestCount", "failedRequestCount")
        )
        error = inner(told, "error").get("message") or (word if done and not _answers(told) else None)
        return BatchState(id, done, word, total, succeeded, failed, error, told)

    async def results(self, door: Door, state: BatchState) -> Iterable[Answered]:
        """The answers in the operation."""
        return [_answered(line) for line in _answers(state.data)]

    async def cancel(self, door: Door, id: str) -> None:
        """Stop the batch."""
        await door(Exchange("", method="POST", path=f"{_at(id)}:cancel", body={}))


def _at(id: str) -> str:
    return f"/{STUDIO.before}/{quote(id)}"


def _answers(told: Any) -> list[Any]:
    """The answers, which stand in the response of the operation, or in its metadata."""
    for holder in (inner(told, "response"), inner(inner(told, "metadata"), "output")):
        held = inner(holder, "inlinedResponses").get("inlinedResponses")
        if held:
            return list(held)
    return []


def _answered(line: Any) -> Answered:
    name = str(inner(line, "metadata").get("key"))
    if line.get("response") is not None:
        return Answered(name, 200, line["response"])
    error = inner(line, "error")
    return Answered(name, _STATUS.get(int(error.get("code") or 13), 500), {"error": error})


# Google's own numbers of what went wrong, and HTTP's: https://cloud.google.com/apis/design/errors
_STATUS = {3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 11: 400, 13: 500, 14: 503, 16: 401}

BATCHES = GeminiBatches()

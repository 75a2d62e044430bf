"""Batches by way of files: requests go up as lines of JSON, answers come down as lines of JSON.

Sources: OpenAI's Batch API reference and Mistral's, whose jobs take the same files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chainkit.models.batches import Answered, BatchState
from chainkit.models.exchange import Exchange
from chainkit.models.multipart import Multipart, Upload
from chainkit_providers.payload import inner, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chainkit.models.batches import Item
    from chainkit.models.exchange import Door

_ENDED = frozenset({"completed", "failed", "expired", "cancelled", "success", "timeout_exceeded"})
_WHOLE = frozenset({"completed", "success"})


@dataclass(frozen=True, slots=True)
class FileBatches:
    """The vendor's own form. `jobs` is where batches are; `version` stands before the path of an item."""

    jobs: str = "/batches"
    version: str = "/v1"
    most: int = 50_000

    async def submit(self, door: Door, model: str, items: Sequence[Item]) -> str:
        """Put the requests there as a file, and start a batch of it."""
        lines = "".join(f"{json.dumps(self._line(i), ensure_ascii=False)}\n" for i in items)
        upload = Upload("requests.jsonl", lines.encode("utf-8"), "application/jsonl")
        form = Multipart({"purpose": "batch"}, [("file", upload)])
        file = parse(await door(Exchange(model, method="POST", path="/files", body=form)))
        body = self._job(file["id"], model, self.version + items[0].path)
        # A batch that was started twice would be paid for twice.
        started = await door(Exchange(model, method="POST", path=self.jobs, body=body, again=False))
        return str(parse(started)["id"])

    def _line(self, item: Item) -> dict[str, Any]:
        return {"custom_id": item.name, "method": "POST", "url": self.version + item.path, "body": item.body}

    def _job(self, file: str, model: str, endpoint: str) -> dict[str, Any]:
        return {"input_file_id": file, "endpoint": endpoint, "completion_window": "24h"}

    async def state(self, door: Door, id: str) -> BatchState:
        """How far the batch is."""
        told: Any = parse(await door(Exchange("", path=f"{self.jobs}/{quote(id)}")))
        word = str(told.get("status", "unknown"))
        total, succeeded, failed = self._counts(told)
        done = word.lower() in _ENDED
        error = _why(told) if done and word.lower() not in _WHOLE and not _files(told) else None
        return BatchState(id, done, word, total, succeeded, failed, error, told)

    def _counts(self, told: Any) -> tuple[int, int, int]:
        counts = inner(told, "request_counts")
        return counts.get("total", 0), counts.get("completed", 0), counts.get("failed", 0)

    async def results(self, door: Door, state: BatchState) -> Iterable[Answered]:
        """The lines of the file of answers and of the file of errors."""
        found: list[Answered] = []
        for file in _files(state.data):
            body = await door(Exchange("", path=f"/files/{quote(file)}/content"))
            found += [_answered(parse(line)) for line in body.splitlines() if line.strip()]
        return found

    async def cancel(self, door: Door, id: str) -> None:
        """Stop the batch."""
        await door(Exchange("", method="POST", path=f"{self.jobs}/{quote(id)}/cancel"))


class JobBatches(FileBatches):
    """The form in which a job names its model, and counts requests in fields of its own."""

    def _line(self, item: Item) -> dict[str, Any]:
        return {"custom_id": item.name, "body": item.body}

    def _job(self, file: str, model: str, endpoint: str) -> dict[str, Any]:
        return {"input_files": [file], "model": model, "endpoint": endpoint}

    def _counts(self, told: Any) -> tuple[int, int, int]:
        return told.get("total_requests", 0), told.get("succeeded_requests", 0), told.get("failed_requests", 0)


def _files(told: Any) -> list[str]:
    names = ("output_file_id", "error_file_id", "output_file", "error_file")
    return [str(told[name]) for name in names if told.get(name)]


def _why(told: Any) -> str:
    errors: Any = told.get("errors") or []
    listed = inner(told, "errors").get("data") or (errors if isinstance(errors, list) else [])  # pyright: ignore[reportUnknownVariableType]
    said: list[Any] = list(listed)  # pyright: ignore[reportUnknownArgumentType]
    return "; ".join(str(e.get("message", e)) for e in said[:3]) or "the vendor says no more"


def _answered(line: Any) -> Answered:
    name, response = str(line["custom_id"]), line.get("response")
    if response and response.get("body"):
        return Answered(name, int(response.get("status_code", 200)), response["body"])
    error = line.get("error") or {"message": "the vendor gave no answer to this item"}
    # An item that ran out of time, or out of a cancelled batch, may be asked again.
    return Answered(name, 500 if "expired" in str(error.get("code")) else 400, {"error": error})


BATCHES = FileBatches()
MISTRAL = JobBatches("/batch/jobs", most=1_000_000)

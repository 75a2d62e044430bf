"""A provider's own batches: many requests handed in at once, answered within hours, at about half the price.

`chain.batch(xs, via="provider-batch")` uses them for a chain with a model at its end. What a provider needs for it
is a `BatchWire`; what a user may say is a `ProviderBatch`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chainkit.models.exchange import Door


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch: a name of its own, the path that it would be sent to alone, and its body."""

    name: str
    path: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one item: the body of its answer with its HTTP status, or of its error."""

    name: str
    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is. `word` is the vendor's own; `error` says why a whole batch failed."""

    id: str
    done: bool
    word: str
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    error: str | None = None
    data: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.id}: {self.word}, {self.succeeded + self.failed} of {self.total} answered"


class BatchWire(Protocol):
    """How a provider takes batches. Each exchange leaves through `door`, which passes the gate."""

    most: int
    """Items that one batch may hold."""

    async def submit(self, door: Door, model: str, items: Sequence[Item]) -> str:
        """Hand a batch in; gives its id."""
        ...

    async def state(self, door: Door, id: str) -> BatchState:
        """How far it is."""
        ...

    async def results(self, door: Door, state: BatchState) -> Iterable[Answered]:
        """What became of the items of a batch that is done, in any order."""
        ...

    async def cancel(self, door: Door, id: str) -> None:
        """Stop it; what was answered until then is charged."""
        ...


@dataclass(frozen=True)
class ProviderBatch:
    """How a provider's batch is waited for: `chain.batch(xs, via=ProviderBatch("job.json"))`.

    `file` keeps the ids of what was handed in, so that the same call after a restart waits for the same batch
    instead of paying for another; `ids` names a batch that was handed in before. It is looked at every `every`
    seconds, and `progress` is told each time. At a deadline or a Ctrl-C the batch goes on at the provider.
    """

    file: str | Path | None = None
    ids: tuple[str, ...] = ()
    every: float = 30.0
    progress: Callable[[BatchState], None] | None = field(default=None, compare=False)

    def held(self, mark: str) -> list[str]:
        """The ids that were handed in before for requests of that mark. Raises CompositionError for another's file."""
        if self.ids:
            return list(self.ids)
        if self.file is None or not Path(self.file).exists():
            return []
        try:
            data = json.loads(Path(self.file).read_text("utf-8"))
            ids, of = [str(i) for i in data["ids"]], data["requests"]
        except (ValueError, KeyError, TypeError) as error:
            raise CompositionError(
                f"{self.file} holds no batch of chainkit's: {error}", cure="name another file"
            ) from None
        if of != mark:
            msg = f"{self.file} belongs to a batch of other requests"
            raise CompositionError(msg, cure="name another file, or call with the same chain and items as then")
        return ids

    def hold(self, mark: str, ids: Sequence[str]) -> None:
        """Write down what was handed in, at once."""
        if self.file is None:
            return
        fresh = Path(f"{self.file}.new")
        fresh.write_text(json.dumps({"ids": list(ids), "requests": mark}), "utf-8")
        fresh.replace(self.file)

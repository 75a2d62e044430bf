"""Long texts piece by piece: what a chain of long texts takes, and how its pieces are worked on side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from chainkit.documents import Chunk, Document, Retrieved
from chainkit.errors import ChainkitError, CompositionError, OutputError, ProviderError
from chainkit.messages import counted_text
from chainkit.run.events import Progressed

if TYPE_CHECKING:
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job

Failing: TypeAlias = Literal["raise", "skip"]
_KEPT = (ProviderError, OutputError)
"""What "skip" leaves out: a failing part, never a budget, a deadline or a mistake in the program."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Chunks that could not be worked on, and why."""

    chunks: tuple[Chunk, ...]
    error: str


def documents_in(value: Any) -> list[Document | Chunk]:
    """A text, a Document, chunks, or several of them. Raises CompositionError for anything else."""
    if isinstance(value, Retrieved):
        return [value.document]
    if isinstance(value, Document | Chunk):
        return [value]
    items: Any = value
    text = value if isinstance(value, str) else counted_text(value)
    if text is not None:
        return [Document("text", text)]
    if isinstance(items, Iterable) and not isinstance(items, bytes | dict):
        return [d for n, item in enumerate(cast("Iterable[Any]", items), 1) for d in _item(item, n)]
    msg = f"a long text is a text, a Document, or a list of them, and this is {type(value).__name__}: {value!r:.60}"
    raise CompositionError(msg)


def _item(item: Any, number: int) -> list[Document | Chunk]:
    """One of several, a bare text under its number."""
    return [Document(f"text-{number}", item)] if isinstance(item, str) else documents_in(item)


def chunks_of(documents: Sequence[Document | Chunk], size: int) -> list[Chunk]:
    """All of them as chunks of at most `size` characters, in order; a chunk that is too long is cut like a document."""
    from chainkit.retrieval.splitting import split

    found: list[Chunk] = []
    for held in documents:
        if isinstance(held, Chunk) and len(held.text) <= size:
            found.append(held)
            continue
        origin = held.start if isinstance(held, Chunk) else 0
        over = held.headings if isinstance(held, Chunk) else ()
        cut = split(Document(held.id, held.text, held.metadata), size)
        found += [Chunk(c.id, c.text, origin + c.start, origin + c.end, (*over, *c.headings), c.metadata) for c in cut]
    return [c for c in found if c.text.strip()]


def packed(texts: Sequence[str], size: int, least: int = 1) -> list[range]:
    """Neighbours together, up to `size` characters; at least `least` in each group but the last, whatever their size."""
    groups: list[range] = []
    start = held = 0
    for n, text in enumerate(texts):
        if n - start >= least and held + len(text) > size:
            groups.append(range(start, n))
            start, held = n, 0
        held += len(text)
    return [*groups, range(start, len(texts))] if texts else []


class Work:
    """Inputs for one core, side by side: values in order, failures kept or raised, progress told."""

    def __init__(self, core: Core, path: str, what: str, *, concurrency: int, failing: Failing) -> None:
        self._core, self._path, self._what = core, path, what
        self._concurrency, self._failing = concurrency, failing
        self._done = self._total = 0
        self.failed: dict[int, ChainkitError] = {}

    async def all(self, frame: Frame, inputs: Sequence[Any]) -> list[Any]:
        """The values; None where it failed. Raises the first error, also with "skip" where every input failed."""
        self._total = len(inputs)
        jobs = [self._job(n, value) for n, value in enumerate(inputs)]
        values = await frame.gather(jobs, landed=self._landed, concurrency=self._concurrency)
        if self.failed and (self._failing == "raise" or len(self.failed) == len(inputs)):
            raise self.failed[min(self.failed)]
        return values

    async def one(self, frame: Frame, value: Any, index: int, total: int) -> Any:
        """One input, in its turn; None where it failed and that is let be."""
        self._total = total
        found: Any = None
        try:
            found = await self._job(index, value)(frame)
        except _KEPT as error:
            if self._failing == "raise":
                raise
            self.failed[index] = error
        await self._tell(frame)
        return found

    def _job(self, index: int, value: Any) -> Job:
        async def job(frame: Frame) -> Any:
            return await self._core(frame.quiet().at(f"{self._path}.{self._what}[{index}]"), value)

        return job

    async def _landed(self, frame: Frame, index: int, value: Any, error: BaseException | None) -> bool:
        if error is not None:
            if not isinstance(error, _KEPT):
                raise error
            self.failed[index] = error
        await self._tell(frame)
        return error is not None and self._failing == "raise"

    async def _tell(self, frame: Frame) -> None:
        self._done += 1
        if frame.every and frame.emit is not None:
            where = f"{frame.prefix}{self._path}"
            await frame.emit(Progressed(path=where, what=self._what, done=self._done, total=self._total))

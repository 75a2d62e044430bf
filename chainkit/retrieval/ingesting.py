"""Documents into a store: split, embedded, put in batches, and only where something has changed.

Each document carries a stamp: where it came from and how that looked, what its text is, and how it was split and embedded.
What has the same stamp is not read again. A batch is put at once, and a document's stamp with it: after a crash in the
middle what was put is there, and the rest is read when the index is opened next.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from chainkit.documents import Chunk, Document
from chainkit.errors import ChainkitError, CompositionError
from chainkit.retrieval.loading import Unread
from chainkit.retrieval.store import Entry

if TYPE_CHECKING:
    from chainkit.retrieval.embedding import Embedding
    from chainkit.retrieval.loading import Source
    from chainkit.retrieval.store import Store

_CHUNKS = 512
"""Chunks of one batch: what is put at once, and what a crash may cost."""
_EMBEDDED = 192
"""The same where they are embedded, which takes longer and costs more."""
_CHARACTERS = 4_000_000
"""Characters of one batch, however few chunks they are."""
_BY_HAND = "text"

Progress: TypeAlias = Callable[[int, int, str], None]
"""Told (sources done, sources in all, the one that comes next)."""


class Splits(Protocol):
    """What cuts a document into chunks: equal ones have an equal repr, which says how they cut."""

    def split(self, document: Document) -> list[Chunk]:
        """The chunks of a document, in order."""
        ...


@dataclass(frozen=True)
class Stamp:
    """What is known of a document that was put: its `source`'s stamp, its text's, and how it was split and embedded."""

    source: str
    content: str
    split: str
    embed: str

    def __str__(self) -> str:
        return f"{self.source}|{self.content}|{self.split}|{self.embed}"

    @classmethod
    def of(cls, held: str) -> Stamp | None:
        """A stamp as a store gave it; None where somebody else wrote it."""
        parts = held.rsplit("|", 3)
        return cls(*parts) if len(parts) == len(cls.__dataclass_fields__) else None

    @property
    def by_hand(self) -> bool:
        """Whether the document was added by itself, and follows no file."""
        return self.source == _BY_HAND


@dataclass
class Ingest:
    """How documents get into one store."""

    store: Store
    splitter: Splits
    embedding: Embedding | None
    run: Any = None
    _waiting: list[tuple[Document, tuple[Chunk, ...], str]] = field(default_factory=list[Any], repr=False)
    _chunks: int = 0
    _characters: int = 0

    def stamp(self, source: str, content: str) -> Stamp:
        """The stamp that a document is put with."""
        embed = "-" if self.embedding is None else digest(self.embedding.label)[:8]
        return Stamp(source, content, digest(repr(self.splitter))[:8], embed)

    def add(self, documents: Iterable[Document]) -> None:
        """Put documents, one after the other."""
        for document in documents:
            self._take(document, self.stamp(_BY_HAND, contents(document)))
        self.flush()

    def _take(self, document: Document, stamp: Stamp) -> None:
        plain = _plain(document)
        chunks = tuple(self.splitter.split(plain)) or (Chunk(plain.id, "", 0, 0, (), plain.metadata),)
        self._waiting.append((plain, chunks, str(stamp)))
        self._chunks += len(chunks)
        self._characters += len(plain.text)
        most = _CHUNKS if self.embedding is None else _EMBEDDED
        if self._chunks >= most or self._characters >= _CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Embed and put what waits."""
        waiting, self._waiting, self._chunks, self._characters = self._waiting, [], 0, 0
        if not waiting:
            return
        vectors = self._vectors([c for _, chunks, _ in waiting for c in chunks])
        entries: list[Entry] = []
        at = 0
        for document, chunks, stamp in waiting:
            own = None if vectors is None else vectors[at : at + len(chunks)]
            # A document without text has one empty chunk, which has no direction.
            entries.append(Entry(document, chunks, own if chunks[0].text else None, stamp))
            at += len(chunks)
        self.store.put(entries)

    def _vectors(self, chunks: list[Chunk]) -> list[Any] | None:
        if self.embedding is None or "vectors" not in self.store.searches:
            return None
        told = [c for c in chunks if c.text]
        found = iter(self.embedding.of(told, self.run))
        return [next(found) if c.text else () for c in chunks]

    def follow(self, sources: Iterable[Source], progress: Progress | None = None) -> tuple[int, list[Unread]]:
        """Bring a store up to date with its sources: (how many documents changed, what could not be read).

        What a source held that no longer can be read goes; where only the way to it failed (a server is down, a parser
        is not installed) it stays.
        """
        known = _by_origin(self.store.stamps())
        errors: list[Unread] = []
        changed, seen, every = 0, set[str](), list(sources)
        for n, source in enumerate(every):
            if progress is not None:
                progress(n, len(every), source.id)
            seen.add(source.id)
            try:
                changed += self._followed(source, known.get(source.id, {}))
            except _NotReadError as told:
                errors.append(Unread.of(source.id, told.error))
                if isinstance(told.error, ValueError):
                    seen.discard(source.id)
        self.flush()
        if progress is not None:
            progress(len(every), len(every), "")
        gone = [i for origin, parts in known.items() if origin not in seen for i, s in parts.items() if _follows(s)]
        return changed + (self.store.remove(gone) if gone else 0), errors

    def _followed(self, source: Source, known: Mapping[str, str]) -> int:
        """How many documents of a source changed."""
        now, held = _stamped(source), Stamp.of(known.get(source.id, ""))
        if held is not None and held == self.stamp(now, held.content):
            return 0
        changed, ids = 0, set[str]()
        head: tuple[Document, Stamp] | None = None
        touched: dict[str, Stamp] = {}
        for document in _read(source):
            ids.add(document.id)
            stamp = self.stamp(now, contents(document))
            if _same_but_touched(Stamp.of(known.get(document.id, "")), stamp):
                touched[document.id] = stamp
                continue
            changed += 1
            if document.id == source.id:
                # Its stamp says that the whole source is there: it is put after its other parts.
                head = document, stamp
            else:
                self._take(document, stamp)
        if head is not None:
            self._take(*head)
        stale = [i for i in known if i not in ids]
        if stale or (touched and changed):
            # A stamp must not say that the source was seen while some of it still waits to be put.
            self.flush()
        if stale:
            self.store.remove(stale)
        for name, stamp in touched.items():
            self._restamp(name, stamp)
        return changed

    def _restamp(self, id: str, stamp: Stamp) -> None:
        """Note that an unchanged document was looked at, where the store can: else it is looked at again next time."""
        note = getattr(self.store, "restamp", None)
        if note is not None:
            note(id, str(stamp))


class _NotReadError(Exception):
    """A source that could not be read, apart from what may fail where it is put."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _stamped(source: Source) -> str:
    try:
        return source.stamp()
    except (ValueError, ChainkitError) as error:
        raise _NotReadError(error) from error


def _read(source: Source) -> Iterator[Document]:
    try:
        yield from source.read()
    except (ValueError, ChainkitError) as error:
        raise _NotReadError(error) from error


def _follows(stamp: str) -> bool:
    found = Stamp.of(stamp)
    return found is not None and not found.by_hand


def _same_but_touched(held: Stamp | None, now: Stamp) -> bool:
    return held is not None and replace(held, source=now.source) == now


def _by_origin(stamps: Mapping[str, str]) -> dict[str, dict[str, str]]:
    from chainkit.retrieval.loading import origin

    found: dict[str, dict[str, str]] = {}
    for id, stamp in stamps.items():  # noqa: A001 - what a document's id is called
        found.setdefault(origin(id), {})[id] = stamp
    return found


def _plain(document: Document) -> Document:
    """With metadata that can be kept as JSON. Raises CompositionError for a text that has no UTF-8."""
    try:
        document.text.encode()
        document.id.encode()
    except UnicodeEncodeError as error:
        msg = f"the text of {document.id!r} has half a character at {error.start}: {error.object[error.start]!r}"
        raise CompositionError(msg, cure='decode it with errors="replace"') from None
    regions = tuple((start, _jsonable(about)) for start, about in document.regions)
    return Document(document.id, document.text, _jsonable(document.metadata), regions)


def _jsonable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _value(value) for name, value in metadata.items()}


def _value(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        items: Any = sorted(value, key=str) if isinstance(value, set | frozenset) else value  # pyright: ignore
        return [_value(v) for v in items]
    if isinstance(value, Mapping):
        return _jsonable(value)  # pyright: ignore[reportUnknownArgumentType]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def contents(document: Document) -> str:
    """What tells whether a document has changed: its text, metadata and regions, but not when its file was touched."""
    about = {name: value for name, value in document.metadata.items() if name != "modified"}
    known = json.dumps([about, document.regions], default=str, sort_keys=True, ensure_ascii=False)
    return digest(document.text + "\0" + known)


def digest(text: str) -> str:
    """32 hex digits."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

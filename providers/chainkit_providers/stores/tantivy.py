"""tantivy: terms in a folder, by BM25. `store("tantivy:wiki.index")`, or in memory. Searches text only.

What is indexed are our own terms, with those of headings and title twice, in one field: a query of three words asks
three lists. One `put` is one commit, so all of it is there or nothing. tantivy lets one process write at a time: others
wait for it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from chainkit.documents import Chunk, Retrieved
from chainkit.errors import ChainkitError, CompositionError, MissingExtra
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.matching import chunk_terms, question_terms
from chainkit.retrieval.store import Entry, Record, Vector, checked, entry_of, record_id, records
from chainkit_providers.stores.facts import Asked, Every, Holds, Some, Without, asked, facts
from chainkit_providers.stores.rows import chunk_of, parts, record_of

_KEPT = 50_000
"""Chunks that stay in memory, read, for one state of the index."""
_HEAP = 64_000_000
"""Bytes of new documents that tantivy keeps before it writes them."""
_PAUSE = 0.02
_MARK = "meta.json"


@dataclass(slots=True)
class _View:
    """One state of the index: addresses of documents, and so what was read, hold for it alone."""

    searcher: Any
    chunks: dict[tuple[int, int], Chunk] = field(default_factory=dict[tuple[int, int], Chunk])
    stamps: dict[str, str] | None = None
    filters: dict[str, Any] = field(default_factory=dict[str, Any])


class TantivyStore:
    """Documents in a folder of tantivy's, or in memory (`where=None`), searched by terms. Shared between threads.

    `wait` is how many seconds a `put` waits for another process that writes. Raises MissingExtra without the package,
    ChainkitError for a folder that is none of this store's.
    """

    name = "tantivy"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text"})
    remote = False

    def __init__(self, where: str | Path | None = None, *, wait: float = 30.0) -> None:
        self.path = None if where is None else Path(where)
        self._wait, self._closed = wait, False
        self._tantivy = _engine()
        self._schema = _schema(self._tantivy)
        self._open()

    def _open(self) -> None:
        self._pid, self._lock, self._commits = os.getpid(), threading.RLock(), 0
        self._seen: Any = None
        self._view = _View(None)
        if self.path is None:
            self._index = self._tantivy.Index(self._schema)
            return
        try:
            if self.path.exists() and not (self.path / _MARK).exists() and any(self.path.iterdir()):
                raise ValueError("other files are in it")
            self.path.mkdir(parents=True, exist_ok=True)
            self._index = self._tantivy.Index(self._schema, str(self.path))
        except (OSError, ValueError) as error:
            msg = f"{self.path} is no folder of the tantivy store: {error}"
            raise ChainkitError(msg, cure="name another folder, or delete this one") from None

    def _looking(self) -> _View:
        """The newest state, another process's too. Raises ChainkitError where the store was closed."""
        if self._closed:
            raise ChainkitError(f"{self._where} was closed", cure="open it again")
        if self._pid != os.getpid() and self.path is not None:
            self._open()
        seen = self._state()
        if seen != self._seen:
            with self._lock:
                if seen != self._seen:
                    self._index.reload()
                    self._view, self._seen = _View(self._index.searcher()), seen
        return self._view

    def _state(self) -> Any:
        if self.path is None:
            return self._commits
        try:
            found = (self.path / _MARK).stat()
        except OSError as error:
            raise ChainkitError(f"{self._where} cannot be read: {error}", cure="was it deleted?") from None
        return found.st_ino, found.st_mtime_ns, found.st_size

    @property
    def _where(self) -> str:
        return "this tantivy store in memory" if self.path is None else str(self.path)

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`: one commit. Vectors are not kept."""
        checked(entries, None, self.name)
        self._replace({e.document.id: e for e in entries})

    def _replace(self, entries: dict[str, Entry | None]) -> None:
        if not entries:
            return
        made = [_document(self._tantivy, r, e) for e in entries.values() if e is not None for r in records(e)]
        with self._writing() as writer:
            for name in entries:
                writer.delete_documents_by_term("document", record_id(name, 0))
            for document in made:
                writer.add_document(document)

    @contextmanager
    def _writing(self) -> Generator[Any]:
        """The one who may write, and what was written committed at the end."""
        self._looking()
        with self._lock:
            writer = self._writer()
            try:
                yield writer
                writer.commit()
            finally:
                # Waits for merges as well: otherwise segments would grow in number with every put.
                writer.wait_merging_threads()
                self._commits += 1
        self._looking()

    def _writer(self) -> Any:
        until = time.monotonic() + self._wait
        while True:
            try:
                return self._index.writer(heap_size=_HEAP, num_threads=1)
            except ValueError as error:
                if "lock" not in str(error).lower() or time.monotonic() > until:
                    msg = f"{self._where} cannot be written: {error}"
                    raise ChainkitError(msg, cure="another process writes there: let it end, or wait longer") from None
            time.sleep(_PAUSE)

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        with self._lock:
            for held in self.get([id]):
                self._replace({id: replace(held, stamp=stamp)})

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        with self._lock:
            view = self._looking()
            gone = [i for i in dict.fromkeys(ids) if _addresses(view, self._term("document", record_id(i, 0)))]
            self._replace(dict.fromkeys(gone))
        return len(gone)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`: read once for each state of the index."""
        view = self._looking()
        if view.stamps is None:
            first = self._term("first", 1)
            rows = (_record(view.searcher.doc(a)) for a in _addresses(view, first))
            view.stamps = dict(sorted((r.document, r.stamp) for r in rows))
        return dict(view.stamps)

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        view = self._looking()
        found: list[Entry] = []
        for name in ids:
            rows = [view.searcher.doc(a) for a in _addresses(view, self._term("document", record_id(name, 0)))]
            if rows:
                found.append(entry_of(map(_record, rows)))
        return found

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`: BM25, a heading's term counting twice; equal scores by where they stand."""
        view = self._looking()
        passing = None if where is None else self._filter(view, where)
        return [self._matching(view, query, k, passing) for query in queries]

    def _matching(self, view: _View, query: str, k: int, passing: Any) -> list[Retrieved]:
        wanted = question_terms(query)
        limit = min(k, view.searcher.num_docs)
        if not wanted or limit < 1:
            return []
        make, occur = self._tantivy.Query, self._tantivy.Occur
        # The index option is the query's own: with frequencies only, positions are not there to be read.
        any_of = [(occur.Should, make.term_query(self._schema, "terms", t, "freq")) for t in wanted]
        built = make.boolean_query(any_of) if len(any_of) > 1 else any_of[0][1]
        if passing is not None:
            built = make.boolean_query([(occur.Must, built), (occur.Must, passing)])
        hits = view.searcher.search(built, limit, False).hits
        found = [Retrieved(_chunk(view, address), score) for score, address in hits]
        found.sort(key=_order)
        return found

    def _filter(self, view: _View, where: Condition) -> Any:
        key = repr(where)  # 1 and True are equal, and are not alike
        if key not in view.filters:
            words = view.searcher.terms_with_prefix
            question = asked(where, lambda start: [word for word, _ in words("facts", start)])
            # Its score is none: only the terms decide the order.
            view.filters[key] = self._tantivy.Query.const_score_query(self._passing(question), 0.0)
        return view.filters[key]

    def _passing(self, question: Asked) -> Any:
        make, occur = self._tantivy.Query, self._tantivy.Occur
        match question:
            case Holds(words):
                return make.term_set_query(self._schema, "facts", list(words)) if words else make.empty_query()
            case Every(parts):
                return make.boolean_query([(occur.Must, self._passing(p)) for p in parts])
            case Some(parts):
                return make.boolean_query([(occur.Should, self._passing(p)) for p in parts])
            case Without(part):
                return make.boolean_query([(occur.Must, make.all_query()), (occur.MustNot, self._passing(part))])

    def _term(self, name: str, value: str | int) -> Any:
        return self._tantivy.Query.term_query(self._schema, name, value, "basic")

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """Not what tantivy can: raises CompositionError."""
        raise CompositionError("the store 'tantivy' searches text only", cure="by='text', or another store")

    def close(self) -> None:
        """See `Store.close`."""
        self._closed = True
        self._view = _View(None)

    def __len__(self) -> int:
        return int(self._looking().searcher.search(self._term("first", 1), 1).count)

    def __repr__(self) -> str:
        return f"TantivyStore({'' if self.path is None else repr(str(self.path))})"


def _engine() -> Any:
    try:
        return import_module("tantivy")
    except ImportError as error:
        msg = f"the store 'tantivy' needs a package that is not installed: {error}"
        raise MissingExtra(msg, cure="pip install 'chainkit[tantivy]'") from None


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("document", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("facts", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("first", indexed=True)
    builder.add_bytes_field("chunk", stored=True)
    builder.add_bytes_field("rest", stored=True)
    return builder.build()


def _document(tantivy: Any, row: Record, entry: Entry) -> Any:
    made = tantivy.Document()
    made.add_text("terms", " ".join(chunk_terms(row)))
    made.add_text("document", record_id(row.document, 0))
    for fact in facts(row.metadata):
        made.add_text("facts", fact)
    made.add_unsigned("first", int(row.ordinal == 0))
    chunk, rest = parts(row)
    made.add_bytes("chunk", chunk.encode())
    made.add_bytes("rest", rest.encode())
    return made


def _record(document: Any) -> Record:
    return record_of(document.get_first("chunk"), document.get_first("rest"))


def _chunk(view: _View, address: Any) -> Chunk:
    place = (address.segment_ord, address.doc)
    held = view.chunks.get(place)
    if held is None:
        held = chunk_of(view.searcher.doc(address).get_first("chunk"))
        if len(view.chunks) >= _KEPT:
            view.chunks.clear()
        view.chunks[place] = held
    return held


def _addresses(view: _View, query: Any) -> list[Any]:
    most = max(1, view.searcher.num_docs)
    return [address for _, address in view.searcher.search(query, most, False).hits]


def _order(found: Retrieved) -> tuple[Any, ...]:
    return -found.score, found.document.key

"""Qdrant: a server, or its engine in Python over a folder or in memory (for small sets and tests; it is slow).

Terms are a sparse vector, which the server weighs by how rare they are: BM25, with a fixed length for the usual chunk.
"""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from hashlib import blake2b
from importlib import import_module
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from chainkit.documents import Retrieved
from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    ChainkitError,
    CompositionError,
    ConnectionFailed,
    MissingExtra,
    PermissionDenied,
    RateLimited,
    ServerError,
)  # fmt: skip
from chainkit.retrieval.filters import All, Condition, Either, Not, Test, matches
from chainkit.retrieval.matching import chunk_terms, question_terms
from chainkit.retrieval.store import Entry, Record, Vector, checked, entry_of, fitting, records
from chainkit_providers.stores.rows import unit
from chainkit_providers.stores.words import fact, words

_USUAL = 80
"""Terms of a usual chunk: BM25 shortens what longer ones score."""
_PAGE = 512
_KINDS = {401: AuthenticationError, 403: PermissionDenied, 429: RateLimited}


class QdrantStore:
    """Documents in the collection of "http://localhost:6333/collection", in a folder, or in memory (`where=None`).

    `api_key` and other options are those of the vendor's client; `client=` with `collection=` hands one over.
    """

    name = "qdrant"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text", "vectors"})

    def __init__(
        self, where: str | None = None, *, collection: str = "chainkit", client: Any = None, **options: Any
    ) -> None:
        self._package = _package()
        self._models = self._package.models
        self._own, self.remote = client is None, False
        self._where = "the client that was handed over"
        if client is None:
            client, collection = self._opened(where, collection, options)
        else:
            self.remote = True
        self._client, self._collection = client, collection
        # The engine in Python does not expect several threads.
        self._turn: Any = nullcontext() if self.remote else threading.RLock()
        self._dimensions: int | None = None
        self._there = False
        self._look()

    def _opened(self, where: str | None, collection: str, options: dict[str, Any]) -> tuple[Any, str]:
        if where is None or not where.startswith(("http://", "https://")):
            self._where = where or "memory"
            try:
                return self._package.QdrantClient(
                    **({"path": where} if where else {"location": ":memory:"})
                ), collection
            except RuntimeError as error:
                msg = f"the folder {where} of qdrant is in use: {type(error).__name__}"
                raise ChainkitError(msg, cure="close it in the other process, or run a server") from None
        parts = urlsplit(where)
        name = parts.path.strip("/")
        if not name or "/" in name:
            raise CompositionError("this is no address of a collection", cure="say qdrant:http://localhost:6333/wiki")
        self.remote = True
        self._where = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        url = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
        with warnings.catch_warnings():
            # A key over plain HTTP is the user's own choice, on their own network.
            warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
            return self._package.QdrantClient(url=url, **{"timeout": 30, "check_compatibility": False, **options}), name

    @contextmanager
    def _talking(self) -> Generator[Any]:
        try:
            with self._turn:
                yield self._client
        except Exception as error:
            ours = self._fault(error)
            if ours is None:
                raise
            raise ours from None

    def _fault(self, error: Exception) -> ChainkitError | None:
        theirs: Any = import_module("qdrant_client.http.exceptions")
        if isinstance(error, theirs.UnexpectedResponse):
            told: Any = error
            status = int(told.status_code)
            kind = _KINDS.get(status, ServerError if status >= 500 else BadRequest)
            said = (told.content or b"")[:300].decode(errors="replace")
            return kind(f"qdrant at {self._where} answered {status}: {said}", status=status)
        if isinstance(error, theirs.ResponseHandlingException):
            code = "timeout" if "timed out" in str(error) else "unreachable"
            msg = f"qdrant at {self._where} cannot be reached"
            return ConnectionFailed(msg, code=code, cure="is it running, and is the address right?")
        return None

    def _look(self) -> None:
        """See whether the collection is there, and how many numbers its vectors have."""
        with self._talking() as client:
            self._there = client.collection_exists(self._collection)
            if self._there:
                told: Any = client.get_collection(self._collection).config.params.vectors
                self._dimensions = told["dense"].size if "dense" in (told or ()) else None

    def _make(self, dimensions: int | None) -> None:
        self._look()
        if self._there and dimensions is not None and self._dimensions is None:
            msg = f"the collection {self._collection!r} was made without vectors"
            raise CompositionError(msg, cure="name another collection, or make it anew")
        if self._there:
            return
        m = self._models
        dense = {} if dimensions is None else {"dense": m.VectorParams(size=dimensions, distance=m.Distance.COSINE)}
        sparse = {"terms": m.SparseVectorParams(modifier=m.Modifier.IDF)}
        with self._talking() as client:
            client.create_collection(self._collection, vectors_config=dense, sparse_vectors_config=sparse)
            if self.remote:
                for name, kind in (("document", "keyword"), ("facts", "keyword"), ("ordinal", "integer")):
                    client.create_payload_index(self._collection, name, field_schema=kind)
        self._look()

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`. The row with the stamp is written when all else of its document is there."""
        latest = {e.document.id: e for e in entries}
        dimensions = checked(entries, self._dimensions, self.name)
        if not latest:
            return
        if not self._there or (dimensions is not None and self._dimensions is None):
            self._make(dimensions)
            checked(entries, self._dimensions, self.name)
        points = [self._point(r) for e in latest.values() for r in records(e)]
        with self._talking():
            before = {row["document"] for row in self._every(self._is("document", list(latest)), ["document"])}
            self._upsert([p for p, ordinal in points if ordinal])
            for known in before:
                self._delete(known, len(latest[known].chunks))
            self._upsert([p for p, ordinal in points if not ordinal])

    def _point(self, record: Record) -> tuple[Any, int]:
        m = self._models
        vector: dict[str, Any] = {}
        if record.vector is not None:
            vector["dense"] = unit(record.vector)
        often = Counter(chunk_terms(record))
        if often:
            long = sum(often.values())
            weights = {_number(t): 2.2 * n / (n + 1.2 * (0.25 + 0.75 * long / _USUAL)) for t, n in often.items()}
            vector["terms"] = m.SparseVector(indices=list(weights), values=list(weights.values()))
        numbers = {f: v for f, v in record.metadata.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        payload = record.payload() | {"facts": words(record.metadata)["facts"], "numbers": numbers}
        return m.PointStruct(id=record.uuid, vector=vector, payload=payload), record.ordinal

    def _upsert(self, points: Sequence[Any]) -> None:
        for start in range(0, len(points), _PAGE):
            self._client.upsert(self._collection, list(points[start : start + _PAGE]), wait=True)

    def _delete(self, document: str, beyond: int) -> None:
        m = self._models
        later = m.FieldCondition(key="ordinal", range=m.Range(gte=beyond))
        wanted = m.Filter(must=[*self._is("document", [document]).must, later])
        self._client.delete(self._collection, m.FilterSelector(filter=wanted), wait=True)

    def _is(self, field: str, values: Sequence[Any]) -> Any:
        m = self._models
        return m.Filter(must=[m.FieldCondition(key=field, match=m.MatchAny(any=list(values)))])

    def _every(self, wanted: Any, fields: list[str] | bool) -> Iterator[dict[str, Any]]:
        """The payloads of all rows that fit, page after page."""
        at: Any = None
        while self._there:
            rows, at = self._client.scroll(
                self._collection, scroll_filter=wanted, limit=_PAGE, offset=at, with_payload=fields
            )
            yield from (row.payload for row in rows)
            if at is None:
                return

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        if not self._there or not ids:
            return 0
        with self._talking():
            there = {row["document"] for row in self._every(self._is("document", list(ids)), ["document"])}
            for document in there:
                self._delete(document, 0)
        return len(there)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        with self._talking():
            return {r["document"]: r["stamp"] for r in self._every(self._is("ordinal", [0]), ["document", "stamp"])}

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        rows: dict[str, list[Record]] = {}
        with self._talking():
            for payload in self._every(self._is("document", list(ids)), fields=True) if ids else ():
                rows.setdefault(payload["document"], []).append(Record.of(payload))
        return [entry_of(rows[i]) for i in ids if i in rows]

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`."""
        return [self._matching(query, k, where) for query in queries]

    def _matching(self, query: str, k: int, where: Condition | None) -> list[Retrieved]:
        asked = [_number(t) for t in question_terms(query)]
        if not asked or k < 1 or not self._there:
            return []
        numbers = list(dict.fromkeys(asked))
        wanted = self._models.SparseVector(indices=numbers, values=[1.0] * len(numbers))
        return self._found(wanted, "terms", k, where, lambda score: score > 0)

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`."""
        if self._dimensions is None:
            self._look()
        if self._dimensions is None or k < 1:
            return [[] for _ in vectors]
        for vector in vectors:
            fitting(vector, self._dimensions, "the question")
        return [self._found(unit(v), "dense", k, where, lambda _: True) for v in vectors]

    def _found(
        self, wanted: Any, using: str, k: int, where: Condition | None, counts: Callable[[float], bool]
    ) -> list[Retrieved]:
        """The best that pass: what the server cannot filter by is looked at here, as many as it takes."""
        kept: list[Retrieved] = []
        limit, narrowed = k, None if where is None else self._filter(where)
        while True:
            with self._talking() as client:
                points = client.query_points(
                    self._collection, query=wanted, using=using, limit=limit, query_filter=narrowed, with_payload=True
                ).points
            found = [Retrieved(Record.of(p.payload).chunk, float(p.score)) for p in points]
            kept = [r for r in found if counts(r.score) and matches(where, r.document.metadata)]
            if len(kept) >= k or len(points) < limit:
                return sorted(kept, key=lambda r: (-r.score, r.document.key))[:k]
            limit *= 4

    def _filter(self, where: Condition) -> Any:
        found = self._native(where)
        return (
            None
            if found is None
            else found
            if isinstance(found, self._models.Filter)
            else self._models.Filter(must=[found])
        )

    def _native(self, wanted: Condition) -> Any:
        """What everything that passes fits, and perhaps more; None where that would be everything."""
        m = self._models
        match wanted:
            case All(parts):
                must = [q for q in map(self._native, parts) if q is not None]
                return m.Filter(must=must) if must else None
            case Either(parts):
                should = [self._native(p) for p in parts]
                return None if any(q is None for q in should) else m.Filter(should=should)
            case Not(Test(_, op, _) as test) if op in ("eq", "in", "exists"):
                inner = self._native(test)
                return m.Filter(must_not=[inner])
            case Test(field, "exists", value):
                there = m.FieldCondition(key="facts", match=m.MatchValue(value=f"{field}\0?"))
                return there if value else m.Filter(must_not=[there])
            case Test(field, ("eq" | "in") as op, value):
                values = value if op == "in" else (value,)
                return m.FieldCondition(key="facts", match=m.MatchAny(any=[fact(field, v) for v in values]))
            case Test(field, op, value) if (
                isinstance(value, int | float) and not isinstance(value, bool) and '"' not in field
            ):
                return m.FieldCondition(key=f'numbers."{field}"', range=m.Range(**{op: value}))
            case _:
                return None

    def close(self) -> None:
        """See `Store.close`."""
        if self._own:
            with self._turn:
                self._client.close()

    def __repr__(self) -> str:
        return f"QdrantStore({self._where}, {self._collection!r})"


def _number(term: str) -> int:
    """A term as one of four billion."""
    return int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")


def _package() -> Any:
    try:
        return import_module("qdrant_client")
    except ImportError:
        raise MissingExtra("the store 'qdrant' needs its client", cure="pip install 'chainkit[qdrant]'") from None

"""What Elasticsearch and OpenSearch have in common: one index of rows, filled with bulks, asked with queries of JSON."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from chainkit.documents import Chunk, Retrieved
from chainkit.errors import ChainkitError, CompositionError, DeadlineExceeded
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.matching import chunk_terms, question_terms
from chainkit.retrieval.store import Entry, Record, Vector, checked, entry_of, fitting, record_id, records
from chainkit_providers.stores.rows import chunk_in, packed, unit
from chainkit_providers.stores.words import query, words

_PAGE = 2000
_MOST_FOUND = 10_000
"""What one search of these servers gives at the most, unless they are told otherwise."""
_CHUNK = ("document", "text", "start", "end", "headings", "metadata")
_KEPT = {"type": "keyword", "index": False, "doc_values": False}
_WORD = {"type": "keyword"}


class SearchServer:
    """An index of chunks on a search server: BM25 over our terms, kNN over vectors.

    With `fields={"text": "body", "title": "title"}` it searches an index that others fill, with that index's own mapping
    and analyzers, and changes nothing in it: each of its documents is one chunk.
    """

    name = "search server"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text", "vectors"})
    remote = True

    def __init__(
        self,
        where: str | None = None,
        *,
        client: Any = None,
        index: str | None = None,
        fields: Mapping[str, str] | None = None,
        vectors: bool = True,
        **options: Any,
    ) -> None:
        if fields is not None and "text" not in fields:
            raise CompositionError(f"fields={dict(fields)!r} does not say where the text stands", cure='name "text"')
        self._package = self.package()
        self._where = "the client that was handed over"
        if client is None:
            url, index = address(where, f"{self.name}:http://localhost:9200/wiki")
            self._where = shown(url)
            client = self.connected(url, options)
        if index is None:
            raise CompositionError("client= says which server, and not which index", cure='say index="wiki"')
        self._client, self._index, self._fields = client, index, fields
        self._dimensions: int | None = None
        if fields is not None or not vectors:
            self.searches = frozenset({"text"})
        if fields is None:
            self._prepare()

    # What the two servers say differently.

    @abstractmethod
    def package(self) -> Any:
        """The client's package. Raises MissingExtra."""

    @abstractmethod
    def connected(self, url: str, options: Mapping[str, Any]) -> Any:
        """A client for an address."""

    @abstractmethod
    def vector_field(self, dimensions: int) -> dict[str, Any]:
        """The mapping of the vectors."""

    @abstractmethod
    def near(self, vector: Vector, k: int, kept: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of a search for the nearest vectors among those that pass."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The settings of a new index."""

    @abstractmethod
    def fault(self, error: Exception) -> ChainkitError | None:
        """A client's error as ours; None for one that is no client's."""

    def _asked(self, job: Any, **options: Any) -> Any:
        try:
            return job(**options)
        except Exception as error:
            ours = self.fault(error)
            if ours is None:
                raise
            raise ours from None

    def _prepare(self) -> None:
        mappings = {
            "dynamic": False,
            "properties": {
                "terms": {"type": "text", "analyzer": "whitespace"},
                "facts": _WORD, "ordered": _WORD, "document": _WORD, "ordinal": {"type": "integer"},
                "row": _KEPT, "stamp": _KEPT,
            },
        }  # fmt: skip
        indices = self._client.indices
        if not self._asked(indices.exists, index=self._index):
            self._asked(indices.create, index=self._index, body={"settings": self.settings(), "mappings": mappings})
        self._dimensions = self._known_dimensions()

    def _known_dimensions(self) -> int | None:
        held = self._asked(self._client.indices.get_mapping, index=self._index)
        (mapping,) = dict(held).values()
        vector = mapping["mappings"].get("properties", {}).get("vector", {})
        return vector.get("dims") or vector.get("dimension")

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`. The row with the stamp is written when all else of its document is there."""
        self._only_ours("put")
        if "vectors" not in self.searches:
            entries = [replace(e, vectors=None) for e in entries]
        dimensions = checked(entries, self._dimensions, self.name)
        if dimensions != self._dimensions:
            properties = {"vector": self.vector_field(dimensions or 0)}
            self._asked(self._client.indices.put_mapping, index=self._index, body={"properties": properties})
            self._dimensions = dimensions
        latest = {e.document.id: e for e in entries}
        stale = [i for i, n in self._lasts(latest).items() for i in _beyond(i, n, len(latest[i].chunks))]
        rows = [r for e in latest.values() for r in records(e)]
        self._bulk([_index_line(r) for r in rows if r.ordinal])
        self._bulk([({"delete": {"_id": i}}, None) for i in stale])
        self._bulk([_index_line(r) for r in rows if not r.ordinal])

    def _lasts(self, ids: Collection[str]) -> dict[str, int]:
        """The highest ordinal of each document that is there."""
        found: dict[str, int] = {}
        for hit in self._every({"terms": {"document": list(ids)}}, ["document", "ordinal"]) if ids else ():
            document, ordinal = hit["document"], int(hit["ordinal"])
            found[document] = max(ordinal, found.get(document, 0))
        return found

    def _bulk(self, lines: Sequence[tuple[dict[str, Any], dict[str, Any] | None]]) -> None:
        for start in range(0, len(lines), _PAGE):
            part = lines[start : start + _PAGE]
            body = [line for action, source in part for line in ((action,) if source is None else (action, source))]
            said = self._asked(self._client.bulk, index=self._index, body=body, refresh=True)
            wrong = [a for item in said["items"] for a in item.values() if a.get("error")] if said["errors"] else []
            if wrong:
                raise ChainkitError(
                    f"{self.name} refused {len(wrong)} of {len(part)} rows: {json.dumps(wrong[0])[:300]}"
                )

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        self._only_ours("remove")
        lasts = self._lasts(set(ids))
        rows = [record_id(i, n) for i, last in lasts.items() for n in range(last + 1)]
        self._bulk([({"delete": {"_id": r}}, None) for r in rows])
        return len(lasts)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        self._only_ours("stamps")
        return {h["document"]: h["stamp"] for h in self._every({"term": {"ordinal": 0}}, ["document", "stamp"])}

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        self._only_ours("get")
        rows: dict[str, list[Record]] = {}
        for hit in self._every({"terms": {"document": list(ids)}}, ["row", "document"]) if ids else ():
            rows.setdefault(hit["document"], []).append(Record.of(json.loads(hit["row"])))
        return [entry_of(rows[i]) for i in ids if i in rows]

    def _every(self, wanted: dict[str, Any], fields: list[str]) -> Iterator[dict[str, Any]]:
        """All rows that fit, page after page."""
        body: dict[str, Any] = {
            "query": {"bool": {"filter": [wanted]}}, "size": _PAGE, "_source": fields,
            "sort": [{"document": "asc"}, {"ordinal": "asc"}],
        }  # fmt: skip
        while True:
            hits = self._search(body)
            yield from (hit["_source"] for hit in hits)
            if len(hits) < _PAGE:
                return
            body["search_after"] = hits[-1]["sort"]

    def _search(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        said = self._asked(self._client.search, index=self._index, body=body)
        if said.get("timed_out"):
            raise DeadlineExceeded(f"{self.name} did not search all of {self._index!r} in time")
        return list(said["hits"]["hits"])

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`: BM25."""
        if self._fields is not None:
            return [self._of_others(text, k, where) for text in queries]
        return [self._matching(text, k, where) for text in queries]

    def _matching(self, text: str, k: int, where: Condition | None) -> list[Retrieved]:
        asked = question_terms(text)
        if not asked or k < 1:
            return []
        match = {"match": {"terms": {"query": " ".join(asked)}}}
        kept = [] if where is None else [query(where)]
        body = {"query": {"bool": {"must": [match], "filter": kept}}, "size": min(k, _MOST_FOUND), "_source": ["row"]}
        return _ordered([Retrieved(_chunk(h), float(h["_score"])) for h in self._search(body)])

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`: the server's approximate nearest neighbours."""
        self._only_ours("search_vectors")
        if self._dimensions is None:
            self._dimensions = self._known_dimensions()
        if self._dimensions is None or k < 1:
            return [[] for _ in vectors]
        for vector in vectors:
            fitting(vector, self._dimensions, "the question")
        kept = [] if where is None else [query(where)]
        found = [self._search(self.near(v, min(k, _MOST_FOUND), kept) | {"_source": ["row"]}) for v in vectors]
        # Both give (1 + cosine) / 2.
        return [_ordered([Retrieved(_chunk(h), 2 * float(h["_score"]) - 1) for h in hits]) for hits in found]

    def _of_others(self, text: str, k: int, where: Condition | None) -> list[Retrieved]:
        if where is not None:
            msg = f"a filter is not asked of the index {self._index!r}, which others fill"
            raise CompositionError(msg, cure="search it without where=")
        if not text.strip() or k < 1:
            return []
        assert self._fields is not None
        asked = [self._fields["text"], *(f"{self._fields[n]}^2" for n in ("title",) if n in self._fields)]
        body = {"query": {"multi_match": {"query": text, "fields": asked}}, "size": min(k, _MOST_FOUND)}
        return _ordered([Retrieved(_foreign(h, self._fields), float(h["_score"])) for h in self._search(body)])

    def _only_ours(self, what: str) -> None:
        if self._fields is not None:
            msg = f"the index {self._index!r} is filled by others, and is only searched: no {what}"
            raise CompositionError(msg, cure="leave out fields= for an index of chainkit's own")

    def close(self) -> None:
        """See `Store.close`."""
        self._client.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._index!r})"


def _beyond(document: str, last: int, count: int) -> list[str]:
    return [record_id(document, n) for n in range(count, last + 1)]


def _index_line(row: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    source: dict[str, Any] = {
        "document": row.document, "ordinal": row.ordinal, "terms": " ".join(chunk_terms(row)),
        "row": packed(row), **words(row.metadata),
    }  # fmt: skip
    if row.ordinal == 0:
        source["stamp"] = row.stamp
    if row.vector is not None:
        source["vector"] = unit(row.vector)
    return {"index": {"_id": row.id}}, source


def _chunk(hit: Mapping[str, Any]) -> Chunk:
    return chunk_in(hit["_source"]["row"])


def _foreign(hit: Mapping[str, Any], fields: Mapping[str, str]) -> Chunk:
    source = dict(hit["_source"])
    text = str(source.pop(fields["text"], ""))
    known = {name: source[field] for name, field in fields.items() if name != "text" and field in source}
    return Chunk(str(hit["_id"]), text, 0, len(text), (), {"source": str(hit["_id"]), **source, **known})


def _ordered(found: list[Retrieved]) -> list[Retrieved]:
    return sorted(found, key=lambda r: (-r.score, r.document.key))


def address(where: str | None, default: str) -> tuple[str, str]:
    """(the server's address, the index) of "http://host:9200/index". Raises CompositionError."""
    parts = urlsplit(where or "")
    index = parts.path.strip("/")
    if parts.scheme not in ("http", "https") or not index or "/" in index:
        msg = f"this is no address of an index: {shown(where or '')!r}"
        raise CompositionError(msg, cure=f"say {default}")
    return urlunsplit((parts.scheme, parts.netloc, "", "", "")), index


def shown(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

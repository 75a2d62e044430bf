"""Redis, as it comes: no module is needed. The server does BM25 itself; vectors are compared here.

Whoever searches by vectors holds them all in memory, and fetches them again when somebody has written: this store is for
some ten thousand chunks that several processes share, not for millions.
"""

from __future__ import annotations

import json
import threading
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Literal

from chainkit.documents import Retrieved
from chainkit.errors import CompositionError
from chainkit.retrieval.filters import Condition, matches
from chainkit.retrieval.matching import chunk_terms, question_terms
from chainkit.retrieval.memory import Matrix
from chainkit.retrieval.store import Entry, Record, Vector, checked, entry_of, fitting, records
from chainkit_providers.connections.redis import LOCAL, opened, place, talking
from chainkit_providers.stores.redis_scripts import MATCH, PUT, REMOVE
from chainkit_providers.stores.rows import chunk_in, packed, unit

_EVERY = 1_000_000_000


class RedisStore:
    """Documents in the Redis at `where` (redis://, rediss://, unix://), its keys under `{name}:`.

    `client` is a client of one's own in place of an address. How safe what was put is against a crash of the server is
    the server's own setting (appendfsync).
    """

    name = "redis"
    searches: frozenset[Literal["text", "vectors"]] = frozenset({"text", "vectors"})
    remote = True

    def __init__(self, where: str | None = None, *, name: str = "chainkit", client: Any = None) -> None:
        if "{" in name or "}" in name:
            raise CompositionError(f"the name of a store on Redis holds no braces: {name!r}")
        self._own = client is None
        self._redis: Any = opened(where or LOCAL, "documents") if client is None else client
        self._prefix = f"{{{name}}}:"
        self._where = f"{place(self._redis)} {name}"
        self._lock = threading.Lock()
        self._held: tuple[str | None, Matrix | None] = (None, None)
        with talking(self._where):
            self._redis.ping()
            self._scripts = {s: self._redis.register_script(s) for s in (PUT, REMOVE, MATCH)}

    def _key(self, what: str) -> str:
        return self._prefix + what

    def _run(self, script: str, *arguments: Any, by: Any = None) -> Any:
        return self._scripts[script](keys=[self._prefix], args=arguments, client=by)

    def _dimensions(self) -> int | None:
        held = self._redis.get(self._key("dimensions"))
        return None if held is None else int(held)

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`: each document at once."""
        with talking(self._where):
            dimensions = checked(entries, self._dimensions(), self.name)
            if dimensions is not None and not self._redis.set(self._key("dimensions"), dimensions, nx=True):
                checked(entries, self._dimensions(), self.name)
            with self._redis.pipeline(transaction=True) as pipe:
                for entry in entries:
                    self._run(PUT, *_arguments(entry), by=pipe)
                pipe.execute()

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        with talking(self._where), self._redis.pipeline(transaction=True) as pipe:
            for one in dict.fromkeys(ids):
                self._run(REMOVE, one, by=pipe)
            return sum(pipe.execute())

    def restamp(self, id: str, stamp: str) -> None:
        """See the module of `Store`."""
        with talking(self._where):
            self._redis.hset(self._key("stamps"), id, stamp)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        with talking(self._where):
            held: dict[bytes, bytes] = self._redis.hgetall(self._key("stamps"))
        return {_text(name): _text(stamp) for name, stamp in held.items()}

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        with talking(self._where):
            found = [self._entry(one) for one in ids]
        return [entry for entry in found if entry is not None]

    def _entry(self, document: str) -> Entry | None:
        with self._redis.pipeline(transaction=True) as pipe:
            for what in ("rows", "about", "stamps"):
                pipe.hget(self._key(what), document)
            rows, about, stamp = pipe.execute()
        if rows is None:
            return None
        metadata, regions = json.loads(about)
        made = [Record.of(json.loads(row)) for row in self._redis.hmget(self._key("chunk"), json.loads(rows))]
        told = {"about": metadata, "regions": tuple((a, m) for a, m in regions), "stamp": _text(stamp)}
        return entry_of(replace(r, **told) for r in made)

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`: BM25."""
        with talking(self._where):
            return [self._matching(query, k, where) for query in queries]

    def _matching(self, query: str, k: int, where: Condition | None) -> list[Retrieved]:
        asked = question_terms(query)
        if not asked or k < 1:
            return []
        best: list[bytes] = self._run(MATCH, k if where is None else _EVERY, *asked)
        kept: list[Retrieved] = []
        step = 2 * max(k, 128)
        for start in range(0, len(best), step):
            part = best[start : start + step]
            rows = self._redis.hmget(self._key("chunk"), part[::2])
            found = (Retrieved(chunk_in(r), float(s)) for r, s in zip(rows, part[1::2], strict=True) if r is not None)
            kept += [r for r in found if matches(where, r.document.metadata)]
            if len(kept) >= k:
                break
        return sorted(kept, key=lambda r: (-r.score, r.document.key))[:k]

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`: every vector is compared, in this process."""
        with talking(self._where):
            dimensions = self._dimensions()
            if dimensions is None or k < 1:
                return [[] for _ in vectors]
            for vector in vectors:
                fitting(vector, dimensions, "the question")
            with self._lock:
                return self._matrix(dimensions).nearest(vectors, k, where) if vectors else []

    def _matrix(self, dimensions: int) -> Matrix:
        """All vectors, fetched again where somebody has written since."""
        version = self._redis.get(self._key("version"))
        known, matrix = self._held
        if matrix is None or version != known:
            matrix = Matrix(dimensions)
            with self._redis.pipeline(transaction=True) as pipe:
                for what in ("vector", "chunk"):
                    pipe.hgetall(self._key(what))
                pipe.get(self._key("version"))
                held, chunks, version = pipe.execute()
            for number, packed in held.items():
                matrix.add(_text(number), [chunk_in(chunks[number])], [array("f", packed)])
            self._held = version, matrix
        return matrix

    def close(self) -> None:
        """See `Store.close`."""
        if self._own:
            self._redis.close()

    def __len__(self) -> int:
        with talking(self._where):
            return int(self._redis.hlen(self._key("stamps")))

    def __repr__(self) -> str:
        return f"RedisStore({self._where})"


def _arguments(entry: Entry) -> list[Any]:
    about = json.dumps([dict(entry.document.metadata), entry.document.regions], default=str)
    rows = records(entry)
    found: list[Any] = [entry.document.id, entry.stamp, about, len(rows)]
    for record in rows:
        often = Counter(chunk_terms(record))
        vector = b"" if record.vector is None else array("f", unit(record.vector)).tobytes()
        found += [packed(record), json.dumps(often), often.total(), vector]
    return found


def _text(held: bytes | str) -> str:
    return held.decode() if isinstance(held, bytes) else held

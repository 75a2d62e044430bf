"""Two stores as one: one that searches by terms, and one that searches by vectors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from chainkit.documents import Retrieved
from chainkit.errors import CompositionError
from chainkit.retrieval.filters import Condition
from chainkit.retrieval.store import Entry, Store, Vector


@dataclass(frozen=True)
class Paired:
    """`text` keeps the documents and their stamps, `vectors` beside it the vectors.

    The vectors are put first: what the first store says is there, both have.
    """

    text: Store
    vectors: Store

    def __post_init__(self) -> None:
        for store, way in ((self.text, "text"), (self.vectors, "vectors")):
            if way not in store.searches:
                raise CompositionError(
                    f"the store {store.name!r} does not search by {way}", cure="store=(text, vectors)"
                )

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.text.name} and {self.vectors.name}"

    @property
    def searches(self) -> frozenset[Literal["text", "vectors"]]:
        """Both ways."""
        return frozenset({"text", "vectors"})

    @property
    def remote(self) -> bool:
        """Whether either leaves the process."""
        return self.text.remote or self.vectors.remote

    def put(self, entries: Sequence[Entry]) -> None:
        """See `Store.put`."""
        self.vectors.put(entries)
        self.text.put([replace(e, vectors=None) for e in entries])

    def remove(self, ids: Collection[str]) -> int:
        """See `Store.remove`."""
        self.vectors.remove(ids)
        return self.text.remove(ids)

    def stamps(self) -> dict[str, str]:
        """See `Store.stamps`."""
        return self.text.stamps()

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store.get`."""
        return self.text.get(ids)

    def search_text(self, queries: Sequence[str], k: int, where: Condition | None = None) -> list[list[Retrieved]]:
        """See `Store.search_text`."""
        return self.text.search_text(queries, k, where)

    def search_vectors(
        self, vectors: Sequence[Vector], k: int, where: Condition | None = None
    ) -> list[list[Retrieved]]:
        """See `Store.search_vectors`."""
        return self.vectors.search_vectors(vectors, k, where)

    def close(self) -> None:
        """See `Store.close`."""
        self.text.close()
        self.vectors.close()


def opened(store: Any) -> Store:
    """What `store=` means: a store, its name, or a pair (one for text, one for vectors)."""
    from chainkit.retrieval.stores import store as by_name

    if isinstance(store, tuple | list):
        both = cast("Sequence[Any]", store)
        if len(both) != 2:
            raise CompositionError(f"store= takes one store, or two: text and vectors; it got {len(both)}")
        return Paired(opened(both[0]), opened(both[1]))
    if isinstance(store, str):
        return by_name(store)
    if isinstance(store, Store):
        return store
    raise CompositionError(
        f"store= is {type(store).__name__}, which is no store: {store!r:.60}", cure='say "sqlite:FILE"'
    )

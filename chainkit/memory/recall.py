"""Old exchanges brought back where they bear on what is asked now: a search in what other rules left out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError
from chainkit.memory.as_json import line_of
from chainkit.memory.exchanges import flat, words
from chainkit.retrieval.embedding import Embedding, as_many, embedding
from chainkit.retrieval.filters import condition
from chainkit.retrieval.fusion import Rrf, fused
from chainkit.retrieval.looking import looked
from chainkit.retrieval.splitting import split
from chainkit.retrieval.store import Entry, Store
from chainkit.retrieval.stores import store as opened

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.documents import Retrieved
    from chainkit.memory.exchanges import Past
    from chainkit.memory.keeping import Keep, Talk
    from chainkit.messages import Messages
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

_REMEMBERED = 100_000
"""Exchanges of which this process remembers that they are in the store."""


@dataclass(frozen=True)
class Recall:
    """See `recall`."""

    k: int
    embedding: Embedding | None
    store: Store
    known: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None], compare=False, repr=False)

    first = False

    def __hash__(self) -> int:
        return hash((self.k, id(self.store)))

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        """The embedder, where there is one."""
        return () if self.embedding is None else (("recall", self.embedding.questions),)

    def compile(self, place: Place) -> Keep:
        """The rule with its embedder."""
        sides = (self.embedding.documents, self.embedding.questions) if self.embedding else ()
        cores = [place.compile(side, f"recall > {side.label}") for side in sides]

        async def keep(frame: Frame, past: Past, talk: Talk) -> Past:
            if not past.left:
                return past
            quiet = frame.quiet()
            by_id = {_id(talk.conversation, n, each): n for n, each in enumerate(past.left)}
            await self._put(quiet, talk, past.left, by_id, cores)
            found = await self._found(quiet, talk, cores)
            best = list(dict.fromkeys(by_id[r.document.id] for r in found if r.document.id in by_id))[: self.k]
            recalled = flat(past.left[n] for n in sorted(best))
            return replace(past, before=past.before + recalled)

        return keep

    async def _put(
        self, frame: Frame, talk: Talk, left: Sequence[Messages], by_id: dict[str, int], cores: list[Core]
    ) -> None:
        """Index what is not there yet: in the usual case the one exchange that has just been left out."""
        new = [each for each in by_id if each not in self.known]
        if not new:
            return
        there = await looked(self.store, frame, talk.path, f"get {new}", lambda: self.store.get(new))
        known = {entry.document.id for entry in there}
        missing = [each for each in new if each not in known]
        entries = [_entry(each, talk.conversation, left[by_id[each]]) for each in missing]
        if cores and entries:
            entries = await _with_vectors(frame, entries, cores[0])
        if entries:
            await looked(self.store, frame, talk.path, f"put {missing}", lambda: self.store.put(entries))
        self.known.update(dict.fromkeys(new))
        while len(self.known) > _REMEMBERED:
            self.known.popitem(last=False)

    async def _found(self, frame: Frame, talk: Talk, cores: list[Core]) -> list[Retrieved]:
        asked, where = words(talk.asked), condition({"conversation": talk.conversation})
        most = self.k * 3
        search = f"{talk.conversation} {asked}"
        lists: list[Any] = []
        if "text" in self.store.searches:
            job = lambda: self.store.search_text([asked], most, where)  # noqa: E731
            lists.append(("text", (await looked(self.store, frame, talk.path, search, job))[0]))
        if cores:
            vectors = as_many(await cores[1](frame, [asked]), 1)
            by_vectors = lambda: self.store.search_vectors(vectors, most, where)  # noqa: E731
            lists.append(("vectors", (await looked(self.store, frame, talk.path, search, by_vectors))[0]))
        return fused(lists, Rrf())


async def _with_vectors(frame: Frame, entries: list[Entry], core: Core) -> list[Entry]:
    texts = [chunk.text for entry in entries for chunk in entry.chunks]
    vectors = iter(as_many(await core(frame, texts), len(texts)))
    return [replace(entry, vectors=[next(vectors) for _ in entry.chunks]) for entry in entries]


def _id(conversation: str, number: int, exchange: Messages) -> str:
    return f"{conversation}/{number}/{blake2b(line_of(exchange).encode(), digest_size=12).hexdigest()}"


def _entry(id: str, conversation: str, exchange: Messages) -> Entry:
    from chainkit.documents import Chunk, Document

    text = words(exchange)
    document = Document(id, text, {"conversation": conversation})
    return Entry(document, tuple(split(document)) or (Chunk(id, text, 0, len(text), (), document.metadata),))


def recall(k: int = 3, *, embed: str | Chain[Any, Any] | None = None, store: str | Store | None = None) -> Recall:
    """The `k` exchanges that bear most on what is asked now, out of those that the rules before it left out.

    They are shown in their order, before those that were kept, as they were said. Without `embed` they are compared by
    their terms, with it (an embedder, "local:minilm") by meaning too. They are indexed in `store`, in memory where it is
    left out; "sqlite:recall.db" keeps the index, else each process indexes old exchanges anew (and has them embedded
    anew) when they are first looked for.
    """
    if k < 1:
        raise CompositionError(f"recall({k}) brings nothing back", cure="recall(1) or more")
    made = embedding(embed)
    held = _store(store, "sqlite" if made is None else "memory")
    if made is not None and "vectors" not in held.searches:
        raise CompositionError(f"recall(embed=) needs a store of vectors, and {held.name!r} has none")
    if made is None and "text" not in held.searches:
        raise CompositionError(f"the store {held.name!r} searches by vectors only", cure="recall(k, embed=...)")
    return Recall(k, made, held)


def _store(given: str | Store | None, otherwise: str) -> Store:
    return opened(given or otherwise) if given is None or isinstance(given, str) else given

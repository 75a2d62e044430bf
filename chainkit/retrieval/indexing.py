"""An index: documents that can be searched, kept up to date with their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from chainkit.documents import Document, Retrieved
from chainkit.errors import ChainkitError, CompositionError
from chainkit.retrieval.embedding import Embedding, embedding
from chainkit.retrieval.ingesting import Ingest, Progress, Splits, Stamp, digest
from chainkit.retrieval.loading import LoadOptions, Unread
from chainkit.retrieval.splitting import SIZE

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.retrieval.answer import Answer
    from chainkit.retrieval.answering import AnsweringOptions
    from chainkit.retrieval.offering import ToolOptions
    from chainkit.retrieval.retriever import SearchOptions
    from chainkit.retrieval.store import Store
    from chainkit.tools.tool import Tool

_AT_ONCE = 256
"""Documents that are taken from a store at once."""


class Index:
    """Made by `index`. Search it, or take its chains: `.retriever(k)`, `.answering(model)`.

    `errors` lists the files that could not be read. It may be shared between threads.
    """

    def __init__(
        self,
        store: Store,
        *,
        splitter: Splits,
        embedding: Embedding | None = None,
        run: Any = None,
        name: str = "index",
    ) -> None:
        if embedding is not None and "vectors" not in store.searches:
            msg = f"the store {store.name!r} keeps no vectors, and embed= makes some"
            raise CompositionError(msg, cure=f'give two stores: store=({store.name!r}, "memory")')
        if embedding is None and "text" not in store.searches:
            msg = f"the store {store.name!r} searches by vectors only, and nothing makes them"
            raise CompositionError(msg, cure='name a model: embed="local:minilm"')
        self._options: LoadOptions = {}
        self.store = store
        self.name = name
        self.embedding = embedding
        self.splitter = splitter
        self._run = run
        self._where: Any = None
        self._checked = False
        self.errors: tuple[Unread, ...] = ()

    def _ingest(self) -> Ingest:
        self._checked = False
        return Ingest(self.store, self.splitter, self.embedding, self._run)

    def add(self, *items: str | Document | Iterable[str | Document]) -> Index:
        """Add documents, or texts, or iterables of them; one with a known id replaces it. Gives the index itself."""
        self._ingest().add(_documents(items))
        return self

    def remove(self, *ids: str) -> int:
        """Take documents out by id (a file's id is its path); how many there were."""
        return self.store.remove(ids)

    def refresh(self, *, progress: Progress | None = None) -> int:
        """Look at the files again: new and changed ones are read, deleted ones go. How many changed.

        A file of the same size and time is not opened.
        """
        return 0 if self._where is None else self.follow(self._where, progress=progress, **self._options)

    def follow(self, where: Any, *, progress: Progress | None = None, **options: Unpack[LoadOptions]) -> int:
        """Hold the files of a folder, glob or address, now and at each `refresh`; how many documents changed.

        `progress(done, total, source)` is told before each file, and at the end. The options are those of `load`.
        An index follows one place.
        """
        from chainkit.retrieval.loading import sources

        self._where, self._options = where, options
        changed, errors = self._ingest().follow(sources(where, **options), progress)
        self.errors = tuple(errors)
        return changed

    def search(self, query: str, k: int = 4, **options: Unpack[SearchOptions]) -> list[Retrieved]:
        """The `k` chunks that fit best, best first; by terms none where no term of the query stands anywhere.

        The options are those of `retriever`.
        """
        if not options and self._quick and k > 0 and isinstance(query, str):  # pyright: ignore[reportUnnecessaryIsInstance] - anything may be handed over
            return self.store.search_text([query], k)[0]
        return self.retriever(k, **options).invoke(query, run=self._run)

    def search_many(
        self, questions: Sequence[str], k: int = 4, **options: Unpack[SearchOptions]
    ) -> list[list[Retrieved]]:
        """The same for many questions, in their order: embedded together, searched together."""
        from chainkit.retrieval.retriever import question_in, retrieving

        if not options and self._quick and k > 0:
            return self.store.search_text([question_in(q) for q in questions], k)
        found = retrieving(self, k, options)
        # What leaves the process passes the gate, one call for each question.
        together = found.simple and not self.store.remote
        return found.searched(questions, self._run) if together else found.batch(questions, run=self._run)

    @property
    def _quick(self) -> bool:
        """Whether a plain search asks nobody but a store on this machine."""
        return self.embedding is None and not self.store.remote

    def retriever(self, k: int = 4, **options: Unpack[SearchOptions]) -> Chain[str, list[Retrieved]]:
        """The search as a chain.

        An index with `embed=` is searched by terms and by vectors, and both are fused. Options: `where` (a filter on
        metadata), `by`, `fusion`, `queries` (rewritten, several, made up), `rerank`, `diversity`, `decay`, `expand`,
        `fetch`: see `SearchOptions`. Raises CompositionError for what does not fit this index.
        """
        from chainkit.retrieval.retriever import retrieving

        return retrieving(self, k, options)

    def answering(
        self, model: str | Chain[Any, Any], k: int = 4, **options: Unpack[AnsweringOptions]
    ) -> Chain[str, Answer]:
        """A chain from a question to an `Answer` made from the `k` best chunks, its citations checked.

        `model` is a model string, or any chain from messages to a reply or text. The options are those of
        `chainkit.retrieval.answering`: `verify`, `unsupported`, `instruction`, `context`, `relevance`, `focus`, `trusted`. Where no chunk is
        relevant the model is not asked. For a search with options: `answering(index.retriever(k, rerank=...), model)`.
        """
        from chainkit.retrieval.answering import answering

        return answering(self, model, k, **options)

    def as_tool(self, **options: Unpack[ToolOptions]) -> Tool[..., str]:
        """The search as a tool for `agent(...)`: numbered passages with their sources, as data.

        Options: `name`, `description`, `k`, `context` (most characters), `timeout` (seconds).
        """
        from chainkit.retrieval.offering import as_tool

        return as_tool(self, **options)

    def check_vectors(self) -> None:
        """Raise ChainkitError where the vectors here were made by another model than the one that is asked.

        A store on a server is not looked through for that.
        """
        if self._checked or self.embedding is None or self.store.remote:
            return
        mine = digest(self.embedding.label)[:8]
        made = {s.embed for s in map(Stamp.of, self.store.stamps().values()) if s is not None}
        if made - {mine, "-"}:
            msg = f"this index holds vectors of another model than {self.embedding.label!r}"
            raise ChainkitError(msg, cure="name the model that it was made with, or make it anew")
        self._checked = True

    def save(self, path: str | Path) -> None:
        """Write the index to a file; `index(path=...)` opens it again. Raises ChainkitError for a store that is one."""
        write = getattr(self.store, "save", None)
        if write is None:
            raise ChainkitError(f"the store {self.store.name!r} keeps itself", cure="open it again by its name")
        write(path)

    def close(self) -> None:
        """Let its file go."""
        self.store.close()

    def __len__(self) -> int:
        counted = getattr(self.store, "__len__", None)
        return len(self.store.stamps()) if counted is None else counted()

    def __iter__(self) -> Iterator[Document]:
        ids = list(self.store.stamps())
        for start in range(0, len(ids), _AT_ONCE):
            for entry in self.store.get(ids[start : start + _AT_ONCE]):
                yield entry.document

    def __repr__(self) -> str:
        return f"Index({len(self)} documents{'' if self._where is None else f' of {self._where}'})"


def index(
    source: str | Path | Iterable[str | Document] | None = None,
    *,
    path: str | Path | None = None,
    size: int = SIZE,
    splitter: Splits | None = None,
    embed: str | Chain[Any, Any] | None = None,
    store: Any = None,
    progress: Progress | None = None,
    run: Any = None,
    name: str = "index",
    **options: Unpack[LoadOptions],
) -> Index:
    """Documents made searchable: a folder, a file, a glob ("docs/**/*.md"), an address, or texts and Documents.

    Lexical (BM25 over German and English stems) with no network and no model; with `embed=`, an embedding model like
    "local:minilm", hybrid. With `path` the index lives in that file: opened again, unchanged files cost nothing,
    changed ones are read anew, deleted ones go. `store` names another place for it, "qdrant:http://localhost:6333/wiki",
    or a pair (one for text, one for vectors). `size` is the most characters of a chunk; `splitter` cuts otherwise.
    `.errors` lists what could not be read. Other options are those of `load`; `run` is charged with what is embedded;
    `name` is what a dump of a chain over it says.
    """
    if path is not None and store is not None:
        raise CompositionError("path= and store= both say where the index lives", cure='say store="sqlite:FILE"')
    found = Index(
        _store(path, store, embed), splitter=_splitter(splitter, size), embedding=embedding(embed), run=run, name=name
    )
    if source is None:
        return found
    if isinstance(source, str | Path):
        found.follow(source, progress=progress, **options)
        return found
    return found.add(source)


def _store(path: Any, store: Any, embed: Any) -> Store:
    from chainkit.retrieval.memory import MemoryStore
    from chainkit.retrieval.paired import opened
    from chainkit.retrieval.sqlite import SqliteStore

    if store is not None:
        return opened(store)
    return MemoryStore() if path is None and embed is not None else SqliteStore(path)


def _splitter(given: Splits | None, size: int) -> Splits:
    from chainkit.retrieval.splitting import automatic

    if given is None:
        return automatic(size)
    if not hasattr(given, "split"):
        raise CompositionError(f"splitter= is {type(given).__name__}: {given!r:.60}", cure="say splitter=by_heading()")
    return given


def _documents(items: Iterable[Any]) -> Iterator[Document]:
    for item in items:
        if isinstance(item, Document):
            yield item
        elif isinstance(item, str):
            yield Document(f"text-{digest(item)[:12]}", item)
        elif isinstance(item, Iterable):
            yield from _documents(item)  # pyright: ignore[reportUnknownArgumentType]
        else:
            raise CompositionError(f"index() takes texts and Documents, and got {type(item).__name__}: {item!r:.60}")

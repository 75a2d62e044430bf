"""An index: documents that can be searched, kept up to date with their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainkit.documents import Document, Retrieved
from chainkit.errors import CompositionError
from chainkit.retrieval.loading import Unread, files, read
from chainkit.retrieval.splitting import SIZE, split
from chainkit.retrieval.sqlite import SqliteStore

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.retrieval.answer import Answer
    from chainkit.retrieval.retriever import Retriever


class Index:
    """Made by `index`. Search it, or take its chains: `.retriever(k)`, `.answering(model)`.

    `errors` lists the files that could not be read. It may be shared between threads.
    """

    def __init__(self, path: str | Path | None = None, *, size: int = SIZE) -> None:
        self._store = SqliteStore(path)
        self._size = size
        self._where: str | Path | None = None
        self.errors: tuple[Unread, ...] = ()

    def add(self, *items: str | Document) -> Index:
        """Add documents, or texts; one with a known id replaces it. Gives the index itself."""
        for item in items:
            found = item if isinstance(item, Document) else _text(item)
            self._store.put(found, split(found, self._size), _hash(found.text))
        return self

    def remove(self, *ids: str) -> int:
        """Take documents out by id (a file's id is its path); how many there were."""
        return self._store.remove(ids)

    def refresh(self) -> int:
        """Look at the files again: new and changed ones are read, deleted ones go. How many changed.

        A file of the same size and time is not opened.
        """
        return 0 if self._where is None else self.follow(self._where)

    def follow(self, where: str | Path) -> int:
        """Hold the files of a folder or glob, now and at each `refresh`; how many changed."""
        self._where = where
        known = self._store.stamps()
        errors: list[Unread] = []
        changed, seen = 0, set[str]()
        for path in files(where):
            seen.add(str(path))
            about = path.stat()
            stamp = f"{about.st_mtime_ns}:{about.st_size}"
            held = known.get(str(path)) or ""
            if held.startswith(stamp + "#"):
                continue
            try:
                found = read(path)
            except ValueError as error:
                errors.append(Unread(str(path), str(error)))
                seen.discard(str(path))
                continue
            content = _hash(found.text + repr(sorted(found.metadata.items())))
            if held.endswith("#" + content):
                self._store.restamp(found.id, f"{stamp}#{content}")
                continue
            self._store.put(found, split(found, self._size), f"{stamp}#{content}")
            changed += 1
        self.errors = tuple(errors)
        return changed + self._store.remove([i for i, held in known.items() if i not in seen and "#" in (held or "")])

    def search(self, query: str, k: int = 4) -> list[Retrieved]:
        """The `k` chunks that fit best, best first; none where no term of the query stands anywhere."""
        return [Retrieved(chunk, score) for chunk, score in self._store.search(query, k)]

    def retriever(self, k: int = 4) -> Chain[str, list[Retrieved]]:
        """The search as a chain."""
        from chainkit.retrieval.retriever import Retriever

        found: Retriever = Retriever(self, k)
        return found

    def answering(
        self, model: str | Chain[Any, Any], k: int = 4, *, instruction: str | None = None
    ) -> Chain[str, Answer]:
        """A chain from a question to an `Answer` made from the `k` best chunks, its citations checked.

        `model` is a model string, or any chain from messages to a reply or text. `instruction` says how to
        answer. Where no chunk is relevant the model is not asked.
        """
        from chainkit.retrieval.answering import answering

        return answering(self, model, k, instruction)

    def save(self, path: str | Path) -> None:
        """Write the index to a file; `index(..., path=...)` opens it again."""
        self._store.save(path)

    def close(self) -> None:
        """Let its file go."""
        self._store.close()

    def __len__(self) -> int:
        return len(self._store)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._store.documents())

    def __repr__(self) -> str:
        return f"Index({len(self)} documents{'' if self._where is None else f' of {self._where}'})"


def index(
    source: str | Path | Iterable[str | Document] | None = None, *, path: str | Path | None = None, size: int = SIZE
) -> Index:
    """Documents made searchable: a folder, a file, a glob ("docs/**/*.md"), or texts and Documents.

    Lexical (BM25 over German and English stems); no network, no model. With `path` the index lives in that
    file: opened again, unchanged files cost nothing, changed ones are read anew, deleted ones go. `size` is
    the most characters of a chunk. Markdown, text and HTML files are read; `.errors` lists what was not.
    """
    found = Index(path, size=size)
    if source is None:
        return found
    if isinstance(source, str | Path):
        found.follow(source)
        return found
    items = list(source)
    for item in items:
        if not isinstance(item, str | Document):  # pyright: ignore[reportUnnecessaryIsInstance] - an iterable may hold anything
            msg = f"index() takes texts and Documents, and got {type(item).__name__}: {item!r:.60}"
            raise CompositionError(msg)
    found.add(*items)
    return found


def _text(text: str) -> Document:
    return Document(f"text-{_hash(text)[:12]}", text)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

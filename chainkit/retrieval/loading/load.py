"""Loading: the documents of many sources, one after the other, and what became of those that gave none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Self, TypeAlias, Unpack

from chainkit.documents import Document
from chainkit.errors import ChainkitError, CompositionError
from chainkit.retrieval.loading.options import LoadOptions
from chainkit.retrieval.loading.sources import Source, Where, sources
from chainkit.retrieval.loading.unread import Unread, shown

Progress: TypeAlias = Callable[[int, int, str], object]
"""Told (done, total, path) after each source."""


class Loading(Iterator[Document]):
    """Documents as they are read, one source at a time. Made by `load`; it is gone through once.

    `errors` are the sources that gave no document so far, and why. `done` of `total` sources are behind it.
    """

    def __init__(self, found: Sequence[Source], *, keep: bool = True, progress: Progress | None = None) -> None:
        self._sources = found
        self._keep = keep
        self._progress = progress
        self._unread: list[Unread] = []
        self.done = 0
        self.total = len(found)
        self._documents = self._read()

    @property
    def errors(self) -> tuple[Unread, ...]:
        """What was not read so far."""
        return tuple(self._unread)

    def _read(self) -> Iterator[Document]:
        for source in self._sources:
            try:
                yield from source.read()
            except (ValueError, OSError, ChainkitError) as error:
                failed = Unread.of(source.id, error)
                if not self._keep:
                    raise _raised(failed, error) from error
                self._unread.append(failed)
            self.done += 1
            if self._progress is not None:
                self._progress(self.done, self.total, shown(source.id))

    def __next__(self) -> Document:
        return next(self._documents)

    def close(self) -> None:
        """Stop, and let an open file go."""
        close = getattr(self._documents, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Loading({self.done} of {self.total} sources, {len(self._unread)} not read)"


def load(
    where: Where,
    *,
    errors: Literal["keep", "raise"] = "keep",
    progress: Progress | None = None,
    **options: Unpack[LoadOptions],
) -> Loading:
    """The documents of a file, a folder, a glob, a URL, a sitemap, or several of them, read one by one as you ask.

    Markdown, text, HTML, PDF, Word, PowerPoint, Excel, CSV, JSON, EPUB, mail, notebooks, source code and manual pages
    are read; PDF and Office need `pip install 'chainkit[documents]'`. What cannot be read stands in `.errors`, or is
    raised with `errors="raise"`. `progress(done, total, path)` is called after each source.

    Raises ChainkitError where there is nothing at all, CompositionError for an unknown option.
    """
    if errors not in ("keep", "raise"):
        raise CompositionError(f"errors={errors!r} is neither 'keep' nor 'raise'")
    return Loading(sources(where, **options), keep=errors == "keep", progress=progress)


def _raised(failed: Unread, error: Exception) -> ChainkitError:
    return error if isinstance(error, ChainkitError) else ChainkitError(str(failed))

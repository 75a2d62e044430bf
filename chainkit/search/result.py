"""What a search of the web gives: one type, whatever engine found it. Leaf data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainkit.documents import Chunk, Document, Retrieved


@dataclass(frozen=True, slots=True)
class WebResult:
    """A page that a search engine found.

    `snippet` are the engine's own words about it, `rank` its place from 1 on, `score` how well it fits where the engine
    says so. `published` is when the page was published or last changed: in ISO 8601 where the engine gives a date, else
    in its own words ("2 days ago"). `engine` found it; `extra` holds what else the engine told. `page` is the page
    itself, once it was fetched, and `problem` why that failed.
    """

    title: str
    url: str
    snippet: str = ""
    published: str | None = None
    engine: str = ""
    rank: int = 0
    score: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)
    page: Document | None = None
    problem: str | None = None

    @property
    def text(self) -> str:
        """What is known of its words: the page where it was fetched, else the snippet."""
        return self.page.text if self.page is not None else self.snippet

    @property
    def document(self) -> Chunk:
        """The same as a chunk whose source is the URL. It is marked as text that nobody here vouches for."""
        return Chunk(self.url, self.text, 0, len(self.text), (), self.metadata)

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known of the page: `source`, `title`, `published`, `rank`, `engine`."""
        known = dict(self.page.metadata) if self.page is not None else {}
        told = {"title": self.title, "published": self.published, "engine": self.engine, "rank": self.rank}
        return {**known, **{k: v for k, v in told.items() if v}, "source": self.url, "trusted": False}

    @property
    def retrieved(self) -> Retrieved:
        """The same as a retriever gives it; the first of the list has a score of 1, the second of 1/2."""
        return Retrieved(self.document, 1 / self.rank if self.rank else 0.0)

    def __hash__(self) -> int:
        return hash((self.url, self.rank, self.engine))

"""An answer that stands on chunks, and the check of what it stands on. Leaf data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from chainkit.documents import Chunk, Document, Retrieved

DOUBT = "[?]"
"""Stands behind a sentence that nothing supports."""
_MARK = re.compile(r"\s*\[(\d+|\?)\]")

By: TypeAlias = Literal["model", "overlap", "quote", "judge"]
Unsupported: TypeAlias = Literal["mark", "drop", "keep"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of the answer, and words of a document that support it.

    `quote` are those words, `span` their place in the document's text (characters), `document` the chunk they are from.
    `by` says who drew the line: the model with a mark ("model"), the words that both share ("overlap"), a verbatim
    quote of the model's ("quote"), or the model that judged it ("judge").
    """

    number: int
    sentence: str
    document: Chunk
    quote: str
    span: tuple[int, int]
    by: By

    @property
    def trusted(self) -> bool:
        """False where the document's metadata say so: `trusted` is False."""
        return self.document.metadata.get("trusted") is not False

    def __repr__(self) -> str:
        quote = " ".join(self.quote.split())
        shown = quote[:60] + "…" if len(quote) > 60 else quote
        return (
            f"Citation([{self.number}] {self.document.source!r} {self.span[0]}-{self.span[1]}: {shown!r}, by {self.by})"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` with marks like [1], the citations that were checked, and the sentences that nothing supports.

    `found` is False where the documents do not hold the answer: the model said so, was not asked, or nothing that it
    said is supported. `confidence` is from 0 to 1: the mean, over the sentences that claim something, of how much of each
    stands in the words cited for it (0 for one without support; 1 for a quoted or judged one). It is no probability
    that the answer is true. `said` is what the model wrote. `str()` is the text.
    """

    text: str
    found: bool
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[str, ...] = ()
    chunks: tuple[Retrieved, ...] = ()
    confidence: float = 0.0
    said: str = ""

    @property
    def supported(self) -> bool:
        """Whether every sentence has a chunk behind it."""
        return self.found and not self.unsupported

    @property
    def trusted(self) -> bool:
        """Whether no citation is from a document that is marked as untrusted."""
        return all(c.trusted for c in self.citations)

    @property
    def compared(self) -> str:
        """What counts in a vote: the text without its marks."""
        return _MARK.sub("", self.text)

    def check(self, documents: Iterable[Document | str] | Mapping[str, str]) -> tuple[str, ...]:
        """Read the documents again and say what does not hold; empty where everything does.

        Every citation's quote must be the document's text at its span, within its chunk; its sentence must stand in the
        text with its number behind it, and every number in the text must have a citation. `documents` is an index,
        Documents, or texts by id; all that is cited must be among them.
        """
        known = _texts(documents, {c.document.id for c in self.citations})
        problems = [p for c in self.citations for p in self._problems(c, known.get(c.document.id))]
        shown = {int(m) for m in _MARK.findall(self.text) if m != "?"}
        numbers = {c.number for c in self.citations}
        problems += [f"[{n}] stands in the text and has no citation" for n in sorted(shown - numbers)]
        if self.found != bool(self.citations):
            problems.append(f"found is {self.found} with {len(self.citations)} citations")
        return tuple(problems)

    def _problems(self, citation: Citation, text: str | None) -> list[str]:
        (start, end), chunk, where = citation.span, citation.document, f"[{citation.number}]"
        if text is None:
            return [f"{where} cites {chunk.id!r}, which is not among the documents"]
        found: list[str] = []
        if not citation.quote.strip() or text[start:end] != citation.quote:
            found.append(f"{where} quotes {citation.quote!r:.80}, and {chunk.id!r} has {text[start:end]!r:.80} there")
        if not chunk.start <= start < end <= chunk.end or text[chunk.start : chunk.end] != chunk.text:
            found.append(f"{where} quotes {start} to {end} of {chunk.id!r}, which is not within its chunk")
        behind = re.escape(citation.sentence) + rf"(?:\s*\[\d+\])*?\s*\[{citation.number}\]"
        if re.search(behind, self.text) is None:
            found.append(f"{where} does not stand behind {citation.sentence!r:.80}")
        return found

    def __str__(self) -> str:
        return self.text


def _texts(documents: Iterable[Document | str] | Mapping[str, str], wanted: set[str]) -> dict[str, str]:
    if isinstance(documents, Mapping):
        held = cast("Mapping[str, str]", documents)
        return {name: held[name] for name in wanted & held.keys()}
    from chainkit.retrieval.ingesting import digest

    found: dict[str, str] = {}
    for item in documents:
        document = item if isinstance(item, Document) else Document(f"text-{digest(item)[:12]}", item)
        if document.id in wanted:
            found[document.id] = document.text
    return found

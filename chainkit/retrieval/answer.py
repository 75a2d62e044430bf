"""An answer that stands on chunks, and the check of what it stands on. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chainkit.documents import Chunk, Retrieved
from chainkit.retrieval.analysis import terms

ENOUGH = 0.5
"""The share of a sentence's terms that must stand in a chunk which supports it."""
NOT_FOUND = "Not in the documents."
_SENTENCE = re.compile(r"[^.!?…\n]+(?:[.!?…]+(?!\d)[\"”»')\]]*|\n|$)(?:\s*\[\d+(?:\s*,\s*\d+)*\])*")
_MARK = re.compile(r"\s*\[(\d+(?:\s*,\s*\d+)*)\]")
_ABSENT = re.compile(
    r"not (?:in|found in|contained in|mentioned in) the (?:documents?|passages?|chunks?|texts?)|"
    r"nicht in den (?:dokumenten|texten|abschnitten)|"
    r"(?:documents?|passages?|chunks?) (?:do|does) not (?:say|contain|mention|answer)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of the answer and the chunk that supports it.

    `quote` are the chunk's words that come nearest, `span` their place in the document's text. `by` says
    who drew the line: the model with a mark, or the terms that both share.
    """

    number: int
    sentence: str
    document: Chunk
    quote: str
    span: tuple[int, int]
    by: Literal["model", "overlap"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` with marks like [1], the citations that were checked, and the sentences that nothing supports.

    `found` is False where the documents do not hold the answer. `str()` is the text.
    """

    text: str
    found: bool
    citations: tuple[Citation, ...] = ()
    unsupported: tuple[str, ...] = ()
    chunks: tuple[Retrieved, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether every sentence has a chunk behind it."""
        return self.found and not self.unsupported

    @property
    def compared(self) -> str:
        """What counts in a vote: the text without its marks."""
        return _MARK.sub("", self.text)

    def __str__(self) -> str:
        return self.text


def not_found(chunks: Sequence[Retrieved] = ()) -> Answer:
    """The answer that says so."""
    return Answer(NOT_FOUND, found=False, chunks=tuple(chunks))


def checked(said: str, chunks: Sequence[Retrieved]) -> Answer:
    """What a model said, held against the chunks it was given.

    A question is no claim, and nothing supports it. A mark counts where that chunk exists and supports the sentence; a sentence without one is given the
    chunk that supports it best. Marks are numbered anew in the order of the text.
    """
    said = said.strip()
    if not said or not chunks or _ABSENT.search(said):
        return not_found(chunks)
    known = [(p.document, frozenset(terms(p.document.text))) for p in chunks]
    numbers: dict[int, int] = {}
    lines: list[str] = []
    citations: list[Citation] = []
    unsupported: list[str] = []
    for sentence in _SENTENCE.findall(said):
        bare = _MARK.sub("", sentence).strip()
        if not bare:
            continue
        chosen, by = _support(bare, _marks(sentence), known)
        if chosen is None:
            if terms(bare):
                unsupported.append(bare)
            lines.append(bare)
            continue
        number = numbers.setdefault(chosen, len(numbers) + 1)
        citations.append(_citation(number, bare, known[chosen][0], by))
        lines.append(f"{bare} [{number}]")
    return Answer(" ".join(lines), bool(citations), tuple(citations), tuple(unsupported), tuple(chunks))


def _marks(sentence: str) -> list[int]:
    return [int(n) - 1 for m in _MARK.findall(sentence) for n in m.split(",")]


def _support(
    sentence: str, marked: Sequence[int], known: Sequence[tuple[Chunk, frozenset[str]]]
) -> tuple[int | None, Literal["model", "overlap"]]:
    """The chunk behind a sentence, and who said so."""
    wanted = frozenset(terms(sentence))
    if not wanted or sentence.endswith("?"):
        return None, "overlap"
    figures = {t for t in wanted if any(c.isdigit() for c in t)}
    # A figure that the chunk does not hold is not supported by it, whatever the other words are.
    shares = [len(wanted & held) / len(wanted) if figures <= held else 0.0 for _, held in known]
    for number in marked:
        if 0 <= number < len(known) and shares[number] >= ENOUGH:
            return number, "model"
    best = max(range(len(known)), key=lambda i: (shares[i], -i))
    return (best if shares[best] >= ENOUGH else None), "overlap"


def _citation(number: int, sentence: str, chunk: Chunk, by: Literal["model", "overlap"]) -> Citation:
    wanted = frozenset(terms(sentence))
    spans = [m.span() for m in _SENTENCE.finditer(chunk.text) if m.group().strip()] or [(0, len(chunk.text))]
    start, end = max(spans, key=lambda s: (len(wanted & frozenset(terms(chunk.text[s[0] : s[1]]))), -s[0]))
    while start < end and chunk.text[start].isspace():
        start += 1
    while end > start and chunk.text[end - 1].isspace():
        end -= 1
    return Citation(number, sentence, chunk, chunk.text[start:end], (chunk.start + start, chunk.start + end), by)

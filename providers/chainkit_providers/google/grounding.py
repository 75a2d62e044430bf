"""The sources that an answer names: what it found by searching, and what it may have recited.

The vendor counts bytes of UTF-8, of one part or of all text; we count characters of the whole text. A place is kept
only where the text that the vendor quotes stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from chainkit.models.reply import Citation
from chainkit_providers.payload import Json, inner, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

_Source: TypeAlias = tuple[str | None, str | None, str]
_SOURCES = ("web", "retrievedContext", "maps", "image")


def citations(candidate: Json, texts: list[str]) -> tuple[Citation, ...]:
    """The citations of one answer; `texts` holds the text of each of its parts, empty for those that are no text."""
    grounding, whole = inner(candidate, "groundingMetadata"), "".join(texts)
    sources = [_source(chunk) for chunk in listed(grounding, "groundingChunks")]
    supports = listed(grounding, "groundingSupports")
    found = [c for s in supports for c in _supported(s, sources, texts, whole)]
    if not supports:
        found = [Citation(quoted, url, None, None, title) for url, title, quoted in sources]
    return (*found, *_recited(inner(candidate, "citationMetadata"), whole))


def _source(chunk: Json) -> _Source:
    """(where it is, its title, what is quoted of it)."""
    told = inner(chunk, next((kind for kind in _SOURCES if kind in chunk), ""))
    place = told.get("uri") or told.get("sourceUri") or told.get("documentName") or told.get("fileSearchStore")
    return place, told.get("title"), told.get("text") or ""


def _supported(support: Json, sources: list[_Source], texts: list[str], whole: str) -> Iterator[Citation]:
    segment = inner(support, "segment")
    quoted: str = segment.get("text") or ""
    start, end = _place(segment, quoted, texts, whole)
    indices: list[int] = support.get("groundingChunkIndices") or []
    for index in indices:
        if 0 <= index < len(sources):
            url, title, _ = sources[index]
            yield Citation(quoted, url, start, end, title)


def _place(segment: Json, quoted: str, texts: list[str], whole: str) -> tuple[int | None, int | None]:
    begin, part = segment.get("startIndex") or 0, segment.get("partIndex") or 0
    before = len("".join(texts[:part]))
    for text, offset in ((texts[part] if part < len(texts) else "", before), (whole, 0)):
        at = _characters(text, begin)
        if quoted and text.startswith(quoted, at):
            return offset + at, offset + at + len(quoted)
    at = whole.find(quoted) if quoted else -1
    return (None, None) if at < 0 else (at, at + len(quoted))


def _characters(text: str, count: int) -> int:
    """How many characters so many bytes are."""
    return count if text.isascii() else len(text.encode("utf-8", "surrogatepass")[:count].decode("utf-8", "ignore"))


def _recited(told: Json, whole: str) -> Iterator[Citation]:
    for cited in listed(told, "citations") or listed(told, "citationSources"):
        start, end = _characters(whole, cited.get("startIndex") or 0), _characters(whole, cited.get("endIndex") or 0)
        yield Citation(whole[start:end], cited.get("uri"), start, start + len(whole[start:end]), cited.get("title"))

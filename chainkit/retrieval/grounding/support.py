"""Whether the words of a passage support a sentence. It compares words, figures and names, not meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from chainkit.documents import Chunk
from chainkit.retrieval.analysis import folded, terms
from chainkit.retrieval.grounding.contrary import contrary
from chainkit.retrieval.grounding.figures import Figure, codes, figures, is_measure
from chainkit.retrieval.grounding.language import language_of
from chainkit.retrieval.grounding.sentences import Span, spans, unlisted

ENOUGH = 0.66
"""The share of a sentence's terms and figures that must stand in the words quoted for it."""
WIDEST = 3
"""Sentences of a passage that may support one sentence together."""
_NEARLY = 0.8
"""The share that is enough where what the sentence is about has another name in the passage."""
_PART = 0.5
"""What a German term counts that stands there as a part of a compound, or the other way round."""
_LEAST = 2
"""Terms and figures that a part of a sentence has at the least."""
_AND = re.compile(r"[,;:]\s|\s(?:and|und|sowie|while|whereas|während|but|aber)\s", re.IGNORECASE)
_NO_SUBJECT = frozenset(
    "onli also both each everi most some all ani howev yes there furthermor addit ja nein all jed jeder beid manch viel "
    "ausserdem zudem jedoch allerding".split()
)
_AHEAD = re.compile(r"^(?:according to|based on|as stated in|laut|gemäß|nach)\b[^,.]{0,60},?\s", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_NAME = re.compile(r"(?<=[\w,;:)\"“„»] )[A-ZÄÖÜ][\w'’-]*")
_ABBREVIATION = re.compile(r"\b[A-ZÄÖÜ]{2,}\b")
_PAIR = re.compile(r"\b[A-ZÄÖÜ][^\W\d_]+(?: [A-ZÄÖÜ][^\W\d_]+)+")
_BARE = re.compile(r"\b(?:in|aus|bei|von|nach|an|mit|für|durch|gegen|Herrn?|Frau|Dr\.|Firma) ([A-ZÄÖÜ][^\W\d_]+)")
_NO_NAMES = frozenset("i i'm i'd i'll i've the a an yes no ja nein".split())


@dataclass(frozen=True)
class Claim:
    """A sentence, and what a passage must hold to support it."""

    text: str
    language: str

    @cached_property
    def terms(self) -> frozenset[str]:
        """Its words as terms, without numbers."""
        return frozenset(t for t in terms(unlisted(self.text)) if not t.isdigit())

    @cached_property
    def subject(self) -> str | None:
        """Its first term, which mostly says what it is about."""
        found = terms(_AHEAD.sub("", unlisted(self.text)))
        return next((t for t in found if not t.isdigit() and t not in _NO_SUBJECT), None)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Its figures."""
        return tuple(figures(unlisted(self.text), self.language))

    @cached_property
    def names(self) -> frozenset[str]:
        """Words that must stand in the passage, whatever else does: names, abbreviations, product numbers."""
        return frozenset(_names(unlisted(self.text), self.language)) | frozenset(codes(self.text))

    @property
    def size(self) -> int:
        """How many terms and figures it has."""
        return len(self.terms) + len(self.figures)

    @property
    def empty(self) -> bool:
        """Whether it says nothing that could be looked up."""
        return not self.size


def _names(text: str, language: str) -> Iterator[str]:
    found = [m.group() for m in _ABBREVIATION.finditer(text)]
    if language == "de":
        # Every noun has a capital: two in a row, or one without an article, are taken for a name.
        found += [w for m in _PAIR.finditer(text) for w in m.group().split()[0 if m.start() else 1 :]]
        found += [m.group(1) for m in _BARE.finditer(text)]
    else:
        found += [m.group() for m in _NAME.finditer(text)]
    for name in found:
        plain = re.sub(r"['’]s?$", "", name)
        # Small words, and what figures are compared by: units, months, weekdays.
        if plain.lower() not in _NO_NAMES and not is_measure(plain) and terms(plain):
            yield folded(plain.lower())


@dataclass(frozen=True)
class Passage:
    """A chunk, taken apart once for all sentences of an answer."""

    chunk: Chunk

    @cached_property
    def language(self) -> str:
        return language_of(self.chunk.text)

    @cached_property
    def spans(self) -> list[Span]:
        return spans(self.chunk.text, wrapped=True) or [(0, len(self.chunk.text))]

    @cached_property
    def sentences(self) -> list[str]:
        return [self.chunk.text[a:b] for a, b in self.spans]

    @cached_property
    def terms(self) -> list[frozenset[str]]:
        return [frozenset(terms(s)) for s in self.sentences]

    @cached_property
    def figures(self) -> list[list[Figure]]:
        return [figures(s, self.language, source=True) for s in self.sentences]

    @cached_property
    def context(self) -> frozenset[str]:
        """The terms of what stands over it: they may be part of a sentence's words, never all of them."""
        title = self.chunk.metadata.get("title")
        return frozenset(terms(" ".join((*self.chunk.headings, title if isinstance(title, str) else ""))))

    @cached_property
    def words(self) -> str:
        """All its words and those over it, as one text to look names up in."""
        shown = " ".join((self.chunk.text, *self.chunk.headings, str(self.chunk.metadata.get("title", ""))))
        return " ".join(folded(w.lower()) for w in _WORD.findall(shown))

    def holds(self, names: Iterable[str]) -> bool:
        """Whether all these names stand in it."""
        joined, apart = self.words.replace("-", ""), self.words.replace("-", " ")
        shown = f" {self.words} {joined} {apart}"
        return all(f" {n}" in shown for n in names)


@dataclass(frozen=True)
class Window:
    """Sentences of a passage in a row, and how much of a claim they hold."""

    passage: int
    span: Span
    terms: frozenset[str]
    figures: tuple[bool, ...]
    share: float
    own: int
    agrees: bool

    @property
    def enough(self) -> bool:
        """Whether they support the claim alone."""
        return self.agrees and self.share >= ENOUGH and all(self.figures) and self.own > 0


def support(claim: Claim, passages: Sequence[Passage], marked: Sequence[int] = ()) -> list[Window]:
    """The windows that support a claim: those marked first, else the best one, else up to three that do together."""
    if claim.empty or asks(claim.text):
        return []
    best = [w for n, p in enumerate(passages) if (w := _best(claim, n, p)) is not None]
    named = [w for m in marked for w in best if w.passage == m and w.enough]
    if named:
        return named
    alone = [w for w in best if w.enough]
    if alone:
        return [max(alone, key=lambda w: (w.share, -w.passage))]
    return _together(claim, passages)


def asks(sentence: str) -> bool:
    """Whether it is a question, which claims nothing that a passage could support."""
    return sentence.rstrip("\"'”»*_) ").endswith("?")


def nearest(claim: Claim, passages: Sequence[Passage], marked: Sequence[int] = ()) -> Window | None:
    """The window that a judge is asked about where words alone do not decide; None where figures or names are missing."""
    best = [w for n, p in enumerate(passages) if (w := _best(claim, n, p)) is not None and w.own and all(w.figures)]
    return max(best, key=lambda w: (w.passage in marked, w.share, -w.passage), default=None)


def _best(claim: Claim, number: int, passage: Passage) -> Window | None:
    if not passage.holds(claim.names):
        return None
    found = _windows(claim, number, passage)
    return max(
        found, key=lambda w: (w.enough, w.agrees, all(w.figures), w.share, -(w.span[1] - w.span[0])), default=None
    )


def _windows(claim: Claim, number: int, passage: Passage) -> Iterator[Window]:
    every = len(passage.spans)
    for start in range(every):
        if not passage.terms[start] & claim.terms and not passage.figures[start]:
            continue
        for end in range(start + 1, min(start + WIDEST, every) + 1):
            yield _window(claim, number, passage, start, end)


def _window(claim: Claim, number: int, passage: Passage, start: int, end: int) -> Window:
    own = frozenset[str]().union(*passage.terms[start:end])
    held = own | passage.context
    known = [f for figs in passage.figures[start:end] for f in figs]
    figured = tuple(f.is_in(known) for f in claim.figures)
    shared = claim.terms & held
    rest = claim.terms - held
    part = sum(_PART for t in rest if _compound(t, held)) if claim.language == "de" else 0.0
    share = (len(shared) + part + sum(figured)) / max(1, claim.size)
    subject = claim.subject
    about = (
        subject is None or subject in held or share >= _NEARLY or (claim.language == "de" and _compound(subject, held))
    )
    agrees = about and not contrary(claim.text, passage.sentences[start:end])
    span = passage.spans[start][0], passage.spans[end - 1][1]
    near = sum(_compound(t, own) for t in rest) if claim.language == "de" else 0
    return Window(number, span, shared, figured, share, len(claim.terms & own) + near + sum(figured), agrees)


def _compound(wanted: str, held: Iterable[str]) -> bool:
    return len(wanted) > 4 and any(len(h) > 4 and (wanted in h or h in wanted) for h in held)


def _together(claim: Claim, passages: Sequence[Passage]) -> list[Window]:
    """Windows that support its parts, one each: "A costs 12 euros and B costs 9" may stand in two places.

    Each part is held to the same as a whole sentence: words gathered from here and there support nothing.
    """
    chosen: list[Window] = []
    parts = _parts(claim)
    for part in parts if len(parts) > 1 else ():
        best = [w for n, p in enumerate(passages) if (w := _best(part, n, p)) is not None and w.enough]
        if not best:
            return []
        chosen.append(max(best, key=lambda w: (w.share, -w.passage)))
    return list({(w.passage, w.span): w for w in chosen}.values())


def _parts(claim: Claim) -> list[Claim]:
    """The parts of a sentence; one of a single word belongs to the one before it."""
    found: list[str] = []
    for text in _AND.split(claim.text):
        if found and min(Claim(t, claim.language).size for t in (text, found[-1])) < _LEAST:
            found[-1] += f" {text}"
        else:
            found.append(text)
    return [Claim(text, claim.language) for text in found]

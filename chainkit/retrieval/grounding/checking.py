"""What a model said, held against the chunks it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainkit.documents import Chunk, Retrieved
from chainkit.retrieval.answer import DOUBT, Answer, By, Citation, Unsupported
from chainkit.retrieval.grounding.language import NOT_FOUND, language_of, plainly_refuses, refuses
from chainkit.retrieval.grounding.sentences import Span, marked, spans
from chainkit.retrieval.grounding.support import Claim, Passage, Window, asks, nearest, support


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of a passage (by number, and their span in its text), and who says that they support a sentence."""

    passage: int
    span: Span
    by: By


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of a model's: what stands before it, the evidence for it, and how much of it that holds.

    `silent` ones claim nothing. `near` is what a judge is asked about where there is no evidence.
    """

    text: str
    before: str = ""
    evidence: tuple[Evidence, ...] = ()
    strength: float = 0.0
    silent: bool = False
    near: Evidence | None = None


def not_found(chunks: Sequence[Retrieved] = (), *, question: str = "", said: str = "") -> Answer:
    """The answer that says so, in the question's language."""
    return Answer(NOT_FOUND[language_of(question)], found=False, chunks=tuple(chunks), said=said)


def checked(said: str, chunks: Sequence[Retrieved], *, question: str = "", unsupported: Unsupported = "mark") -> Answer:
    """What a model said, held against the chunks it was given.

    A mark of the model's counts where that chunk exists and supports the sentence; a sentence without one is given the
    words that support it best. A question is no claim, and nothing supports it. Marks are numbered anew.
    """
    sentences = read(said, chunks)
    return written(sentences, chunks, question=question, said=said, unsupported=unsupported)


def read(said: str, chunks: Sequence[Retrieved]) -> list[Said]:
    """The sentences that a model said, with their evidence; none where it says that there is no answer."""
    passages = [Passage(c.document) for c in chunks]
    language = language_of(said)
    sentences: list[Said] = []
    reached = 0
    for start, end in spans(said, wrapped=False):
        bare, marks = marked(said[start:end])
        if not any(c.isalnum() for c in bare):
            continue
        if not sentences and plainly_refuses(bare):
            return []
        before, reached = _gap(said[reached:start]), end
        sentences.append(replace(_judged(Claim(bare, language), passages, marks, first=not sentences), before=before))
    return sentences


def _gap(text: str) -> str:
    """What stands between two sentences, without signs that may look like marks."""
    return "\n\n" if text.count("\n") > 1 else "\n" if "\n" in text else " "


def _judged(claim: Claim, passages: Sequence[Passage], marks: Sequence[int], *, first: bool) -> Said:
    if claim.empty or refuses(claim.text):
        return Said(claim.text, silent=True)
    # One word or figure may be a whole answer; behind one it is a heading or a number of a list.
    windows = support(claim, passages, marks) if first or claim.size > 1 else []
    if not windows:
        near = None if asks(claim.text) else nearest(claim, passages, marks)
        return Said(claim.text, near=None if near is None else _evidence(near, marks))
    # Of a sentence in parts each window holds its own part: the least of their shares.
    share = min(w.share for w in windows)
    return Said(claim.text, evidence=tuple(_evidence(w, marks) for w in windows), strength=share)


def _evidence(window: Window, marks: Sequence[int]) -> Evidence:
    return Evidence(window.passage, window.span, "model" if window.passage in marks else "overlap")


def written(
    sentences: Sequence[Said], chunks: Sequence[Retrieved], *, question: str, said: str, unsupported: Unsupported
) -> Answer:
    """The answer that these sentences make: marks in the order of the text, a citation for each."""
    claims = [s for s in sentences if not s.silent]
    doubtful = tuple(s.text for s in claims if not s.evidence)
    if not claims or (len(doubtful) == len(claims) and unsupported == "drop"):
        return replace(not_found(chunks, question=question, said=said), unsupported=doubtful)
    kept = [s for s in sentences if s.evidence or s.silent or unsupported != "drop"]
    numbers: dict[int, int] = {}
    lines: list[str] = []
    citations: list[Citation] = []
    for sentence in kept:
        own = {e.passage: numbers.setdefault(e.passage, len(numbers) + 1) for e in sentence.evidence}
        marks = [f" [{n}]" for n in own.values()]
        if not own and not sentence.silent and unsupported == "mark":
            marks = [f" {DOUBT}"]
        lines += [sentence.before if lines else "", sentence.text, *marks]
        citations += [
            _citation(own[e.passage], sentence.text, chunks[e.passage].document, e) for e in sentence.evidence
        ]
    confidence = sum(s.strength for s in claims) / len(claims)
    return Answer(
        "".join(lines), bool(citations), tuple(citations), doubtful, tuple(chunks), round(confidence, 4), said
    )


def _citation(number: int, sentence: str, chunk: Chunk, evidence: Evidence) -> Citation:
    start, end = evidence.span
    place = chunk.start + start, chunk.start + end
    return Citation(number, sentence, chunk, chunk.text[start:end], place, evidence.by)

"""The steps of an answering chain, each with a form as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainkit.documents import Retrieved
from chainkit.messages import Messages, counted_text, message
from chainkit.retrieval.analysis import terms
from chainkit.retrieval.answer import Answer, Unsupported
from chainkit.retrieval.grounding.checking import Said, not_found, read, written
from chainkit.retrieval.grounding.judging import in_question, put, settled, verdicts_in
from chainkit.retrieval.grounding.language import NOT_FOUND, language_of
from chainkit.retrieval.grounding.showing import IS_DATA, as_passages, cut, delimited
from chainkit.retrieval.retriever import question_in

Looked = Mapping[str, Any]
"""What goes along the chain: "question" and "passages", then what was "said", and its "sentences" and "verdicts"."""

_SHORT = "Answer the question from the passages only, in one or two short sentences, in the question's language. "
RULES = _SHORT + "Put the number of the passage you used behind each sentence, like [1]. "
QUOTING = _SHORT + "Give each sentence as a statement with the words of the passages that say so, copied exactly. "


@dataclass(frozen=True)
class Question:
    """The question in a text, a reply or messages."""

    def __call__(self, value: str) -> str:
        return question_in(value)


@dataclass(frozen=True)
class Shown:
    """The first `k` passages, as many as fit into `context` characters; with `trusted=False` all marked as untrusted."""

    k: int | None = None
    context: int | None = None
    trusted: bool | None = None

    def __call__(self, found: Any) -> list[Retrieved]:
        shown = cut(as_passages(found)[: self.k], self.context)
        return shown if self.trusted is None else [_told(p, trusted=self.trusted) for p in shown]


def _told(passage: Retrieved, *, trusted: bool) -> Retrieved:
    chunk = passage.document
    return Retrieved(replace(chunk, metadata={**chunk.metadata, "trusted": trusted}), passage.score)


@dataclass(frozen=True)
class Relevant:
    """Whether a passage holds at least this share of the question's terms, and one of them; without it any passage will do."""

    share: float | None

    def __call__(self, found: Looked) -> bool:
        passages: Sequence[Retrieved] = found["passages"]
        if not self.share:
            return bool(passages)
        asked = frozenset(terms(found["question"]))
        least = max(1, self.share * len(asked))
        return any(len(asked & _held(p)) >= least for p in passages)


def _held(passage: Retrieved) -> frozenset[str]:
    title = passage.document.metadata.get("title")
    over = (*passage.document.headings, title if isinstance(title, str) else "")
    return frozenset(terms(" ".join((passage.text, *over))))


@dataclass(frozen=True)
class Asking:
    """Puts the passages and the question before a model, each passage as data between marks of its own."""

    instruction: str | None = None
    quotes: bool = False

    def __call__(self, found: Looked) -> Messages:
        question: str = found["question"]
        nothing = "give no statements." if self.quotes else f'say exactly "{NOT_FOUND[language_of(question)]}"'
        rules = self.instruction or (QUOTING if self.quotes else RULES)
        system = f"{rules.rstrip()} If the passages do not hold the answer, {nothing} {IS_DATA}"
        shown = delimited(found["passages"], question)
        return Messages((message("system", system), message("user", f"{shown}\n\nQuestion: {question}")))


@dataclass(frozen=True)
class Absent:
    """The answer where nothing relevant was found."""

    def __call__(self, found: Looked) -> Answer:
        return not_found(found["passages"], question=found["question"])


@dataclass(frozen=True)
class Reading:
    """The sentences of what was said, with their evidence."""

    quotes: bool = False

    def __call__(self, found: Looked) -> list[Said]:
        said, passages = found["said"], found["passages"]
        if not self.quotes:
            return read(text_of(said), passages)
        from chainkit.retrieval.grounding.statements import Statements, quoted

        return quoted(Statements.model_validate(said), passages)


@dataclass(frozen=True)
class InQuestion:
    """Whether there is anything for a judge to say."""

    def __call__(self, found: Looked) -> bool:
        return bool(in_question(found["sentences"]))


@dataclass(frozen=True)
class Putting:
    """The sentences and their passages as one question for a judge."""

    def __call__(self, found: Looked) -> Messages:
        return put(found["sentences"], found["passages"])


@dataclass(frozen=True)
class Writing:
    """The answer: marks, citations, what is unsupported."""

    unsupported: Unsupported = "mark"
    focus: float | None = None

    def __call__(self, found: Looked) -> Answer:
        sentences: list[Said] = found["sentences"]
        if "verdicts" in found and (count := len(in_question(sentences))):
            sentences = settled(sentences, verdicts_in(found["verdicts"], count))
        said, question = text_of(found["said"]), found["question"]
        answer = written(sentences, found["passages"], question=question, said=said, unsupported=self.unsupported)
        if answer.found and self.focus and _focus(answer, question) < self.focus:
            beside = tuple(dict.fromkeys((*(c.sentence for c in answer.citations), *answer.unsupported)))
            return replace(not_found(found["passages"], question=question, said=said), unsupported=beside)
        return answer


def _focus(answer: Answer, question: str) -> float:
    """The greatest share of the question's terms that a cited sentence and the words cited for it hold."""
    asked = frozenset(terms(question))
    held = (frozenset(terms(f"{c.sentence} {c.quote} {' '.join(c.document.headings)}")) for c in answer.citations)
    return max((len(asked & h) / len(asked) for h in held), default=0.0) if asked else 1.0


def text_of(said: Any) -> str:
    """What a model said, as text."""
    if isinstance(said, str):
        return said
    text = counted_text(said)
    if text is None and isinstance(said, Mapping):
        return json.dumps(said, ensure_ascii=False)
    return str(said) if text is None else text

"""An answer as statements, each with verbatim quotes: what is asked for, and which quotes count."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from chainkit.documents import Retrieved
from chainkit.retrieval.analysis import terms
from chainkit.retrieval.grounding.checking import Evidence, Said
from chainkit.retrieval.grounding.contrary import contrary
from chainkit.retrieval.grounding.figures import figures
from chainkit.retrieval.grounding.language import language_of, refuses
from chainkit.retrieval.grounding.quotes import located
from chainkit.retrieval.grounding.sentences import Span, unmarked
from chainkit.retrieval.grounding.support import Claim, Passage, asks

_LEAST = 2
"""Terms and figures that a quote has at the least, for one word stands anywhere."""


class Quoted(BaseModel):
    """Words of a passage."""

    passage: int = Field(description="The number of the passage.")
    text: str = Field(description="Words of that passage, copied exactly.")


class Statement(BaseModel):
    """One sentence of the answer."""

    text: str = Field(description="One short sentence that answers the question or a part of it.")
    quotes: list[Quoted] = Field(description="The words of the passages that say so.")


class Statements(BaseModel):
    """The answer. No statements: it is not in the passages."""

    statements: list[Statement]


def quoted(said: Statements, chunks: Sequence[Retrieved]) -> list[Said]:
    """The statements as sentences, each with those of its quotes that count.

    A quote counts where it stands in a passage, is more than a word, and the sentences around it hold the statement's
    figures and do not say the opposite.
    """
    passages = [Passage(c.document) for c in chunks]
    found: list[Said] = []
    for statement in said.statements:
        text = " ".join(unmarked(" ".join(statement.text.split())).split())
        if not any(c.isalnum() for c in text):
            continue
        claim = Claim(text, language_of(text))
        if refuses(text) or claim.empty:
            found.append(Said(text, " ", silent=True))
            continue
        evidence = () if asks(text) else _counting(claim, statement.quotes, passages)
        found.append(Said(text, " ", evidence, 1.0 if evidence else 0.0))
    return found


def _counting(claim: Claim, quotes: Sequence[Quoted], passages: Sequence[Passage]) -> tuple[Evidence, ...]:
    standing = [e for quote in quotes for e in _standing(quote, passages)]
    around = {e: _around(passages[e.passage], e.span) for e in standing}
    agreeing = [e for e in standing if not _opposed(claim, passages[e.passage], around[e])]
    known = [f for e in agreeing for f in figures(" ".join(around[e]), passages[e.passage].language, source=True)]
    held = {e.passage for e in agreeing}
    same = [n for n in held if passages[n].language == claim.language]
    named = len(same) < len(held) or all(any(passages[n].holds([name]) for n in held) for name in claim.names)
    whole = all(f.is_in(known) for f in claim.figures) and named
    return tuple(dict.fromkeys(agreeing)) if whole else ()


def _standing(quote: Quoted, passages: Sequence[Passage]) -> list[Evidence]:
    """Where a quote stands: in the passage that is named, else in another."""
    if len(frozenset(terms(quote.text))) + len(figures(quote.text)) < _LEAST:
        return []
    named = quote.passage - 1
    order = sorted(range(len(passages)), key=lambda n: (n != named, n))
    for number in order:
        spans = located(passages[number].chunk.text, quote.text)
        if spans:
            return [Evidence(number, span, "quote") for span in spans]
    return []


def _around(passage: Passage, span: Span) -> list[str]:
    """The sentences that a span touches."""
    return [s for s, (a, b) in zip(passage.sentences, passage.spans, strict=True) if a < span[1] and span[0] < b]


def _opposed(claim: Claim, passage: Passage, sentences: Sequence[str]) -> bool:
    return passage.language == claim.language and contrary(claim.text, sentences)

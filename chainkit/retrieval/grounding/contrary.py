"""Whether one sentence says that something is so, and another that it is not. By their words: no understanding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from chainkit.retrieval.analysis import terms

_CLAUSE = re.compile(r"[,;:()–—.!?…\n](?:\s+|$)|\s+(?:but|while|whereas|aber|sondern|während|jedoch|however)\s+")
_NOT = re.compile(
    r"\b(?:not|no|never|none|neither|nor|nobody|nothing|without|cannot|\w+n['’]t|isnt|dont|"
    r"nicht|nichts|nie|niemals|niemand|kein(?:e[mnrs]?)?|ohne|weder)\b",
    re.IGNORECASE,
)
_NO_NOT = re.compile(
    r"\b(?:not only|not just|not least|no longer than|no later than|no matter|no\. ?\d|nicht nur|nicht zuletzt|nicht wahr)\b",
    re.IGNORECASE,
)
_OPPOSITES = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        ("open opens opened opening öffnet geöffnet offen öffnen", "close closes closed closing schließt geschlossen schließen"),
        ("before vorher davor", "after nachher danach"), ("more mehr", "less fewer weniger"),
        ("minimum least mindestens mindest wenigstens", "maximum most höchstens maximal"),
        ("allowed permitted erlaubt gestattet", "forbidden prohibited banned verboten untersagt"),
        ("increase increased increases rise rises rose steigt stieg gestiegen", "decrease decreased decreases fall falls fell sinkt sank gesunken"),
        ("free kostenlos gratis", "paid kostenpflichtig"), ("first erste ersten erster erstes", "last letzte letzten letzter letztes"),
        ("always immer stets", "never nie niemals"), ("included inklusive", "excluded exklusive"),
        ("true wahr richtig", "false falsch"), ("left links", "right rechts"),
        ("buy buys bought kauft kaufte", "sell sells sold verkauft verkaufte"), ("required pflicht", "optional freiwillig"),
    )
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


def contrary(claim: str, evidence: Sequence[str]) -> bool:
    """Whether a clause of a claim says the opposite of the clauses of the evidence that it shares most words with."""
    known = [c for sentence in evidence for c in _clauses(sentence)]
    return any(_against(clause, known) for clause in _clauses(claim))


@lru_cache(maxsize=5000)
def _clauses(sentence: str) -> tuple[tuple[frozenset[str], bool, frozenset[str]], ...]:
    """The clauses of a sentence: their terms, whether they deny, and their words."""
    parts = [p for p in _CLAUSE.split(sentence) if p.strip()]
    # Half a clause belongs to the one before it: "in March, 2026".
    found = [(frozenset(terms(p)), _denies(p), frozenset(w.lower() for w in _WORD.findall(p))) for p in parts]
    return tuple(f for f in found if f[0])


def _denies(clause: str) -> bool:
    return len(_NOT.findall(_NO_NOT.sub(" ", clause))) % 2 == 1


def _against(
    clause: tuple[frozenset[str], bool, frozenset[str]], known: Sequence[tuple[frozenset[str], bool, frozenset[str]]]
) -> bool:
    wanted, denied, words = clause
    most = max((len(wanted & held) for held, _, _ in known), default=0)
    if most == 0:
        return False
    if not denied and any(no and held < wanted for held, no, _ in known):
        return True  # "instances, not types" against "instances or types"
    nearest = [(no, said) for held, no, said in known if len(wanted & held) == most]
    return all(no != denied or _opposite(words, said) for no, said in nearest)


def _opposite(words: frozenset[str], others: frozenset[str]) -> bool:
    for one, other in _OPPOSITES:
        for a, b in ((one, other), (other, one)):
            if words & a and not words & b and others & b and not others & a:
                return True
    return False

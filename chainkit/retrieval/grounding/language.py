"""In which language a text is, and how "not in the documents" is said in it."""

from __future__ import annotations

import re

NOT_FOUND = {
    "en": "Not in the documents.",
    "de": "Das steht nicht in den Dokumenten.",
    "fr": "Cela ne figure pas dans les documents.",
    "es": "No está en los documentos.",
    "it": "Non è nei documenti.",
}
_WORDS = {
    "en": "the of and is are to in that how what when where who which does do did can my we you for with not many much",
    "de": "der die das und ist sind ein eine einen zu wie was wann wo wer welche wird werden hat haben kann ich wir im "
    "nicht mit für den dem des von auf muss darf gibt es viele viel kostet bei am",
    "fr": "le les des et est sont une du que qui quel quelle quand où comment combien pour avec dans ne pas il elle vous",
    "es": "el los las y es son una que qué quién cuál cuándo dónde cómo cuánto cuántos para con en del al por se hay",
    "it": "il lo gli e è sono una di che chi quale quando dove come quanto quanti per con nel della del al si non ha",
}
_KNOWN = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")
_AHEAD = r"(?:(?:i'?m |i am |we are )?(?:very )?(?:sorry|afraid)\b[,.;:]?(?: but)? |unfortunately,? |leider |es tut mir leid[,:]? )?"
_DOCUMENTS = (
    r"(?:the |these |those |my |your |any of the |den |die |diesen |ihren )?(?:given |provided |available |vorliegenden )?"
    r"(?:documents?|passages?|chunks?|texts?|sources?|context|dokumente?n?|abschnitte?n?|texte?n?|passagen|quellen)"
)
_IT = r"(?:this|that|it|(?:the |an )?(?:answer|information)(?: to (?:this|that|the|your) question)?)"
_GIVEN = r"(?:found|contained|mentioned|stated|given|available|included|answered)"
_THAT = r"(?:das|dies|es|die antwort|die information|dazu|darüber|hierzu)"
_HELD = r"(?: (?:enthalten|genannt|erwähnt|beantwortet|zu finden))"
_SAY = r"(?:say|contain|mention|answer|hold|state|provide|include|give|tell)"
_REFUSALS = tuple(
    re.compile(rf"\W*{_AHEAD}(?:{pattern})\W*", re.IGNORECASE)
    for pattern in (
        # The answer itself is said to be missing: whole sentences, so that the words in the middle of one say nothing.
        rf"(?:{_IT} (?:is|was) )?not (?:{_GIVEN} )?(?:in|by) {_DOCUMENTS}",
        rf"{_DOCUMENTS} (?:do|does|did)(?: not|n['’]t) {_SAY}\b[^.!?\d]*",
        rf"{_THAT} (?:steht|ist|findet sich|wird) (?:leider )?nichts? (?:in|von) {_DOCUMENTS}{_HELD}?",
        rf"nicht in {_DOCUMENTS}(?: enthalten)?",
        rf"(?:in )?{_DOCUMENTS} (?:steht|enthalten|nennen|sagen|beantworten|geben) [^.!?\d]*\b(?:nicht|nichts|keine?n?)\b[^.!?\d]*",
        r"i (?:do not|don['’]t|cannot|can['’]t) (?:know|answer|tell|find)\b[^.!?\d]{0,80}",
        r"(?:ich weiß es nicht|das weiß ich nicht|ich kann (?:das|die frage|diese frage) nicht beantworten)",
        *(re.escape(said.rstrip(".")) for said in NOT_FOUND.values()),
    )
)
_LONGEST = 300
"""Characters of a refusal; what is longer says more than that."""


def language_of(text: str, otherwise: str = "en") -> str:
    """The language ("en", "de", "fr", "es", "it") whose small words stand in a text most; `otherwise` where none does."""
    words = [w.lower() for w in _WORD.findall(text[:5000])]
    counts = {language: sum(w in known for w in words) for language, known in _KNOWN.items()}
    if any(c in text[:5000] for c in "äöüßÄÖÜ"):
        counts["de"] += 1
    best = max(counts, key=lambda k: (counts[k], k == otherwise))
    return best if counts[best] else otherwise


def refuses(sentence: str) -> bool:
    """Whether a sentence says, and says only, that the documents do not hold the answer."""
    return len(sentence) <= _LONGEST and any(p.fullmatch(sentence) for p in _REFUSALS)


def plainly_refuses(sentence: str) -> bool:
    """Whether it is one of the sentences that a model is asked to say where it finds nothing."""
    bare = sentence.strip(" \t\n.!\"'*_").casefold()
    return any(bare == said.rstrip(".").casefold() for said in NOT_FOUND.values())

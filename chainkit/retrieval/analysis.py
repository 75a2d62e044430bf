"""From text to the terms that a search compares: lower case, accents folded, common words left out, words cut to their
stems, scripts without spaces in pairs of letters.

German and English come mixed, and a word does not say what it is. So each word goes through Snowball's rules for German and
then through those for English: two forms that either of them brings together stay together. Taking the shorter of both stems
does not keep that promise ("Version", "Versionen"), and finds less.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from importlib import import_module
from typing import Any

from chainkit.errors import CompositionError

_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
    "\u0e31-\u0e4e\u0eb1-\u0ecd\u0f71-\u0fbc\u102b-\u109d\u17b4-\u17d3\u200c\u200d"
)
"""What stands within words of some scripts, and is no letter."""
_WORD = re.compile(rf"\w[\w{_MARKS}]*(?:[-'’]\w[\w{_MARKS}]*)*")
_DENSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Scripts that are written without spaces, or in which a word is a phrase: Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean."""
_LONGEST = 64
_STOP = frozenset(
    """a an and are as at be but by can could did do does for from had has have he her his how i if in into is it its
    me my no not of on or our she so than that the their them then there these they this to was we were what when
    where which who why will with would you your
    aber als am an auch auf aus bei bin bis da das dass dem den der des die dies diese dieser doch du ein eine einem
    einen einer er es für fuer hat hatte haben hier ich ihr im in ist ja kann kein keine man mein mich mir mit nach nicht
    noch nur ob oder sein sich sie sind so um und uns unser vom von vor war was wann warum wenn wer werden wie wir wird
    wo zu zum zur über ueber""".split()
)
_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|un|all|dall|dell|nell|sull|quell)['’](?=\w\w)")
_OWNED = re.compile(r"['’]s$")
_SOUNDS = re.compile(r"(?<![aeq])ue[sd]?$")
"""The end of "value", "issues", which is no ü."""
SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_local = threading.local()


def terms(text: str, language: str | None = None) -> list[str]:
    """The terms of a text, in order; a hyphenated word gives its parts too.

    Without a language its words may be German, English or both, and those of other languages have their accents folded;
    `language` ("fr", "es", "ru", see SNOWBALL) takes that language's rules instead: texts and questions need the same.
    Raises CompositionError for a language without rules.
    """
    of = _of if language is None else _by(language)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return [term for word in _WORD.findall(text.lower()) for term in of(word)]


@lru_cache(maxsize=100_000)
def _of(word: str) -> tuple[str, ...]:
    return _parts(word, None)


@lru_cache(maxsize=100_000)
def _parts(word: str, language: str | None) -> tuple[str, ...]:
    """The terms of one word."""
    if not word.isascii() and _DENSE.search(word):
        return _dense(word, language)
    if len(word) > _LONGEST:
        return ()
    if "'" in word or "’" in word:
        word = _OWNED.sub("", _ELIDED.sub("", word))
    stop = _STOP if language in (None, "de", "en") else frozenset[str]()
    if word in stop:
        return ()
    found: tuple[str, ...] = (_stem(word.replace("-", "").replace("'", "").replace("’", ""), language),)
    if "-" in word:
        found += tuple(_stem(part, language) for part in word.split("-") if part and part not in stop)
    return tuple(t for t in found if t)


def _dense(word: str, language: str | None) -> tuple[str, ...]:
    """Pairs of neighbouring letters, and what stands between them in other scripts as words."""
    found: list[str] = []
    at = 0
    for match in _DENSE.finditer(word):
        found += _parts(word[at : match.start()], language) if match.start() > at else ()
        run = match.group()
        found += [run[n : n + 2] for n in range(len(run) - 1)] if len(run) > 1 else [run]
        at = match.end()
    return (*found, *(_parts(word[at:], language) if at < len(word) else ()))


def _stem(word: str, language: str | None) -> str:
    if language is not None:
        return folded(_rules(SNOWBALL[language]).stemWord(word))
    if word.isdigit():
        return folded(word)
    if word.isascii():
        plain = _SOUNDS.sub("u", word)
    elif "\u00c0" <= max(word) < "\u0250":
        plain = _latin(word)
    else:
        return folded(word)
    stem: str = _rules("english").stemWord(folded(_rules("german").stemWord(plain)))
    return stem


def _latin(word: str) -> str:
    """Without accents, but for those that German has: its stems are found by them."""
    return "".join(c if c in "äöüß" else folded(c) for c in word)


def folded(word: str) -> str:
    """Without accents; umlauts as their base letters, ß as ss."""
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word.replace("ß", "ss").replace("ς", "σ").replace("\u0640", ""))
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def _by(language: str) -> Any:
    if language not in SNOWBALL:
        raise CompositionError(
            f"there are no rules for the language {language!r}", cure=f"one of {', '.join(SNOWBALL)}"
        )
    return lambda word: _parts(word, language)  # type: ignore[no-any-return]


def _rules(name: str) -> Any:
    """One stemmer a thread: it holds the word that it works on."""
    held: dict[str, Any] | None = getattr(_local, "held", None)
    if held is None:
        held = _local.held = {}
    if name not in held:
        held[name] = import_module("snowballstemmer").stemmer(name)
    return held[name]

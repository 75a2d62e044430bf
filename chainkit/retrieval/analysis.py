"""From text to the terms that a search compares: lower case, accents folded, common words left out, words cut
to their stems by Snowball's rules for German and English."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from importlib import import_module
from typing import Any

_WORD = re.compile(r"\w+(?:[-'’]\w+)*", re.UNICODE)
_LATIN = re.compile("[a-z]")
_LONGEST = 64
_STOP = frozenset(
    """a an and are as at be but by can could did do does for from had has have he her his how i if in into is it its
    me my no not of on or our she so than that the their them then there these they this to was we were what when
    where which who why will with would you your
    aber als am an auch auf aus bei bin bis da das dass dem den der des die dies diese dieser doch du ein eine einem
    einen einer er es für hat hatte haben hier ich ihr im in ist ja kann kein keine man mein mich mir mit nach nicht
    noch nur ob oder sein sich sie sind so um und uns unser vom von vor war was wann warum wenn wer werden wie wir wird
    wo zu zum zur über""".split()
)
_local = threading.local()


def terms(text: str) -> list[str]:
    """The terms of a text, in order; a hyphenated word gives its parts too."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group().lower()
        if word in _STOP or len(word) > _LONGEST:
            continue
        found.append(term(word))
        if "-" in word:
            found.extend(term(part) for part in word.split("-") if part and part not in _STOP)
    return found


@lru_cache(maxsize=50_000)
def term(word: str) -> str:
    """One word, lower case, as a term: its stem without accents."""
    plain = folded(word.replace("-", "").replace("'", "").replace("’", ""))
    if _LATIN.search(plain) is None:
        # Neither stemmer changes figures and other scripts, and both take their time over them.
        return plain
    english, german = _stemmers()
    return min(english.stemWord(plain), german.stemWord(plain), key=len)


def folded(word: str) -> str:
    """Without accents; umlauts as their base letters, ß as ss."""
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word.replace("ß", "ss"))
    return "".join(c for c in parts if not unicodedata.combining(c))


def _stemmers() -> tuple[Any, Any]:
    """One pair a thread: a stemmer holds the word it works on."""
    pair: tuple[Any, Any] | None = getattr(_local, "pair", None)
    if pair is None:
        stemmer: Any = import_module("snowballstemmer").stemmer
        pair = _local.pair = (stemmer("english"), stemmer("german"))
    return pair

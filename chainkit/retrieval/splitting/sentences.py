"""Where sentences end, in German, English, and in Chinese and Japanese: by rules, without a model.

A full stop does not end a sentence after an abbreviation ("z. B.", "e.g.", "Dr."), an initial, the number of a list, a
German ordinal ("am 1. Januar"), or before a small letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainkit.retrieval.splitting.spans import INK, Span

_END = re.compile(r"""[.!?…]+["'”’»“‘«)\]]*(?=\s|$)|[。！？｡]+[」』”’）】》]*|\n[ \t\r]*\n""")
_NEVER = frozenset(
    """dr prof mr mrs ms messrs hr hrn fr frl st nr vgl ca bzw bzgl abs bd abb figs tab kap inkl exkl ggf evtl sog geb
    gest vs eg ie zb dh ua uä oä od resp str hl hrsg aufl dipl ing mag phil rer nat jur lt sgt capt cmdr rev hon gov sen
    mt pp eds cf approx dept est jan feb apr jun jul aug sep sept okt oct nov dez dec bsp bspw insb insbes allg amtl ev
    griech frz engl österr schweiz zzgl zzt anm stv gem lfd ehem urspr jh""".split()
)
"""Abbreviations that more words follow."""
_BEFORE_NUMBER = frozenset("no nos art fig p s vol ch sec ed tel max min abschn ziff rn rz bl".split())
"""Words that are abbreviations where a number follows: "No. 5", and not "He said no. 5 of them ..." as often."""
_AT_END = frozenset(
    "mio mrd tsd inc ltd co corp jr sr bros u.a u.ä o.ä a.m p.m u.s u.k d.c ph.d b.c a.d m.a b.a".split()
)
"""Abbreviations with which a sentence may end: it does, where a word follows that one begins with."""
_STARTS = frozenset(
    """the he she it they we i you in but and this that these those there if when while after at on for as so not no
    his her its my our a an what who how why however der die das er sie es wir ihr ich ein eine aber und doch dies
    diese dieser dieses im am auf bei mit nach wenn als da dann so nur auch man was wer wie wo warum sein seine""".split()
)
_BEFORE_ORDINAL = frozenset(
    """am der die das den dem des im vom zum zur beim bis ab seit jeder jede jedes ein eine einem einer eines mein dein
    sein ihr unser dieser diese dieses""".split()
)
_AFTER_ORDINAL = frozenset(
    """januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert jahrhunderts
    jahrtausend jh platz tag tages woche monat jahr quartal halbjahr auflage kapitel klasse stock etage geburtstag
    lebensjahr weltkrieg weltkriegs bundesliga liga absatz satz mal runde spieltag""".split()
)
_WORD_BEFORE = re.compile(r"(\S+)$")
_WORD_AFTER = re.compile(r"\s+[\"'“„»«‘‚(\[]*(\w+)")
_SECOND = re.compile(r"(?<!\w)[zdusiovm]\.\s*$")
"""What stands before the second letter of "z. B.", "d. h.", "i. d. R."."""
_NUMBER = re.compile(r"(?:[a-z]\.)?\d+(?:\.\d+)*")
_REACH = 40


def ends(text: str, start: int, end: int) -> Iterator[int]:
    """Where sentences end between two places: each is where the white space begins that follows, or the next sentence."""
    for match in _END.finditer(text, start, end):
        if match.group()[0] != "\n" and _ending(text, match, start):
            yield match.end()


def last_end(text: str, start: int, end: int) -> int:
    """The last of them; -1 where there is none."""
    for match in reversed(list(_END.finditer(text, start, end))):
        if match.group()[0] != "\n" and _ending(text, match, start):
            return match.end()
    return -1


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """The sentences of a text, without the white space between them. A blank line ends one too."""
    end = len(text) if end is None else end
    at = start
    for match in _END.finditer(text, start, end):
        if match.group()[0] == "\n":
            cut = match.start()
        elif _ending(text, match, start):
            cut = match.end()
        else:
            continue
        yield from _inked(text, at, cut)
        at = cut
    yield from _inked(text, at, end)


def _inked(text: str, start: int, end: int) -> Iterator[Span]:
    end = start + len(text[start:end].rstrip())
    first = INK.search(text, start, end)
    if first is not None:
        yield first.start(), end


def _ending(text: str, match: re.Match[str], start: int) -> bool:
    """Whether a mark ends a sentence. What decides stands within a few words of it."""
    at, mark = match.start(), match.group()
    if mark[0] in "。！？｡":
        return True
    follows = _WORD_AFTER.match(text, match.end())
    word = follows.group(1) if follows else ""
    if word[:1].islower():
        # What is asked or called within quotation marks goes on: "Was?" fragte er.
        return mark[0] in "!?" and mark[-1] in "!?"
    if mark[0] != "." or mark.startswith(".."):
        return True
    before = _WORD_BEFORE.search(text, max(start, at - _REACH), at)
    return before is None or not _abbreviated(text, before, word, start)


def _abbreviated(text: str, before: re.Match[str], follows: str, start: int) -> bool:
    word = before.group(1).lstrip("\"'“„»«‘‚([").lower()
    bare = word.replace(".", "")
    if _NUMBER.fullmatch(word):
        return _ordinal(text, before, word, follows, start)
    if word in _AT_END:
        return bool(follows) and follows.lower() not in _STARTS and len(follows) > 1
    if word.rpartition("-")[2] in _NEVER or bare in _NEVER or (word in _BEFORE_NUMBER and follows.isdigit()):
        return True
    if "." in word and all(len(p) <= 2 for p in word.split(".")):
        return follows.lower() not in _STARTS
    if len(word) != 1 or not word.isalpha():
        return False
    return (
        follows.lower() not in _STARTS
        or _SECOND.search(text, max(start, before.start(1) - 5), before.start(1)) is not None
    )


def _ordinal(text: str, before: re.Match[str], number: str, follows: str, start: int) -> bool:
    line = text.rfind("\n", start, before.start(1)) + 1 or start
    if not text[line : before.start(1)].strip(" \t>*-#"):
        return True
    if len(number) > 3 or "." in number:
        return False
    if follows.lower() in _AFTER_ORDINAL or (follows.isdigit() and len(follows) <= 2):
        return True
    said = re.search(r"(\w+)\s+$", text[max(line, before.start(1) - _REACH) : before.start(1)])
    return said is not None and said.group(1).lower() in _BEFORE_ORDINAL and bool(follows)

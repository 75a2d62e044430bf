"""Manual pages (troff with the macros of man and mdoc): enough of them for headings, paragraphs and examples."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainkit.documents import Document
from chainkit.retrieval.loading.decoding import text_of
from chainkit.retrieval.loading.opened import Opened
from chainkit.retrieval.loading.options import Unreadable

_PAGE = re.compile(r"^[.'](?:TH|Dd|Dt|SH|Sh)\b", re.MULTILINE)
_SAID = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_GLYPHS = {
    "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "aq": "'", "dq": '"', "em": "—", "en": "–", "hy": "-", "bu": "•",
    "co": "©", "rg": "®", "tm": "™", "mi": "-", "ti": "~", "ha": "^", "rs": "\\", "ga": "`", "aa": "´", "->": "→",
    "<-": "←", ">=": "≥", "<=": "≤", "!=": "≠", "mu": "×", "+-": "±", "eu": "€", "Po": "£", "de": "°", "sc": "§",
    "u:": "ü", "a:": "ä", "o:": "ö", "U:": "Ü", "A:": "Ä", "O:": "Ö", "ss": "ß", "Fo": "«", "Fc": "»", "sq": "□",
}  # fmt: skip
_GLYPH = re.compile(r"\\\((..)|\\\[([^\]\s]{1,20})\]")
_ESCAPES = re.compile(
    r"\\f(?:\(..|\[[^\]]{0,40}\]|.)|\\s[+-]?\d{1,3}|\\m\[[^\]]{0,40}\]|\\[hvwkzo]'[^']{0,99}'|\\\*(?:\(..|\[[^\]]{0,40}\]|.)|\\[&|^%/,:c!{}]"
)
_BREAKS = frozenset({"PP", "P", "LP", "Pp", "sp", "HP", "RS", "RE", "IP", "Bl", "El", "Bd", "Ed", "br", "D1", "Dl"})
_IGNORED = frozenset(
    'TH Dd Dt Os so de ig nr ds if ie el ta ne ad na nh hy ft ps in ti PD .. " \\" AT UC DT fi nf EX EE Sm Bk Ek'.split()
)


def read_manual(opened: Opened) -> Iterator[Document]:
    """A manual page: `# NAME` sections and `## ...` ones, its paragraphs, examples in fences."""
    text = text_of(opened, opened.whole())
    if text.startswith(".so "):
        raise Unreadable(f"it only refers to another manual page: {text[4:].strip()[:80]}")
    if not _PAGE.search(text):
        raise Unreadable("it is no manual page")
    heading = re.search(r'^[.\'](?:TH|Dt)[ \t]+"?([^"\s]+)"?[ \t]+"?(\w+)"?', text, re.MULTILINE)
    title = f"{heading.group(1)}({heading.group(2)})" if heading else None
    yield opened.document(_Page().read(text.split("\n")), title=title)


class _Page:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._pre = self._item = self._skip = False

    def read(self, lines: list[str]) -> str:
        for line in lines:
            if self._skip:
                self._skip = not line.startswith("..")
            elif line.startswith((".", "'")):
                name, _, rest = line[1:].lstrip().partition(" ")
                self._macro(name, rest.strip())
            elif line or self._pre:
                self._say(plain(line))
            else:
                self._out.append("\n\n")
        self._fence(False)
        lines = [line.rstrip() for line in "".join(self._out).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def _macro(self, name: str, rest: str) -> None:
        if name in ("SH", "Sh", "SS", "Ss"):
            self._fence(False)
            self._out.append(f"\n\n{'#' if name in ('SH', 'Sh') else '##'} {' '.join(said(rest))}\n\n")
        elif name in ("nf", "EX", "fi", "EE", "Bd", "Ed"):
            self._fence(name in ("nf", "EX", "Bd"))
        elif name in ("de", "ig"):
            self._skip = True
        elif name in ("TP", "It", "TQ", "IP"):
            self._out.append("\n\n")
            self._item = name in ("TP", "TQ")
            if said(rest) and name in ("It", "IP"):
                self._out.append((said(rest)[0] if name == "IP" else " ".join(said(rest))) + "\n")
        elif name in _BREAKS:
            self._out.append("\n\n" if not self._pre else "\n")
        elif name and name not in _IGNORED and rest:
            words = said(rest)
            self._say(("" if len(name) == 2 and name.isupper() and name != "SM" else " ").join(words))

    def _say(self, text: str) -> None:
        self._out.append(text + ("\n" if self._pre or self._item else " "))
        self._item = False

    def _fence(self, begin: bool) -> None:
        if begin != self._pre:
            self._out.append("\n\n```\n" if begin else "```\n\n")
            self._pre = begin


def said(rest: str) -> list[str]:
    """The arguments of a macro, as text."""
    return [plain(a.replace('""', '"') or b) for a, b in _SAID.findall(rest.partition('\\"')[0])]


def plain(line: str) -> str:
    """A line without troff's escapes."""
    if "\\" not in line:
        return line
    line = _ESCAPES.sub("", line.partition('\\"')[0])
    line = _GLYPH.sub(lambda m: _glyph(m.group(1) or m.group(2)), line)
    for mark, text in (
        ("\\-", "-"),
        ("\\ ", " "),
        ("\\~", " "),
        ("\\0", " "),
        ("\\'", "´"),
        ("\\`", "`"),
        ("\\.", "."),
    ):
        line = line.replace(mark, text)
    return line.replace("\\e", "\\").replace("\\\\", "\\")


def _glyph(name: str) -> str:
    if name.startswith("u") and re.fullmatch(r"u[0-9A-F]{4,5}", name):
        return chr(min(int(name[1:], 16), 0x10FFFF))
    return _GLYPHS.get(name, "")

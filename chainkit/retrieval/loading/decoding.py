"""Bytes to text, strictly: by their mark, by what they declare, as UTF-8, as the user says. There is no guess.

Guessers read Spanish in Windows-1252 as Czech and say nothing; who knows where files come from knows better.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from chainkit.retrieval.loading.opened import Opened
from chainkit.retrieval.loading.options import Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 20
_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{2,40})|encoding=["']([\w-]{2,40})["']""", re.IGNORECASE
)


def text_of(opened: Opened, data: bytes, declared: str | None = None) -> str:
    """The text of bytes that are held as a whole; line ends become newlines. Raises Unreadable with the byte."""
    for name in _candidates(opened, data[:4], declared):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        _no_nul(text.find("\0"))
        _note(opened, name)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    raise _no_text(opened, _bad(data), data[:4])


def encoding_of(opened: Opened) -> str:
    """The encoding of a long text, found by reading it in blocks; the stream then stands at its begin again."""
    head = opened.stream.read(4)
    bad: int | None = 0
    first = 0
    for n, name in enumerate(_candidates(opened, head, opened.charset)):
        opened.stream.seek(0)
        bad = _first_bad(opened.stream, name)
        opened.stream.seek(0)
        if bad is None:
            _note(opened, name)
            return name
        first = bad if n == 0 else first
    raise _no_text(opened, first, head)


def _candidates(opened: Opened, head: bytes, declared: str | None) -> list[str]:
    marked = _marked(head)
    if marked is not None:
        return [marked]
    names = [known_encoding(declared), "utf-8", known_encoding(opened.options.encoding)]
    return list(dict.fromkeys(n for n in names if n is not None))


def _first_bad(stream: BinaryIO, encoding: str) -> int | None:
    """Where a stream stops being text in that encoding. Raises Unreadable at a NUL."""
    decoder, at = codecs.getincrementaldecoder(encoding)(), 0
    while True:
        block = stream.read(_BLOCK)
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return at - held + error.start
        if "\0" in text:
            _no_nul(at + text.find("\0"))
        if not block:
            return None
        at += len(block)


def declared(data: bytes) -> str | None:
    """The charset that a page or XML file names in its first bytes."""
    found = _CHARSET.search(data[:2048])
    return None if found is None else (found.group(1) or found.group(2)).decode("ascii")


def known_encoding(name: str | None) -> str | None:
    """Python's name of a charset of texts; None where it has none. Latin-1 means Windows-1252, as in browsers."""
    try:
        found = codecs.lookup((name or "").strip())
    except (LookupError, ValueError):
        return None
    if not getattr(found, "_is_text_encoding", True) or found.name in ("idna", "punycode", "undefined"):
        return None
    return "cp1252" if found.name in ("iso8859-1", "ascii") else found.name


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _note(opened: Opened, name: str) -> None:
    if name not in ("utf-8", "utf-8-sig"):
        opened.metadata["encoding"] = name


def _bad(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _no_nul(at: int) -> None:
    if at >= 0:
        raise Unreadable(f"it is no text: there is a NUL at {at:,}")


def _no_text(opened: Opened, bad: int, head: bytes) -> Unreadable:
    marked, said = _marked(head), opened.options.encoding
    if marked is not None and marked != "utf-8-sig":
        return Unreadable(f"it is not UTF-8 at byte {bad:,}, nor the {marked} that its first bytes promise")
    if said is not None:
        return Unreadable(f"it is not UTF-8 at byte {bad:,}, nor {said}")
    return Unreadable(f"it is not UTF-8 at byte {bad:,}; say what it is, such as encoding='cp1252'")

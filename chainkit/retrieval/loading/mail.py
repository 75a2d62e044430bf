"""E-mail: single letters and mailboxes. Attachments are named, not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, TypeAlias, cast

from chainkit.documents import Document, Region
from chainkit.retrieval.html import read_html
from chainkit.retrieval.loading.decoding import known_encoding
from chainkit.retrieval.loading.opened import Opened, clean, utc
from chainkit.retrieval.loading.options import Unreadable, too_much
from chainkit.retrieval.loading.text import part

_Letter: TypeAlias = "Message[str, str]"

_SHOWN = ("From", "To", "Cc", "Date")
_ABOUT_PARTS = re.compile(rb"^content-[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_LONGEST = 16_000
"""Bytes of a header that the standard library takes apart, which it does in time that grows with their square."""


def read_mail(opened: Opened) -> Iterator[Document]:
    """A letter: its subject as `# ...`, who wrote to whom, its text (else its HTML), and what is attached."""
    text, known = _letter(opened, opened.whole())
    yield opened.document(text, **known)


def read_mbox(opened: Opened) -> Iterator[Document]:
    """The letters of a mailbox; `message` counts from 1, and each region has its title, author and date."""
    limits, number, offset = opened.options, 1, 0
    texts, regions, size = list[str](), list[Region](), 0
    for count, data in enumerate(_letters(opened), start=1):
        text, known = _letter(opened, data)
        text = clean(text) + "\n\n"
        if opened.size > limits.part_size and texts and size + len(text) > limits.part_size:
            yield part(opened, "".join(texts), number, offset, regions)
            offset, number, size, texts, regions = offset + size, number + 1, 0, [], []
        regions.append((size, {"message": count, **{k: v for k, v in known.items() if v}}))
        texts.append(text)
        size += len(text)
    if not texts:
        raise Unreadable("it is no mailbox: no line begins with 'From '")
    if number > 1:
        yield part(opened, "".join(texts), number, offset, regions)
    else:
        yield opened.document("".join(texts).rstrip("\n"), tuple(regions))


def _letters(opened: Opened) -> Iterator[bytes]:
    """The bytes of each letter, within `max_bytes`: they begin at `From ` lines after an empty one."""
    held: list[bytes] = []
    size, empty, begun = 0, True, False
    for line in _lines(opened.stream):
        if empty and line.startswith(b"From "):
            if begun:
                yield b"".join(held)
            held, size, begun = [], 0, True
        elif begun:
            size += len(line)
            if size > opened.options.max_bytes:
                raise too_much("one of its letters has more bytes than that", opened.options, "max_bytes")
            held.append(line[1:] if line.startswith((b">From ", b">>From ")) else line)
        empty = line in (b"\n", b"\r\n")
    if begun:
        yield b"".join(held)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(1 << 20):
        yield line


def _letter(opened: Opened, data: bytes) -> tuple[str, dict[str, Any]]:
    if any(len(found.group()) > _LONGEST for found in _ABOUT_PARTS.finditer(data)):
        raise Unreadable(f"a header of one of its parts has more than {_LONGEST:,} bytes")
    # The older policy leaves headers as they are: the newer one takes seconds for one of 40,000 characters.
    message: _Letter = BytesParser().parsebytes(data)
    _shallow(message, opened)
    subject, author = _header(message, "Subject"), _header(message, "From")
    lines = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    if not lines and not subject:
        raise Unreadable("it is no letter: it has neither subject, sender nor date")
    attached = list(_attached(message))
    if attached:
        lines.append(f"Attachments: {', '.join(attached)}")
    blocks = [f"# {subject}" if subject else "", "\n".join(lines), _body(message)]
    known = {"title": subject, "author": author, "modified": _date(message), "attachments": attached}
    return "\n\n".join(b for b in blocks if b), known


def _header(message: _Letter, name: str) -> str:
    """A header as text; what cannot be decoded stands as it is."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return _decoded(raw)


def _decoded(raw: str) -> str:
    text = " ".join(_text(raw.encode("utf-8", "surrogateescape")).split())
    if "=?" in text and len(text) <= _LONGEST:
        try:
            return " ".join(str(make_header(decode_header(text))).split())
        except (LookupError, ValueError):
            pass
    return text


def _date(message: _Letter) -> str | None:
    try:
        return utc(parsedate_to_datetime(_header(message, "Date")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _shallow(message: _Letter, opened: Opened) -> None:
    pending: list[tuple[Any, int]] = [(message, 0)]
    while pending:
        inner, depth = pending.pop()
        if depth > opened.options.max_depth:
            raise too_much("its parts are nested deeper than that", opened.options, "max_depth")
        if inner.is_multipart():
            pending += [(p, depth + 1) for p in inner.get_payload()]


def _body(message: _Letter) -> str:
    """The plain text, else the HTML, of those parts that are not attached."""
    plain: list[str] = []
    marked: list[str] = []
    for piece in message.walk():
        if piece.is_multipart() or piece.get_content_disposition() == "attachment":
            continue
        if piece.get_content_type() == "text/plain":
            plain.append(_content(piece))
        elif piece.get_content_type() == "text/html":
            marked.append(read_html(_content(piece))[0])
    return "\n\n".join(t.strip() for t in (plain or marked) if t.strip())


def _content(piece: Any) -> str:
    """A part's text, as its charset says."""
    return _text(cast("bytes", piece.get_payload(decode=True) or b""), piece.get_content_charset())


def _text(data: bytes, charset: str | None = None) -> str:
    """Bytes as they are said to be; where that is wrong as UTF-8 or Windows-1252, or Latin-1, which reads any byte."""
    for name in (known_encoding(charset), "utf-8", "cp1252"):
        try:
            return data.decode(name or "utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1").replace("\r\n", "\n")


def _attached(message: _Letter) -> Iterator[str]:
    for piece in message.walk():
        if piece.is_multipart():
            continue
        try:
            name = piece.get_filename()
        except Exception:
            name = "unnamed"
        if name or piece.get_content_disposition() == "attachment":
            yield _decoded(name or "unnamed")

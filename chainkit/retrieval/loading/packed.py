"""Packed files (Word, PowerPoint, Excel, EPUB), unpacked within bounds.

A directory of a zip file may lie about sizes, name the same bytes many times, or hold what unpacks to a thousand times
its size. So what a parser is given is a copy: each member was unpacked here, in blocks, against the bounds; it is
stored plainly; pictures and sounds, which hold no text, are empty in it; and no XML in it declares entities.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import BinaryIO

from chainkit.retrieval.loading.opened import Opened
from chainkit.retrieval.loading.options import Unreadable, too_much

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_XML = (".xml", ".rels", ".opf", ".ncx", ".vml")
_DECLARED = tuple("<!ENTITY".encode(c) for c in ("utf-8", "utf-16-le", "utf-16-be"))
_BLOCK = 1 << 16
_SMALL = 1 << 20
"""Bytes below which a ratio says nothing."""
_MEMBERS = 100_000


class Packed:
    """A zip file whose members are read against the bounds of a source."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._size = self._nodes = 0
        self._trees = opened.suffix not in (".xlsx", ".xlsm")
        self._zip = _opened(opened)
        entries = self._zip.infolist()
        if len(entries) > _MEMBERS:
            raise Unreadable(f"it is packed of {len(entries):,} parts, and no book or letter is")
        self.names = [e.filename for e in entries]
        claimed = sum(e.file_size for e in entries if _text(e.filename))
        self._bounded(claimed, sum(e.compress_size for e in entries if _text(e.filename)))

    def _bounded(self, size: int, packed: int) -> None:
        limits = self._opened.options
        if size > limits.max_unpacked:
            raise too_much(f"unpacked it has {size:,} bytes or more", limits, "max_unpacked")
        if size > _SMALL and size > packed * limits.max_ratio:
            raise too_much(f"it unpacks to {size // max(packed, 1):,} times its size or more", limits, "max_ratio")

    def copied(self, name: str, put: Callable[[bytes], object]) -> None:
        """Hand on what a member holds, block by block. Raises Unreadable."""
        entry = self._zip.getinfo(name)
        if entry.flag_bits & 1:
            raise Unreadable("it is protected by a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(f"it is packed in an unusual way (method {entry.compress_type})")
        xml, tail, size = name.lower().endswith(_XML), b"", 0
        with self._zip.open(entry) as member:
            while block := member.read(_BLOCK):
                size += len(block)
                self._size += len(block)
                self._bounded(self._size, max(self._opened.size, 1))
                if xml and any(mark in tail + block for mark in _DECLARED):
                    raise Unreadable("its XML declares entities of its own, which no such file needs; not read")
                if xml and self._trees:
                    self._counted(block)
                tail = block[-20:]
                put(block)
        if size != entry.file_size:
            raise Unreadable(f"its part {name[:80]!r} has {size:,} bytes, and its directory says {entry.file_size:,}")

    def _counted(self, block: bytes) -> None:
        """Of small tags a tree takes many times the memory of its text."""
        self._nodes += block.count(b"<") + block.count(b"=")
        if self._nodes > self._opened.options.max_nodes:
            raise too_much(
                f"its XML has {self._nodes:,} tags and attributes or more", self._opened.options, "max_nodes"
            )

    def read(self, name: str) -> bytes:
        """What a member holds. Raises Unreadable where there is none of that name."""
        if name not in self._zip.NameToInfo:
            raise Unreadable(f"it lacks its part {name[:80]!r}")
        held: list[bytes] = []
        self.copied(name, held.append)
        return b"".join(held)


def plain_copy(opened: Opened) -> BinaryIO:
    """The file, unpacked within bounds and stored without packing, for a parser of packed files."""
    packed = Packed(opened)
    held = opened.temporary()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as copy:
        for name in dict.fromkeys(packed.names):
            with copy.open(name, "w", force_zip64=False) as member:
                if _text(name):
                    packed.copied(name, member.write)
    held.seek(0)
    return held


def _text(name: str) -> bool:
    """Whether a member may hold text: pictures, sounds, fonts and what is embedded do not."""
    return name.lower().endswith((*_XML, ".html", ".htm", ".xhtml")) or "/" not in name


def _opened(opened: Opened) -> zipfile.ZipFile:
    head = opened.stream.read(8)
    opened.stream.seek(0)
    if head == _OLE:
        if _PROTECTED in opened.whole():
            raise Unreadable("it is protected by a password")
        raise Unreadable("it is in the old binary form of Office, in spite of its name; save it anew")
    try:
        return zipfile.ZipFile(opened.stream)
    except zipfile.BadZipFile as error:
        raise Unreadable(f"it is no {opened.suffix} file: {error}") from error

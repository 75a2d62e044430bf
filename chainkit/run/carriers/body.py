"""Undoing the compression of a body."""

from __future__ import annotations

import zlib
from typing import Protocol

from chainkit.errors import ReplyMalformed

ACCEPTED = "gzip, deflate"


class Decoder(Protocol):
    """Takes what comes in, gives what it stood for."""

    def decode(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


class _Inflate:
    """gzip and deflate. Servers disagree on what deflate is: with zlib's frame or without."""

    __slots__ = ("_head", "_stream", "_unsure")

    def __init__(self, *, unsure: bool) -> None:
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._unsure = unsure
        self._head = b""

    def decode(self, data: bytes) -> bytes:
        if self._unsure:
            data = self._head = self._head + data
            if len(data) < 2:
                return b""
            self._decide(data)
        try:
            return self._stream.decompress(data)
        except zlib.error as error:
            msg = f"the answer's compression is broken: {error}"
            raise ReplyMalformed(msg) from None

    def _decide(self, data: bytes) -> None:
        self._unsure, self._head = False, b""
        if data[0] & 15 != 8 or int.from_bytes(data[:2], "big") % 31:
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)

    def flush(self) -> bytes:
        return self._stream.flush()


def decoder(encoding: str | None) -> Decoder | None:
    """For the value of a content-encoding header; None where there is nothing to undo."""
    word = (encoding or "").strip().lower()
    if word in ("", "identity"):
        return None
    if word in ("gzip", "x-gzip", "deflate"):
        return _Inflate(unsure=word == "deflate")
    msg = f"the answer is compressed as {word!r}, which was not asked for"
    raise ReplyMalformed(msg)

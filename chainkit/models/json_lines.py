"""Streams of one JSON object a line, as some servers answer: each line is an event."""

from __future__ import annotations

from chainkit.errors import ReplyMalformed

_LIMIT = 64 * 1024 * 1024
"""Bytes that one line may have."""


class JsonLines:
    """One stream. Feed it what arrives; it gives the lines that are whole."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The lines that end in `data`. Raises ReplyMalformed for one that does not end at all."""
        tail = self._tail
        cut = data.rfind(b"\n")
        if cut < 0:
            tail += data
            if len(tail) > _LIMIT:
                msg = f"the stream sent {_LIMIT} bytes without a line's end"
                raise ReplyMalformed(msg)
            return []
        whole, self._tail = bytes(tail) + data[:cut], bytearray(data[cut + 1 :])
        return [("message", line) for line in whole.split(b"\n") if line.strip()]

    def rest(self) -> list[tuple[str, bytes]]:
        """A last line without its end."""
        left, self._tail = bytes(self._tail), bytearray()
        return [("message", left)] if left.strip() else []

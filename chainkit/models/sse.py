"""Server-sent events, read as they come: https://html.spec.whatwg.org/multipage/server-sent-events.html

Works on bytes, so that a character cut in two by the network is never looked at; takes time linear in
what comes in. `id` and `retry` are left out: an answer of a model cannot be taken up again.
"""

from __future__ import annotations

from chainkit.errors import ReplyMalformed

Event = tuple[str, bytes]
"""The event's name, `message` where it has none, and its data."""

_BOM = b"\xef\xbb\xbf"
_LIMIT = 64 * 1024 * 1024
"""Bytes that one event may have."""
_NAMES = 64
"""Event names that are kept decoded."""


class SseParser:
    """One stream. Feed it what arrives; it gives the events that are whole."""

    __slots__ = ("_begun", "_cr", "_names", "_tail")

    def __init__(self) -> None:
        self._tail = bytearray()
        self._cr = False
        self._begun = False
        self._names: dict[bytes, str] = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that end in `data`. Raises ReplyMalformed for one that does not end at all."""
        if self._cr or b"\r" in data:
            data = self._unified(data)
        tail = self._tail
        if not tail:
            cut = data.rfind(b"\n\n")
            if cut < 0:
                tail += data
                return []
            if cut + 2 != len(data):
                tail += data[cut + 2 :]
                data = data[: cut + 2]
            return self._events(data)
        start = len(tail) - 1
        tail += data
        cut = tail.rfind(b"\n\n", start)
        if cut < 0:
            if len(tail) > _LIMIT:
                msg = f"the stream sent {_LIMIT} bytes that make no event"
                raise ReplyMalformed(msg)
            return []
        whole = bytes(memoryview(tail)[: cut + 2])
        del tail[: cut + 2]
        return self._events(whole)

    def rest(self) -> list[Event]:
        """What came after the last blank line, as an event: the standard drops it, some servers mean it."""
        left, self._tail = bytes(self._tail), bytearray()
        return self._events(left) if left.strip() else []

    def _unified(self, data: bytes) -> bytes:
        # All line ends become \n; the \n of a \r\n may come with the next bytes.
        if self._cr and data[:1] == b"\n":
            data = data[1:]
            self._cr = False
        if data:
            self._cr = data[-1:] == b"\r"
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _events(self, data: bytes) -> list[Event]:
        if not self._begun:
            self._begun = True
            data = data.removeprefix(_BOM)
        found: list[Event] = []
        for block in data.split(b"\n\n"):
            if block[:6] == b"data: " and b"\n" not in block:
                found.append(("message", block[6:]))
            elif block and (event := self._event(block)) is not None:
                found.append(event)
        return found

    def _event(self, block: bytes) -> Event | None:
        if block[:7] == b"event: ":
            name, _, rest = block.partition(b"\n")
            if rest[:6] == b"data: " and b"\n" not in rest:
                return self._name(name[7:]), rest[6:]
        return self._by_line(block)

    def _by_line(self, block: bytes) -> Event | None:
        name = b""
        data: list[bytes] = []
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.removeprefix(b" ")
        return (self._name(name), b"\n".join(data)) if data else None

    def _name(self, name: bytes) -> str:
        known = self._names.get(name)
        if known is None:
            known = name.decode("utf-8", "replace") or "message"
            if len(self._names) < _NAMES:
                self._names[name] = known
        return known

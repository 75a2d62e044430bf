"""Thinking that stands at the head of a text, between `<think>` and `</think>`: open models write it so.

Where a server does not part the two itself, we do. A whole text goes through the same parting as a streamed
one, so the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterator

OPEN, CLOSE = "<think>", "</think>"


class Parting:
    """Parts a text as it comes; gives (whether it is thinking, the piece)."""

    __slots__ = ("_held", "_in")

    def __init__(self) -> None:
        self._held = ""
        self._in = "head"

    @property
    def done(self) -> bool:
        """Whether all that still comes is text."""
        return self._in == "text"

    def feed(self, text: str) -> Iterator[tuple[bool, str]]:
        """The pieces that are certain now."""
        text, self._held = self._held + text, ""
        if self._in == "head":
            text = self._head(text)
        if self._in == "thinking":
            thought, text = self._thinking(text)
            if thought:
                yield True, thought
        if self._in == "gap":
            text = text.lstrip()
            self._in = "text" if text else "gap"
        if self._in == "text" and text:
            yield False, text

    def rest(self) -> Iterator[tuple[bool, str]]:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        if held:
            yield self._in == "thinking", held

    def _head(self, text: str) -> str:
        begun = text.lstrip()
        if begun.startswith(OPEN):
            self._in = "thinking"
            return begun[len(OPEN) :]
        if OPEN.startswith(begun):
            self._held = text
            return ""
        self._in = "text"
        return text

    def _thinking(self, text: str) -> tuple[str, str]:
        thought, closed, after = text.partition(CLOSE)
        if closed:
            self._in = "gap"
            return thought, after
        # The end of it may be the beginning of the closing tag.
        kept = next((n for n in range(min(len(CLOSE) - 1, len(text)), 0, -1) if CLOSE.startswith(text[-n:])), 0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept], ""


def parted(text: str) -> tuple[str, str]:
    """(thinking, text) of a whole text."""
    if OPEN not in text:
        return "", text
    parting = Parting()
    pieces = [*parting.feed(text), *parting.rest()]
    return "".join(p for inside, p in pieces if inside), "".join(p for inside, p in pieces if not inside)
